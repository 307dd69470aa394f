"""What has gone to and fro between the desk and one sender, counted against loops."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.mail.guards import (
    Counts,
    Limits,
    Verdict,
    counted,
    echoes,
    may_acknowledge,
    may_reopen,
    words_of,
)
from channels.mail.render import ACKNOWLEDGEMENTS
from core.desk import Desk
from core.lifecycle import Action
from core.messages import Inbound
from core.numbers import serial_of
from core.ports import Between, Tx
from core.rows import MailTraffic, OutboxRow, Sent
from core.ticket import Step, Ticket

HOUR, TEN_MINUTES, DAY = timedelta(hours=1), timedelta(minutes=10), timedelta(days=1)
# After an answer of ours: programs write so quickly, people rarely do it twice; and until when
# a mail may be about that answer at all.
PROMPT, FOLLOWS = timedelta(minutes=3), timedelta(minutes=30)
NEWEST = 50  # mails of one sender that are looked at one by one


def judge(tx: Tx, heard: Inbound, written: datetime, now: datetime, limits: Limits) -> Verdict:
    """May it be answered? It is counted in any case.

    `written` is the moment its sender names: mail that waited in somebody's outbox while we
    answered the first of it is no answer to us.
    """
    sender, this_hour = counted(heard.sender), Between(after=now - HOUR)
    ours = tx.find(MailTraffic, order="-at", sender=sender, way="out", at=this_hour)
    # Whoever sends thousands is held by their number alone; the newest tell the rest.
    theirs: dict[str, Any] = {"sender": sender, "way": "in", "at": this_hour}
    newest = tx.find(MailTraffic, order="-at", limit=NEWEST, **theirs)
    many = len(newest) if len(newest) < NEWEST else tx.count(MailTraffic, **theirs)
    said, after = words_of(heard.subject, heard.text), _after_ours(ours, written)
    following = [each for each in newest if each.after is not None]
    ticket = _answered(tx, heard)
    counts = Counts(
        to_sender_on_ticket=_acknowledged(tx, heard, ticket),
        to_sender_this_hour=len(ours),
        from_sender_this_hour=many,
        prompt_this_hour=sum(map(_is_prompt, [*(each.after for each in following), after])),
        alike_this_hour=sum(each.said == said for each in following if said and after is not None),
        by_desk_in_ten_minutes=tx.count(
            MailTraffic, way="out", at=Between(after=now - TEN_MINUTES)
        ),
        echoes=echoes(heard.text),
    )
    tx.add(MailTraffic(sender=sender, way="in", at=now, said=said, after=after))
    return may_acknowledge(heard.sender, counts, automatic=heard.automatic, limits=limits)


def answered(tx: Tx, sender: str, now: datetime) -> None:
    """Something of ours goes back to this sender."""
    tx.add(MailTraffic(sender=counted(sender), way="out", at=now))


def reopens_too_often(tx: Tx, heard: Inbound, now: datetime, limits: Limits) -> bool:
    """Whether its ticket was opened again just now; then this mail is only filed."""
    ticket = _answered(tx, heard)
    if ticket is None or ticket.is_open:
        return False
    reopened = tx.count(
        Step,
        ticket_id=ticket.id,
        action=str(Action.REOPEN),
        entered_at=Between(after=now - TEN_MINUTES),
    )
    return not may_reopen(reopened, automatic=heard.automatic, limits=limits)


async def forget(desk: Desk) -> None:
    """The guards look back an hour."""
    before = Between(before=desk.now() - DAY)
    await desk.store.write(lambda tx: tx.delete(MailTraffic, at=before))


def _after_ours(ours: Sequence[MailTraffic], written: datetime) -> int | None:
    """Seconds after our last answer, the newest first; None for what was written before it, or
    long after."""
    if not ours or not timedelta() <= written - ours[0].at <= FOLLOWS:
        return None
    return int((written - ours[0].at).total_seconds())


def _is_prompt(after: int | None) -> bool:
    return after is not None and after <= PROMPT.total_seconds()


def _answered(tx: Tx, heard: Inbound) -> Ticket | None:
    """The ticket that it will be added to, by a token, an id, or because it names no other."""
    if serial := serial_of(heard.thread):
        return tx.get(Ticket, serial)
    if heard.reply_to:
        sent = tx.first(
            Sent, channel="mail", address=heard.sender, message_id=tuple(heard.reply_to)
        )
        return tx.get(Ticket, sent.ticket_id) if sent else None
    if heard.subject:
        return None
    kinds = ("ticket_opened", "ask_site")
    opened = tx.first(OutboxRow, order="-id", channel="mail", address=heard.sender, kind=kinds)
    return tx.get(Ticket, opened.ticket_id) if opened and opened.ticket_id else None


def _acknowledged(tx: Tx, heard: Inbound, ticket: Ticket | None) -> int:
    """A typed word gets its answer, and so does whoever opens a closed ticket again."""
    if ticket is None or not ticket.is_open or heard.detail.get("typed"):
        return 0
    kinds = tuple(ACKNOWLEDGEMENTS)
    return tx.count(OutboxRow, ticket_id=ticket.id, address=heard.sender, kind=kinds)
