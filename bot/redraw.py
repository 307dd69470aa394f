"""Cards as desired state: what differs is drawn again, intermediate states never (telegram §7)."""

import asyncio
from collections import defaultdict
from functools import partial
from typing import NamedTuple

import structlog

from bot.cards import Renderer, fingerprint
from bot.worn import Worn, tidy, worn
from channels.telegram.sending import TelegramChannel
from core.desk import Desk
from core.errors import Unclear, Undeliverable
from core.messages import Letter
from core.numbers import number_of
from core.people import Person
from core.ports import Tx
from core.ticket import Card, Ticket

log = structlog.get_logger()
BATCH = 100


class Stale(NamedTuple):
    """A card, the fingerprint of what it should show, and what has become old beside it."""

    row: Card
    wanted: str
    beside: list[Worn]


async def redraw(desk: Desk, channel: TelegramChannel, renderer: Renderer) -> int:
    """Bring stale cards up to date; how many edits that took."""

    def stale(tx: Tx) -> list[Stale]:
        rows = tx.find(Card, id=tuple(r["id"] for r in tx.ask("stale_cards", many=BATCH)))
        return [_look(tx, renderer, row) for row in rows]

    async def in_one_chat(cards: list[Stale]) -> int:
        edits = 0
        for row, wanted, beside in cards:
            if row.drawn_hash == wanted or await _edit(desk, channel, row):
                edits += row.drawn_hash != wanted
                await desk.store.write(partial(_drawn, row=row, wanted=wanted))
            await tidy(desk, channel, beside)
        return edits

    # Each chat has a budget of its own: one that must wait holds up nobody else.
    chats: dict[str, list[Stale]] = defaultdict(list)
    for found in await desk.store.read(stale):
        if found.row.channel == channel.name:
            chats[found.row.address].append(found)
    async with asyncio.TaskGroup() as group:
        drawing = [group.create_task(in_one_chat(cards)) for cards in chats.values()]
    return sum(each.result() for each in drawing)


def _look(tx: Tx, renderer: Renderer, row: Card) -> Stale:
    ticket, person = tx.get(Ticket, row.ticket_id), tx.get(Person, row.person_id)
    if ticket is None or person is None:
        return Stale(row, row.drawn_hash, [])
    wanted = fingerprint(renderer.draw(tx, row.audience, ticket, person))
    return Stale(row, wanted, worn(tx, renderer, row.channel, ticket, person))


def _drawn(tx: Tx, row: Card, wanted: str) -> None:
    """Only if it is still the same message: a newer card may have taken its place meanwhile."""
    tx.update_where(
        Card,
        {"id": row.id, "message_id": row.message_id},
        drawn_hash=wanted,
        drawn_version=row.wanted_version,
    )


async def _edit(desk: Desk, channel: TelegramChannel, row: Card) -> bool:
    letter = Letter(
        id=0,
        person_id=row.person_id,
        channel=row.channel,
        account=row.account,
        address=row.address,
        language="",
        zone="",
        kind="card",
        params={},
        loud=False,
        ticket=number_of(row.ticket_id),
        audience=row.audience,
        reference=f"card.{row.id}",
        replaces=row.message_id,
    )
    try:
        receipt = await channel.send(letter)
    except Undeliverable as refusal:
        # A card that cannot be drawn is no loss: the next letter says what matters.
        return refusal.permanent
    except Unclear:
        return False
    if receipt.id != row.message_id:  # the old one was deleted, a new one stands in its place
        await desk.store.write(lambda tx: tx.update(row, message_id=receipt.id))
    return True
