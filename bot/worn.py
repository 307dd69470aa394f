"""Earlier messages about a ticket: buttons that no longer fit go, and so do answered questions."""

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bot.cards import Renderer
from channels.telegram.limits import Button
from channels.telegram.sending import TelegramChannel
from core.actions import available
from core.desk import Desk
from core.in_hand import relations
from core.lifecycle import Action
from core.messages import Choice
from core.people import Person
from core.ports import Tx
from core.rows import OutboxRow
from core.ticket import Card, Message, Step, Ticket

QUESTIONS = {"ask_choice", "ask_result", "ask_site", "whose_words"}
WHOSE = "whose_words"
FOR_ANOTHER_TRY = {Action.RATE}  # a score may be changed for a day


@dataclass(frozen=True, slots=True)
class Worn:
    """A message that shows what is so no more, and what is left of it."""

    row: OutboxRow
    left: tuple[Choice, ...]
    buttons: tuple[tuple[Button, ...], ...]
    as_a_whole: bool


def worn(tx: Tx, renderer: Renderer, channel: str, ticket: Ticket, person: Person) -> list[Worn]:
    """What the ticket's changes have made of the earlier messages beside its live card."""
    sent = tx.find(
        OutboxRow,
        order="id",
        ticket_id=ticket.id,
        person_id=person.id,
        channel=channel,
        state="sent",
    )
    live = {each.message_id for each in tx.find(Card, ticket_id=ticket.id, person_id=person.id)}
    return [
        found
        for row in sent
        if row.receipt
        if (found := _look(tx, renderer, row, ticket, person, live)) is not None
    ]


def _look(
    tx: Tx, renderer: Renderer, row: OutboxRow, ticket: Ticket, person: Person, live: set[str]
) -> Worn | None:
    if row.audience:  # a card that another one has followed
        return None if row.receipt in live else Worn(row, (), (), as_a_whole=True)
    offered = tuple(Choice(**choice) for choice in row.choices)  # type: ignore[arg-type]
    left = tuple(choice for choice in offered if _fits(tx, row, choice, ticket, person))
    if left == offered:
        return None
    buttons = renderer.buttons(tx, left, row.language, row.person_id)
    return Worn(row, left, buttons, as_a_whole=not left and row.kind in QUESTIONS)


def _fits(tx: Tx, row: OutboxRow, choice: Choice, ticket: Ticket, person: Person) -> bool:
    action = Action(choice.action)
    if row.kind == WHOSE and _were_taken_up(tx, row):
        return False
    if action in FOR_ANOTHER_TRY or choice.ticket != ticket.number:
        return True
    if row.kind in QUESTIONS:
        last = tx.first(Step, order="-seq", ticket_id=ticket.id, action=action)
        if last is not None and last.entered_at >= row.created_at:
            return False  # it was answered, however the answer came
    return action in available(ticket.status, person.roles, relations(tx, ticket, person))


def _were_taken_up(tx: Tx, row: OutboxRow) -> bool:
    """Whether somebody has said by now for whom the words were."""
    key = next((str(c["arg"]) for c in row.choices if c["action"] == Action.REPORT), "")
    message = tx.get(Message, int(key)) if key.isdigit() else None
    return message is not None and message.ticket_id is not None


async def tidy(desk: Desk, channel: TelegramChannel, found: Iterable[Worn]) -> None:
    """Bring the messages up to date and remember it. What a crash leaves is tidied again."""

    async def one(this: Worn) -> None:
        place = this.row.address, this.row.receipt or ""
        if this.as_a_whole:
            await channel.take_back(*place)
        else:
            await channel.leave_buttons(*place, this.buttons)
        changes = {"choices": tuple(asdict(choice) for choice in this.left)}
        await desk.store.write(
            lambda tx: tx.update_where(
                OutboxRow,
                {"id": this.row.id},
                **changes,
                **({"receipt": ""} if this.as_a_whole else {}),
            )
        )

    async with asyncio.TaskGroup() as group:
        for this in found:
            group.create_task(one(this))
