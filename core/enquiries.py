"""Questions that change nothing about a ticket: my tickets, why, who is on, the queue, help."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from core import absence, outlook, story
from core.desk import Desk
from core.errors import NoSuchTicket, NotAllowed, Refusal
from core.in_hand import InHand
from core.intake import Guest, Hearing, door
from core.messages import Choice, Inbound
from core.notices import (
    ChooseLanguage,
    Help,
    HelpStaff,
    Home,
    LanguageSet,
    Lines,
    Notice,
    Refused,
    Story,
)
from core.numbers import serial_of
from core.people import Person, Role
from core.ports import Tx
from core.telling import language_of
from core.ticket import Ticket
from core.words import normal, say
from core.work import REPEATED, Outcome, settle

QUEUE_LINES = 30


async def enquire(desk: Desk, name: str, inbound: Inbound, inbox_id: int | None = None) -> Outcome:
    """Answer one command. `inbound.text` holds what followed its name."""

    def body(tx: Tx) -> Outcome:
        now = desk.now()
        if inbox_id is not None and not settle(tx, inbox_id, now):
            return REPEATED
        enquiry = _Enquiry(tx, desk, inbound, door(tx, desk, inbound, now), now, inbox_id)
        try:
            return ENQUIRIES[name](enquiry)
        except Refusal as refusal:
            detail = str(refusal.params.get("number", refusal.params.get("what", "")))
            enquiry.say(Refused(reason=refusal.kind, detail=detail))
            return Outcome(refusal.kind, refused=True)

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


class _Enquiry:
    """One command of one person, within a transaction."""

    def __init__(
        self,
        tx: Tx,
        desk: Desk,
        inbound: Inbound,
        guest: Guest,
        now: datetime,
        inbox_id: int | None,
    ) -> None:
        self.tx, self.desk, self.now = tx, desk, now
        self.guest, self.person = guest, guest.person
        self.arg = inbound.text.strip()
        self.hearing = Hearing(tx, desk, inbound, guest, now, inbox_id)

    @property
    def language(self) -> str:
        return language_of(self.person)

    def say(self, notice: Notice, choices: list[Choice] | None = None) -> Outcome:
        return self.hearing.say(notice, choices=choices)

    def ticket(self) -> Ticket:
        """The named ticket, or the only one the person can mean. Raises NoSuchTicket."""
        serial = serial_of(self.arg)
        found = self.tx.get(Ticket, serial) if serial else None
        if found is None and not self.arg:
            found = next(iter(self.hearing.mine()), None)
        if found is None or not self.hearing.takes_part(found):
            raise NoSuchTicket(number=self.arg[:12])
        return found

    @property
    def given(self) -> tuple[Tx, Desk, Person, str]:
        """What a command that changes the desk's own data needs; the sender must be proven."""
        if not self.guest.proven:
            raise NotAllowed
        return self.tx, self.desk, self.person, self.arg

    def require(self, *roles: Role) -> None:
        if not self.person.has(*roles):
            raise NotAllowed


def _my(enquiry: _Enquiry) -> Outcome:
    return enquiry.hearing.status(None)


def _status(enquiry: _Enquiry) -> Outcome:
    return enquiry.hearing.status(enquiry.arg or None)


def _why(enquiry: _Enquiry) -> Outcome:
    ticket = enquiry.ticket()
    hand = InHand(enquiry.tx, enquiry.desk, ticket, by=enquiry.guest.actor, now=enquiry.now)
    lines = story.lines(
        hand, enquiry.language, zone=enquiry.person.zone, inside=enquiry.person.is_staff
    )
    return enquiry.say(Story(number=ticket.number, lines="\n".join(lines)))


def _lang(enquiry: _Enquiry) -> Outcome:
    """The person's choice is stored, and outweighs every guess."""
    wanted = enquiry.arg.strip().lower()
    if not wanted:
        return enquiry.say(ChooseLanguage())
    language = normal("zh" if wanted in {"中文", "zh", "zh_cn", "cn", "chinese"} else wanted)
    person = enquiry.tx.update(enquiry.person, language=language)
    enquiry.hearing.guest = enquiry.guest = replace(enquiry.guest, person=person)
    enquiry.hearing.person = person
    return enquiry.say(LanguageSet())


def _help(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(HelpStaff() if enquiry.person.is_staff else Help())


def _home(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(Home(name=enquiry.person.name))


def _queue(enquiry: _Enquiry) -> Outcome:
    enquiry.require(Role.DESK_AGENT, Role.SUPERVISOR, Role.REMOTE_AGENT, Role.PROJECT_MANAGER)
    return enquiry.say(
        Lines(lines="\n".join(queue_lines(enquiry.tx, enquiry.desk, enquiry.person)))
    )


def queue_lines(tx: Tx, desk: Desk, reader: Person) -> list[str]:
    """What is open, by deadline: number, state, who, where."""
    book, language = desk.register.open(tx), language_of(reader)
    ids = tuple(row["id"] for row in tx.ask("board", many=QUEUE_LINES + 1))
    found = {ticket.id: ticket for ticket in tx.find(Ticket, id=ids)} if ids else {}
    lines = [
        say(
            "queue.line",
            {
                "number": ticket.number,
                "priority": ticket.priority,
                "status": ticket.status,
                "engineer": _holder(book.staff, ticket),
                "site": book.site_name(ticket.site, language),
                "symptom": ticket.symptom[:40],
                "due": ticket.due_at.isoformat() if ticket.due_at else "",
            },
            language=language,
            zone=reader.zone,
        )
        for key in ids[:QUEUE_LINES]
        if (ticket := found.get(key))
    ]
    return lines or [say("queue.empty", {}, language=language)]


def _holder(staff: Mapping[int, Person], ticket: Ticket) -> str:
    person = staff.get(ticket.assignee_id or 0)
    return person.name if person else ""


def _duty(enquiry: _Enquiry) -> Outcome:
    """Who is on now."""
    if not enquiry.person.is_staff:
        raise NotAllowed
    book = enquiry.desk.register.open(enquiry.tx)
    on = book.on_duty(book.staff.values(), enquiry.now)
    lines = [
        say(
            "duty.line",
            {"name": person.name, "role": person.roles[0], "phone": person.phone},
            language=enquiry.language,
        )
        for person in on
    ]
    return enquiry.say(Lines(lines="\n".join(lines)))


def _forecast(enquiry: _Enquiry) -> Outcome:
    enquiry.require(Role.DESK_AGENT, Role.SUPERVISOR, Role.PROJECT_MANAGER)
    found = outlook.outlook(enquiry.tx, enquiry.desk, enquiry.now)
    return enquiry.say(Lines(lines="\n".join(outlook.lines(found, enquiry.person))))


def _leave(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(absence.leave(*enquiry.given, event=enquiry.hearing.event, now=enquiry.now))


def _cover(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(absence.cover(*enquiry.given, event=enquiry.hearing.event, now=enquiry.now))


ENQUIRIES: Mapping[str, Callable[[_Enquiry], Outcome]] = {
    "my": _my,
    "status": _status,
    "why": _why,
    "lang": _lang,
    "help": _help,
    "home": _home,
    "queue": _queue,
    "duty": _duty,
    "leave": _leave,
    "cover": _cover,
    "forecast": _forecast,
}
