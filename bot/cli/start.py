"""Starting the desk from a shell: settings first, then logs, then the loop."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import typer

from bot import loading
from bot.redact import RedactTokens, quiet_wire_loggers, redact_event
from bot.settings import DEFAULT_FILE, Log, Settings, WrongSettings, load


def start(path: Path | None, *, trial: bool, port: int | None) -> None:
    """Run until told to stop; wrong settings end it with one sentence for each."""
    settings = read_settings(path)
    configure_logs(settings.log)
    with told_in_sentences():
        if trial or (path is None and not DEFAULT_FILE.exists() and settings.telegram is None):
            from bot.trial import desk

            asyncio.run(desk.run(port))
        else:
            from bot import main

            asyncio.run(main.run(settings, ready=lambda _: loading.is_done()))


def read_settings(path: Path | None) -> Settings:
    with told_in_sentences():
        return load(path)


@contextmanager
def told_in_sentences() -> Iterator[None]:
    try:
        yield
    except WrongSettings as fault:
        for problem in fault.problems:
            typer.echo(problem, err=True)
        raise typer.Exit(2) from fault


def configure_logs(section: Log) -> None:
    """One line for each event; tokens never get into it."""
    level = getattr(logging, section.level.upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactTokens())
    logging.basicConfig(
        level=level, handlers=[handler], format="%(levelname)s %(name)s: %(message)s"
    )
    quiet_wire_loggers()
    for noisy in ("apscheduler", "aiosqlite", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact_event,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if section.json_lines
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
    )
