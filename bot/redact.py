"""Keeps bot tokens out of every log line: Telegram puts them into the path of each URL."""

import logging
import re
import traceback
from collections.abc import MutableMapping
from typing import Any

_TOKEN = re.compile(r"(?P<bot>(?<=bot)\d+|\b\d{6,}):(?P<secret>[A-Za-z0-9_-]{20,})")


def redact(text: str) -> str:
    return _TOKEN.sub(lambda found: f"{found['bot']}:***", text)


class RedactTokens(logging.Filter):
    """For handlers, not loggers: a logger's filter does not see what its children log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The same as a structlog processor; goes after the one that formats exceptions."""
    return {key: _redacted(value) for key, value in event.items()}


def _redacted(value: object) -> object:
    match value:
        case str():
            return redact(value)
        case dict():
            return {key: _redacted(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_redacted(inner) for inner in value]
        case BaseException():
            return redact(repr(value))
        case _:
            return value


def quiet_wire_loggers() -> None:
    """At INFO, httpx prints the whole URL of every request, token included."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
