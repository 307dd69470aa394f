"""Slash commands: questions are answered by core/enquiries, orders are actions like any press."""

from collections.abc import Mapping
from dataclasses import replace

import telegram

from bot.handlers.context import Context, front, heard, slot
from core import calls, enquiries, guests, intake, work
from core.actions import Relation, may, word_for
from core.desk import Desk
from core.lifecycle import Action
from core.messages import Inbound
from core.requests import Request

DRAWN = {"duty", "queue", "sticker"}  # bot/handlers/pictured.py
ELSEWHERE = {"home", "unknown", "not_allowed", *DRAWN}
ENQUIRIES = tuple(name for name in enquiries.ENQUIRIES if name not in ELSEWHERE)
ON_TICKETS: Mapping[str, Action] = {
    "cancel": Action.CANCEL,
    "assign": Action.REASSIGN,
    "correct": Action.CORRECT_VERDICT,
}
IN_WORDS: Mapping[str, Action] = {
    "complaint": Action.COMPLAIN,
    "deviation": Action.NOTE_DEVIATION,
}
STICKER = "a_"  # /start a_CODE: the label of a device; c_CODE: of a site


def said(update: telegram.Update, context: Context) -> tuple[str, Inbound]:
    """The command's name, and the message with only what followed it."""
    inbound = heard(update, context)
    name, _, rest = inbound.text.partition(" ")
    return name.lstrip("/").partition("@")[0].lower(), replace(inbound, text=rest.strip())


async def enquiry(update: telegram.Update, context: Context) -> None:
    row, (name, inbound) = slot(), said(update, context)
    await enquiries.enquire(front(context).desk, name, inbound, row.inbox_id)
    row.settle()


async def start(update: telegram.Update, context: Context) -> None:
    """/start goes home and never destroys anything; with a code it binds or names a place."""
    row, (_, inbound) = slot(), said(update, context)
    desk = front(context).desk
    if inbound.text:
        await intake.receive(desk, inbound, row.inbox_id)
    else:
        await enquiries.enquire(desk, "home", inbound, row.inbox_id)
    row.settle()


async def new(update: telegram.Update, context: Context) -> None:
    """/new opens a ticket of its own, whatever else is open."""
    row, (_, inbound) = slot(), said(update, context)
    desk = front(context).desk
    if inbound.text or inbound.files:
        await intake.receive(desk, replace(inbound, detail={"new": "yes"}), row.inbox_id)
    else:
        await enquiries.enquire(desk, "home", inbound, row.inbox_id)
    row.settle()


async def on_ticket(update: telegram.Update, context: Context) -> None:
    """/cancel 100427, /assign 100427 li.wei: the same door as the buttons."""
    row, (name, inbound) = slot(), said(update, context)
    desk = front(context).desk
    number, _, arg = inbound.text.partition(" ")
    action = ON_TICKETS[name]
    if not number:
        await _typed(desk, action, inbound, row.inbox_id)
    else:
        guest = await guests.known(desk, inbound)
        request = Request(action=action, number=number, arg=arg.strip())
        await work.act(desk, request, guest.actor, row.inbox_id)
    row.settle()


async def in_words(update: telegram.Update, context: Context) -> None:
    """/complaint 100427 what happened: as if the word itself had been typed."""
    row, (name, inbound) = slot(), said(update, context)
    await _typed(front(context).desk, IN_WORDS[name], inbound, row.inbox_id)
    row.settle()


async def _typed(desk: Desk, action: Action, inbound: Inbound, inbox_id: int | None) -> None:
    """A word that nobody would understand from this person is refused here: it is no message."""
    person = (await guests.known(desk, inbound)).person
    if not may(action, person.roles, frozenset(Relation)):
        await enquiries.enquire(desk, "not_allowed", inbound, inbox_id)
        return
    text = f"{word_for(action, person.language)} {inbound.text}".rstrip()
    await intake.receive(desk, replace(inbound, text=text), inbox_id)


async def call(update: telegram.Update, context: Context) -> None:
    """/call 13800138000 what was said: a telephone call in one screen (R-002)."""
    row, (_, inbound) = slot(), said(update, context)
    await calls.log_call(front(context).desk, inbound, row.inbox_id)
    row.settle()


async def unknown(update: telegram.Update, context: Context) -> None:
    """A command that nobody knows is named, and what there is is offered."""
    row, (name, inbound) = slot(), said(update, context)
    named = replace(inbound, text=name)
    await enquiries.enquire(front(context).desk, "unknown", named, row.inbox_id)
    row.settle()
