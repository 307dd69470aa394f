"""A new ticket from what was understood: by whoever reports, or when a message is split off."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from core.desk import Desk
from core.errors import Stale
from core.in_hand import Actor, InHand
from core.lifecycle import Action, Status
from core.messages import Value
from core.notices.requester import TicketOpened
from core.numbers import number_of
from core.passing_on import JOB
from core.people import Asset, Person
from core.ports import Tx
from core.routing import settle_ticket
from core.ticket import Message, StoredFile, Ticket
from core.understand.reading import Facts, KnownDevice, Understanding

CHANNELS = {"telegram": "chat", "mail": "email"}  # in the words of core/understand


def understand(
    tx: Tx,
    desk: Desk,
    person: Person,
    text: str,
    *,
    channel: str,
    asked: frozenset[str],
    files: int,
) -> Understanding:
    """The text with all that the desk knows of the person beside it."""
    devices = tx.find(Asset, person_code=person.code) if person.code else []
    facts = Facts(
        site=person.site or "",
        devices=tuple(KnownDevice(kind=d.kind, name=d.name, code=d.code) for d in devices),
        channel=CHANNELS.get(channel, channel),
        vip=person.vip,
        pictures=files,
        known=frozenset({"contact_name", "contact_phone"} if person.phone else ()),
        asked=asked,
    )
    return desk.register.open(tx).reader.read(text, facts)


def open_ticket(
    tx: Tx,
    desk: Desk,
    read: Understanding,
    *,
    requester: Person,
    text: str,
    origin: str,
    by: Actor,
    now: datetime,
    at: datetime,
    opened_at: datetime,
    cause: str,
    after: Ticket | None = None,
    also: Mapping[str, Value] | None = None,
) -> InHand:
    """The ticket in hand, with its number and first step; whoever opens it tells and saves.

    `also` is what else decided, for the journal.
    """
    serial = tx.next("ticket")
    ticket = Ticket(
        id=serial,
        number=number_of(serial),
        requester_id=requester.id,
        origin=origin,
        symptom=text,
        kind="consultation" if read.category == "consultation" else "incident",
        site=None if read.site == "?" else read.site,
        category=read.category,
        device=read.device,
        severity=read.severity,
        priority=read.severity,
        vip=requester.vip,
        mode=read.mode,
        parent_id=after.id if after else None,
        opened_at=opened_at,
        changed_at=now,
    )
    hand = InHand(tx, desk, ticket, by=by, now=now, at=at, is_new=True, cause=cause)
    hand.requester = requester
    hand.step(Action.REPORT, to=Status.NEW, detail={"text": text, **reasons(read), **(also or {})})
    return hand


def open_from(
    tx: Tx,
    desk: Desk,
    message: Message,
    *,
    requester: Person,
    by: Actor,
    now: datetime,
    cause: str,
    after: Ticket | None = None,
) -> InHand:
    """A ticket of its own for a message that was kept, with its files; the caller saves."""
    files = tx.find(StoredFile, message_id=message.id)
    read = understand(
        tx,
        desk,
        requester,
        message.text,
        channel=message.channel,
        asked=frozenset(),
        files=len(files),
    )
    hand = open_ticket(
        tx,
        desk,
        read,
        requester=requester,
        text=message.text or files_in_words(file.kind for file in files),
        origin=message.channel,
        by=by,
        now=now,
        at=message.at,
        opened_at=message.received_at,
        cause=cause,
        after=after,
    )
    file_under(tx, message, hand.ticket.id, shown_to=JOB)
    settle_ticket(hand)
    say_opened(hand)
    return hand


def kept_words(tx: Tx, person: Person, key: str) -> Message:
    """What the person wrote and nobody has taken up. Raises Stale once somebody has."""
    message = tx.get(Message, int(key)) if key.isdigit() else None
    if message is None or message.person_id != person.id or message.ticket_id is not None:
        raise Stale
    return message


def file_under(tx: Tx, message: Message, ticket_id: int, *, shown_to: str) -> None:
    tx.update(message, ticket_id=ticket_id)
    where = {"message_id": message.id}
    tx.update_where(StoredFile, where, ticket_id=ticket_id, shown_to=shown_to)


def files_in_words(kinds: Iterable[str]) -> str:
    return " ".join(f"[{kind}]" for kind in sorted(set(kinds)))


def say_opened(hand: InHand) -> None:
    ticket = hand.ticket
    hand.answer(
        TicketOpened(
            number=ticket.number,
            symptom=ticket.symptom,
            site=hand.site_name(hand.requester),
            device=ticket.device,
            category=ticket.category,
            priority=ticket.priority,
        ),
        audience="requester",
    )


def reasons(read: Understanding) -> dict[str, Value]:
    """What was understood, by which rule and how surely: for the journal and for /why."""
    return {
        "site": read.site,
        "category": read.category,
        "mode": read.mode,
        "severity": read.severity,
        "rule": "; ".join(f"{name}: {e.rule}" for name, e in read.evidence.items()),
        "words": " ".join(dict.fromkeys(w for e in read.evidence.values() for w in e.words)),
        "certainty": min(read.certainty("category"), read.certainty("mode")),
    }
