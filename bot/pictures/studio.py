"""Where pictures are made: facts read, drawn in a thread, kept as files that a letter can carry.

What draws is loaded with the first picture, in its thread: a desk starts without it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from bot.pictures import NoTypeface
from core import overviews
from core.desk import Desk
from core.enquiries import LONG_QUEUE
from core.messages import File
from core.people import Person, Site
from core.ports import Files

if TYPE_CHECKING:
    from bot.pictures.fonts import Typeface

Facts = TypeVar("Facts")


class Studio:
    """`font` names a file; without one the best on the machine is taken.

    Whatever is drawn raises NoTypeface where there is none.
    """

    def __init__(self, desk: Desk, files: Files, font: str = "") -> None:
        self._desk, self._files, self._font = desk, files, font

    async def week(self, reader: Person, said: str) -> File:
        """Seven days of the rota. Raises Missing where `said` is no day."""
        now = self._desk.now()
        first = overviews.first_day(self._desk, said, now)
        facts = await self._desk.store.read(
            lambda tx: overviews.duty_week(tx, self._desk, reader, first, now)
        )

        def draw(facts: overviews.DutyWeek, face: "Typeface") -> bytes:
            from bot.pictures import week

            return week.draw(facts, face)

        return await self._drawn(draw, facts, f"duty-{first}.png")

    async def queue(self, reader: Person) -> File | None:
        """None where the queue is short enough to be read as text."""
        now = self._desk.now()
        facts = await self._desk.store.read(lambda tx: overviews.queue(tx, self._desk, reader, now))
        if facts.many <= LONG_QUEUE:
            return None

        def draw(facts: overviews.Queue, face: "Typeface") -> bytes:
            from bot.pictures import queue

            return queue.draw(facts, face)

        return await self._drawn(draw, facts, f"queue-{now:%Y-%m-%d-%H%M}.png")

    async def sticker(self, bot: str, site: Site) -> File:
        def draw(site: Site, face: "Typeface") -> bytes:
            from bot.pictures import sticker

            return sticker.draw(bot, site, face)

        # As a document: a photo would be made smaller on the way, and this is to be printed.
        return await self._drawn(draw, site, f"{site.code}.png", kind="document")

    async def _drawn(
        self,
        draw: Callable[[Facts, "Typeface"], bytes],
        facts: Facts,
        name: str,
        kind: str = "photo",
    ) -> File:
        data = await asyncio.to_thread(self._draw, draw, facts)
        sha256 = await self._files.put(data)
        return File(kind=kind, name=name, type="image/png", size=len(data), sha256=sha256)

    def _draw(self, draw: Callable[[Facts, "Typeface"], bytes], facts: Facts) -> bytes:
        from bot.pictures import fonts

        face = fonts.find(self._font)
        if face is None:
            raise NoTypeface
        return draw(facts, face)
