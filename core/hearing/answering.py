"""What is answered at once and changes nothing: a greeting, thanks, how it stands."""

from core import grievances
from core.errors import NoSuchTicket
from core.hearing import LIST_LIMIT, Hearing
from core.notices.answers import Help, HelpDesk, HelpStaff, NoTickets, Thanks, TicketStatus
from core.notices.notice import Notice
from core.notices.requester import Home
from core.people import Person, Role, name_of
from core.requests import Outcome
from core.rows import Grievance
from core.telling import language_of
from core.ticket import Ticket

LONGEST_DIGITS = 2


def small_talk(hearing: Hearing) -> Outcome | None:
    """A greeting or a question to the desk is answered; it is no fault (R-012)."""
    if hearing.inbound.files or hearing.inbound.location:
        return None
    if not hearing.text or _is_lone_digit(hearing.text):
        return _home(hearing)
    match hearing.read.intent:
        case "greeting" | "question_to_desk" | "empty":
            return status(hearing, None) if hearing.read.asks_status else _home(hearing)
        case "thanks":
            return hearing.say(Thanks())
        case _:
            return None


def help_for(person: Person) -> Notice:
    """What this person can do, and nothing that would be refused."""
    if person.has(Role.DESK_AGENT, Role.SUPERVISOR):
        return HelpDesk()
    return HelpStaff() if person.is_staff else Help()


def _home(hearing: Hearing) -> Outcome:
    hearing.keep(None)
    return hearing.say(greeting(hearing.person))


def greeting(person: Person) -> Notice:
    return Home(name=person.called(language_of(person)))


def status(hearing: Hearing, number: str | None) -> Outcome:
    """How is my ticket: in one message, on any channel (R-044)."""
    if number is not None:
        ticket = hearing.ticket_named(number)
        if ticket is None:
            return hearing.refuse(NoSuchTicket(number=number))
        tickets = [ticket]
    else:
        tickets = [*hearing.mine(), *_complained_about(hearing)][:LIST_LIMIT]
    if not tickets:
        return hearing.say(NoTickets())
    for ticket in tickets:
        _say_status(hearing, ticket)
    return Outcome("ticket_status", tickets[0])


def _say_status(hearing: Hearing, ticket: Ticket) -> None:
    hand = hearing.hand(ticket)
    stands = {one.kind: one.state for one in grievances.of_ticket(hearing.tx, ticket.id)}
    hand.answer(
        TicketStatus(
            number=ticket.number,
            status=ticket.status,
            symptom=ticket.symptom,
            engineer=name_of(hand.assignee),
            due=ticket.still_due(hand.now),
            overdue=ticket.overdue(hand.now),
            complaint=stands.get(grievances.COMPLAINT, ""),
            deviation=stands.get(grievances.DEVIATION, ""),
        )
    )


def _complained_about(hearing: Hearing) -> list[Ticket]:
    """Closed tickets on which this person still waits for an answer."""
    waiting = hearing.tx.find(Grievance, person_id=hearing.person.id, state="open")
    ids = tuple({one.ticket_id for one in waiting})
    found = hearing.tx.find(Ticket, order="-id", id=ids) if ids else []
    return [ticket for ticket in found if not ticket.is_open]


def _is_lone_digit(text: str) -> bool:
    """An answer to a question that is not, or no longer, open: no report."""
    return text.isdecimal() and len(text) <= LONGEST_DIGITS
