"""The live board in the dispatchers' group: what is open, by deadline, in one message."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from core import overviews
from core.desk import Desk
from core.errors import NotAllowed, Unclear, Undeliverable
from core.messages import Letter
from core.people import Person, Role
from core.ports import Channel, Tx
from core.rows import Setting
from core.telling import language_of
from core.ticket import Ticket
from core.words import say

log = structlog.get_logger()

NAME = "board"  # of the setting that says where it lives
EVERY = 3.0  # seconds between edits: a group takes twenty messages a minute (telegram §6)
SHOWN = 25
SOON = timedelta(minutes=30)
BINDERS = (Role.DESK_AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)


@dataclass(frozen=True, slots=True)
class Place:
    """The group, the message in it, and what that message shows."""

    channel: str
    account: str
    chat: str
    language: str
    zone: str
    message: str = ""
    shown: str = ""


def bind(tx: Tx, person: Person, place: Place, now: datetime) -> None:
    """From here on the board lives in this group; whoever brings it there is proven by the chat."""
    if not person.has(*BINDERS):
        raise NotAllowed
    _keep(tx, place, now)


def _keep(tx: Tx, place: Place, now: datetime) -> None:
    value = {name: getattr(place, name) for name in Place.__slots__}
    tx.put(Setting(name=NAME, value=value, changed_at=now))


def where(tx: Tx) -> Place | None:
    kept = tx.get(Setting, NAME)
    return Place(**{name: str(kept.value[name]) for name in Place.__slots__}) if kept else None


def place_in(group: str, channel: str, account: str, person: Person) -> Place:
    return Place(channel, account, group, language_of(person), person.zone)


# -- what it shows


def text(tx: Tx, desk: Desk, now: datetime, *, language: str, zone: str) -> str:
    """By deadline, the latest first: with who, the state and the minutes that are left."""
    tickets, counted = overviews.by_deadline(tx, SHOWN), overviews.count(tx, now)
    title = {"open": counted.many, "late": counted.late, "at": now.isoformat()}
    lines = [say("board.title", title, language=language, zone=zone)]
    book = desk.register.open(tx)
    for ticket in tickets:
        holder = book.staff.get(ticket.assignee_id or 0)
        slots = _slots(ticket, holder, book.site_name(ticket.site, language), now, language)
        lines.append(say("board.line", slots, language=language, zone=zone))
    if (more := counted.many - len(tickets)) > 0:
        lines.append(say("board.more", {"more": more}, language=language))
    return "\n".join(lines)


def _slots(
    ticket: Ticket, holder: Person | None, site: str, now: datetime, language: str
) -> Mapping[str, object]:
    left = ticket.due_at - now if ticket.due_at else None
    return {
        "mark": _mark(ticket, left),
        "number": ticket.number,
        "priority": ticket.priority,
        "status": ticket.status,
        "site": site,
        "engineer": holder.called(language) if holder else "",
        "left": _left(left, language),
    }


def _mark(ticket: Ticket, left: timedelta | None) -> str:
    if ticket.emergency:
        return "🚨"
    if left is None:
        return "⚪"
    if left < timedelta():
        return "🔴"
    return "🟡" if left < SOON else "🟢"


def _left(left: timedelta | None, language: str) -> str:
    if left is None:
        return ""
    minutes = str(int(abs(left) / timedelta(minutes=1)))
    key = "board.late" if left < timedelta() else "board.left"
    return say(key, {"minutes": minutes}, language=language)


# -- keeping it true


async def redraw(desk: Desk, channel: Channel) -> bool:
    """Edit the one message where it differs from what is so; whether that took an edit."""
    now = desk.now()

    def look(tx: Tx) -> tuple[Place, str] | None:
        place = where(tx)
        if place is None or place.channel != channel.name:
            return None
        return place, text(tx, desk, now, language=place.language, zone=place.zone)

    found = await desk.store.read(look)
    if found is None:
        return False
    place, wanted = found
    # The moment in the title alone is no reason to edit.
    fingerprint = hashlib.sha256(wanted.partition("\n")[2].encode()).hexdigest()[:16]
    if place.message and fingerprint == place.shown:
        return False
    message = await _send(channel, place, wanted)
    if message is None:
        return False

    def keep(tx: Tx) -> None:
        latest = where(tx)
        if latest is not None and latest.chat == place.chat and latest.message == place.message:
            _keep(tx, replace(place, message=message, shown=fingerprint), now)

    await desk.store.write(keep)
    return True


async def _send(channel: Channel, place: Place, lines: str) -> str | None:
    letter = Letter(
        id=0,
        person_id=None,
        channel=place.channel,
        account=place.account,
        address=place.chat,
        language=place.language,
        zone=place.zone,
        kind="lines",
        params={"lines": lines},
        loud=False,
        reference=NAME,
        replaces=place.message,
    )
    try:
        return (await channel.send(letter)).id
    except (Undeliverable, Unclear) as fault:
        # The next look tries again: intermediate states are worth nothing.
        log.warning("board_not_drawn", chat=place.chat, why=str(fault))
        return None
