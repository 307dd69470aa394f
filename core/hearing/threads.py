"""Which ticket a message belongs to: by its thread, its album, or because it follows words."""

from core.hearing import Hearing
from core.hearing.adding import add
from core.requests import Outcome
from core.ticket import Message, Ticket


def thread(hearing: Hearing) -> Outcome | None:
    ticket = hearing.of_thread()
    if ticket is None:
        ticket = hearing.ticket_named(hearing.inbound.detail.get("number", ""))
        return add(hearing, ticket, why="subject_number") if ticket else None
    # What we signed and sent out lets a colleague in to whom it was passed on.
    if not hearing.inbound.thread and not hearing.takes_part(ticket):
        return None
    return add(hearing, ticket, why=hearing.inbound.detail.get("match", "reply"))


def album(hearing: Hearing) -> Outcome | None:
    if not hearing.inbound.album:
        return None
    part = hearing.tx.first(
        Message,
        album=hearing.inbound.album,
        channel=hearing.inbound.channel,
        person_id=hearing.person.id,
    )
    ticket = hearing.tx.get(Ticket, part.ticket_id) if part and part.ticket_id else None
    return add(hearing, ticket, why="album") if ticket else None


def follow_up(hearing: Hearing) -> Outcome | None:
    """Words after words: the settling ticket, or the last one while it is fresh (R-014)."""
    if hearing.inbound.subject:
        return None  # a matter of its own, and its sender knew how to answer instead
    ticket = hearing.latest_at_work
    if ticket is None or hearing.now - ticket.changed_at > hearing.desk.rules.join:
        return None
    if not ticket.settled or not _is_another_matter(hearing, ticket):
        return add(hearing, ticket, why="settling" if not ticket.settled else "recent")
    return None


def _is_another_matter(hearing: Hearing, ticket: Ticket) -> bool:
    """One ticket per problem: other words for another thing open another ticket."""
    read = hearing.read
    return bool(
        not read.goes_on
        and read.names_a_thing
        and read.certainty("category") >= hearing.desk.rules.sure
        and read.category != ticket.category
        and read.intent == "report"
    )
