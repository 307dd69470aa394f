"""A desk's outbox at work in a process of its own, to be killed: `DATABASE PORT`."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.loops import outbox_worker
from channels.mail.layout import Content
from channels.mail.sender import SmtpChannel
from channels.mail.settings import SmtpSettings
from channels.mail.tokens import Signer
from core.desk import Desk
from core.messages import Letter
from core.storage.sqlite import SqliteStore


def now() -> datetime:
    return datetime.now(UTC)


async def compose(_: Letter) -> Content:
    return Content(subject="Printer", paragraphs=("Received",))


async def main(database: str, port: int) -> None:
    store = SqliteStore(Path(database))
    await store.open()
    settings = SmtpSettings(address="desk@desk.test", host="127.0.0.1", port=port, tls="none")
    signer = Signer(instance="desk.test", keys=(b"0123456789abcdef",))
    channel = SmtpChannel(settings, signer, compose, now)
    desk = Desk(store=store, now=now, calendars={}, channels={"mail": channel.can})
    await outbox_worker(desk, channel).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
