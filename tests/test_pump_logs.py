"""A bot's token does not get into a log, and the plug is pulled where the environment says."""

import io
import logging
import os
import signal
import subprocess
import sys

import pytest

from bot.redact import RedactTokens, quiet_wire_loggers, redact, redact_event
from core.crashpoints import POINTS, reach

SECRET = "AAE-x1_KdO7vhV3KQ0Zc4yqkK9sWmD1u2bE"
TOKEN = f"7000012345:{SECRET}"
URL = f"https://api.telegram.org/bot{TOKEN}/getUpdates"


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.addFilter(RedactTokens())
    logger = logging.Logger("wire")
    logger.addHandler(handler)
    return logger, lines


def test_a_url_in_an_argument_is_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, lines = log
    logger.info("HTTP Request: %s %s", "POST", URL)
    assert lines.getvalue() == (
        "HTTP Request: POST https://api.telegram.org/bot7000012345:***/getUpdates\n"
    )


def test_a_traceback_is_redacted(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, lines = log
    try:
        raise ConnectionError(f"The token `{TOKEN}` was rejected")
    except ConnectionError:
        logger.exception("failed")
    assert "ConnectionError" in lines.getvalue()
    assert SECRET not in lines.getvalue()


def test_a_structured_event_is_redacted_at_any_depth() -> None:
    event = {"event": URL, "more": [{"url": URL}], "error": ValueError(URL), "tries": 3}
    redacted = redact_event(None, "info", event)
    assert SECRET not in str(redacted)
    assert redacted["tries"] == 3


@pytest.mark.parametrize("text", ["12:30:00", "ticket 100427: paper jam", "sha256:" + "ab" * 32])
def test_what_is_no_token_stays(text: str) -> None:
    assert redact(text) == text


def test_wire_loggers_keep_quiet_about_requests() -> None:
    quiet_wire_loggers()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)


def pass_by(order: str, name: str, times: int) -> int:
    """The exit code of a process that passes a point so many times."""
    program = f"from core.crashpoints import reach\nfor _ in range({times}): reach({name!r})"
    environment = {**os.environ, "PAIDAN_CRASH_AT": order}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True)
    return done.returncode


@pytest.mark.parametrize(
    ("order", "times", "code"),
    [
        ("after_store:3", 3, -signal.SIGKILL),
        ("after_store:3", 2, 0),
        ("after_store", 1, -signal.SIGKILL),
        ("before_send:1", 5, 0),
        ("nowhere:1", 1, 1),
    ],
)
def test_a_process_dies_where_and_when_it_was_told(order: str, times: int, code: int) -> None:
    assert pass_by(order, "after_store", times) == code


@pytest.mark.parametrize("name", POINTS)
def test_without_an_order_nothing_happens(name: str) -> None:
    reach(name)


def test_a_point_that_is_not_listed_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        reach("after_lunch")
