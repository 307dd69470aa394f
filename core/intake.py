"""From something that arrived to what it means: who, which ticket, which action (design §2)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from core import binding
from core.desk import Desk
from core.errors import Stale
from core.guests import door
from core.hearing import Hearing, again, answering, asked_for, threads, typed, whose
from core.hearing.reporting import report
from core.messages import Inbound
from core.people import Person
from core.ports import Tx
from core.requests import REPEATED, Outcome, Request
from core.work import perform, settle


async def receive(desk: Desk, inbound: Inbound, inbox_id: int | None = None) -> Outcome:
    """Take in whatever arrived, once: a second run of the same row finds it settled."""

    outcome = await desk.store.write(lambda tx: take(tx, desk, inbound, desk.now(), inbox_id))
    desk.wake()
    return outcome


def take(
    tx: Tx,
    desk: Desk,
    inbound: Inbound,
    now: datetime,
    inbox_id: int | None = None,
    *,
    answers: bool = True,
) -> Outcome:
    """`receive` within a transaction; without `answers` everything happens and nobody is told."""
    if inbox_id is not None and not settle(tx, inbox_id, now):
        return REPEATED
    guest = door(tx, desk, inbound, now)
    if not answers:
        guest = replace(guest, reply=None)
    return hear(Hearing(tx, desk, inbound, guest, now, inbox_id))


async def press(
    desk: Desk, inbound: Inbound, meant: Callable[[Person], Request], inbox_id: int
) -> tuple[Outcome, Person]:
    """A button: `meant` reads its data, which was signed for one person. Raises nothing."""

    def body(tx: Tx) -> tuple[Outcome, Person]:
        now = desk.now()
        guest = door(tx, desk, inbound, now)
        try:
            request = meant(guest.person)
        except Stale as refusal:
            settle(tx, inbox_id, now, note="stale button", state="ignored")
            return Outcome(refusal.kind, None, refusal.params, refused=True), guest.person
        if not settle(tx, inbox_id, now):
            return REPEATED, guest.person
        pressed = next(iter(inbound.reply_to), "")
        reply = guest.reply and replace(guest.reply, pressed=pressed)
        by = replace(guest.actor, reply=reply, sees_outcome=True)
        outcome = perform(tx, desk, request, by, now, cause=f"in{inbox_id}")
        return outcome, tx.get(Person, guest.person.id) or guest.person

    outcome, person = await desk.store.write(body)
    desk.wake()
    return outcome, person


def hear(hearing: Hearing) -> Outcome:
    """What the message means, tried from the surest sign to the faintest."""
    if hearing.inbound.detail.get("archive"):
        hearing.keep(None)
        return Outcome("filed")
    if hearing.inbound.detail.get("new"):
        return report(hearing)  # /new: a ticket of its own, whatever else is open
    for meaning in SIGNS:
        if (outcome := meaning(hearing)) is not None:
            return outcome
    return report(hearing)


def _binding(hearing: Hearing) -> Outcome | None:
    guest = hearing.guest
    if guest.reply is None:
        return None
    return binding.try_binding(
        hearing.tx, hearing.desk, hearing.inbound, guest.person, guest.reply, hearing.now
    )


SIGNS: Sequence[Callable[[Hearing], Outcome | None]] = (
    again.edited,
    again.automatic,
    again.said_again,
    _binding,
    typed.typed,
    asked_for.grievance,
    asked_for.drafted,
    threads.thread,
    threads.album,
    answering.small_talk,
    threads.follow_up,
    whose.about_a_job,
)
