"""Questions that change nothing about a ticket: my tickets, why, who is on, the queue, help."""

from collections.abc import Callable, Mapping, Sequence
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from core import absence, outlook, overviews, privacy, story
from core.apart import speak
from core.desk import Desk
from core.dispatch.rota import Bar, Kind
from core.errors import Missing, NoSuchTicket, NotAllowed, Refusal
from core.guests import door
from core.hearing import Hearing
from core.hearing.answering import greeting, help_for, status
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import Choice, File, Inbound
from core.notices.answers import (
    ChooseLanguage,
    LanguageSet,
    Lines,
    NoTickets,
    Privacy,
    PrivacyAsked,
    PrivacyReceived,
    Shown,
    Story,
    UnknownCommand,
)
from core.notices.notice import Notice
from core.people import Person, Role, Site
from core.ports import Tx
from core.register import Book
from core.requests import REPEATED, Outcome
from core.telling import language_of, tell
from core.ticket import Ticket
from core.words import languages, say
from core.work import settle

QUEUE_LINES = 30
LONG_QUEUE = 10  # from here on a picture says it better
QUEUE_READERS = (Role.DESK_AGENT, Role.SUPERVISOR, Role.REMOTE_AGENT, Role.PROJECT_MANAGER)
STICKER_MAKERS = (Role.DESK_AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)
LANGUAGES = {
    **dict.fromkeys(
        ("中文", "汉语", "普通话", "简体中文", "中", "zh", "zh_cn", "cn", "chinese"), "zh_CN"
    ),
    **dict.fromkeys(("english", "en", "en_gb", "en_us", "eng", "英文", "英语", "英"), "en"),
}
PAGE = 3000  # characters of a story in one letter


async def enquire(
    desk: Desk,
    name: str,
    inbound: Inbound,
    inbox_id: int | None = None,
    *,
    picture: File | None = None,
    note: str = "",
) -> Outcome:
    """Answer one command. `inbound.text` holds what followed its name.

    `picture` was drawn beforehand by whoever can; `note` is the catalog key of why it was not.
    """

    def body(tx: Tx) -> Outcome:
        now = desk.now()
        if inbox_id is not None and not settle(tx, inbox_id, now):
            return REPEATED
        guest = door(tx, desk, inbound, now)
        enquiry = _Enquiry(tx, desk, inbound, guest, now, inbox_id)
        enquiry.picture, enquiry.note = picture, note
        try:
            return ENQUIRIES[name](enquiry)
        except Refusal as refusal:
            return enquiry.refuse(refusal)

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


class _Enquiry(Hearing):
    """One command of one person; its text is what followed the name."""

    picture: File | None = None
    note: str = ""

    @property
    def language(self) -> str:
        return language_of(self.person)

    def show(self, caption: str) -> None:
        """The picture as a letter of its own, or why there is none."""
        if self.picture is not None:
            self.say(Shown(caption=caption), files=(self.picture,))
        elif self.note:
            self.say(Shown(caption=say(self.note, {}, language=self.language)))

    def say_each(self, notices: Sequence[Notice]) -> Outcome:
        """Several letters as one answer, in their order."""
        for number, notice in enumerate(notices, start=1):
            if self.guest.reply is not None:
                event = f"{self.event}.{number}"
                tell(
                    self.tx,
                    self.desk,
                    self.person,
                    notice,
                    event=event,
                    now=self.now,
                    reply=self.guest.reply,
                )
        return Outcome(notices[0].kind)

    def ticket(self) -> Ticket | None:
        """The named ticket, or the first of the person's own. Raises NoSuchTicket."""
        if not self.text:
            return next(iter(self.mine()), None)
        found = self.ticket_named(self.text)
        if found is None:
            raise NoSuchTicket(number=self.text[:12])
        return found

    @property
    def given(self) -> tuple[Tx, Desk, Person, str]:
        """What a command that changes the desk's own data needs; the sender must be proven."""
        if not self.guest.proven:
            raise NotAllowed
        return self.tx, self.desk, self.person, self.text

    def require(self, *roles: Role) -> None:
        if not self.person.has(*roles):
            raise NotAllowed


def _my(enquiry: _Enquiry) -> Outcome:
    return status(enquiry, None)


def _status(enquiry: _Enquiry) -> Outcome:
    return status(enquiry, enquiry.text or None)


def _why(enquiry: _Enquiry) -> Outcome:
    ticket = enquiry.ticket()
    if ticket is None:
        return enquiry.say(NoTickets())
    hand = InHand(enquiry.tx, enquiry.desk, ticket, by=enquiry.guest.actor, now=enquiry.now)
    lines = story.lines(
        hand, enquiry.language, zone=enquiry.person.zone, inside=enquiry.person.is_staff
    )
    told = [Story(number=ticket.number, lines=page) for page in _pages(lines)]
    return enquiry.say_each(told)


def _pages(lines: Sequence[str]) -> list[str]:
    """As many letters as it takes: a long story is told whole."""
    pages = [""]
    for line in lines:
        if pages[-1] and len(pages[-1]) + len(line) > PAGE:
            pages.append("")
        pages[-1] = f"{pages[-1]}\n{line}".lstrip("\n")
    return pages


def _lang(enquiry: _Enquiry) -> Outcome:
    """The person's choice is stored, and outweighs every guess."""
    language = LANGUAGES.get(enquiry.text.strip().lower().replace("-", "_"))
    if language is None:
        offered = [Choice(action=Action.SPEAK, arg=one) for one in languages()]
        return enquiry.say(ChooseLanguage(), choices=offered)
    enquiry.person = speak(enquiry.tx, enquiry.person, language)
    return enquiry.say(LanguageSet())


def _help(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(help_for(enquiry.person))


def _unknown(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(UnknownCommand(command=f"/{enquiry.text}"))


def _not_allowed(enquiry: _Enquiry) -> Outcome:
    raise NotAllowed


def _privacy(enquiry: _Enquiry) -> Outcome:
    """What is kept; or, with a word behind it, a wish that a person of the desk fulfils."""
    wish = privacy.WISHES.get(enquiry.text.lower())
    if wish is None:
        return enquiry.say(Privacy(months=privacy.RAW_MONTHS))
    asked = PrivacyAsked(requester=enquiry.person.name, wish=wish)
    event = f"{enquiry.event}.privacy"
    book = enquiry.desk.register.open(enquiry.tx)
    for person in book.with_role(Role.SUPERVISOR, Role.ADMINISTRATOR):
        tell(enquiry.tx, enquiry.desk, person, asked, event=event, now=enquiry.now)
    return enquiry.say(PrivacyReceived(wish=wish))


def _home(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(greeting(enquiry.person))


def _queue(enquiry: _Enquiry) -> Outcome:
    enquiry.require(*QUEUE_READERS)
    most = QUEUE_LINES if enquiry.picture is None else LONG_QUEUE
    found = overviews.queue(enquiry.tx, enquiry.desk, enquiry.person, enquiry.now, most=most)
    answered = enquiry.say(Lines(lines="\n".join(_queue_lines(found))))
    counts = {"many": str(found.many), "late": str(found.late)}
    enquiry.show(say("picture.queue.title", counts, language=enquiry.language))
    return answered


def _queue_lines(queue: overviews.Queue) -> list[str]:
    """A line for each ticket: number, state, who, where."""
    lines = [
        say(
            "queue.line",
            {
                "number": row.number,
                "priority": row.priority,
                "status": row.status,
                "engineer": row.engineer,
                "site": row.site,
                "symptom": row.symptom[:40],
                "due": row.due.isoformat() if row.due else "",
            },
            language=queue.language,
            zone=queue.zone,
        )
        for row in queue.rows
    ]
    return lines or [say("queue.empty", {}, language=queue.language)]


def _duty(enquiry: _Enquiry) -> Outcome:
    """Who is on now, and the week: as a picture where one was drawn, else in words."""
    if not enquiry.person.is_staff:
        raise NotAllowed
    first = overviews.first_day(enquiry.desk, enquiry.text, enquiry.now)
    week = overviews.duty_week(enquiry.tx, enquiry.desk, enquiry.person, first, enquiry.now)
    lines = _on_duty(enquiry)
    if enquiry.picture is None:
        lines += ["", *week_lines(week)]
    answered = enquiry.say(Lines(lines="\n".join(lines)))
    last = first + timedelta(days=6)
    span = {"first": f"{first:%m-%d}", "last": f"{last:%m-%d}"}
    enquiry.show(say("picture.week.title", span, language=enquiry.language))
    return answered


def _on_duty(enquiry: _Enquiry) -> list[str]:
    language, book = enquiry.language, enquiry.desk.register.open(enquiry.tx)
    on = book.on_duty(book.staff.values(), enquiry.now)
    lines = [
        say(
            "duty.line",
            {
                "name": person.called(language),
                "role": person.roles[0],
                "phone": person.phone,
            },
            language=language,
        )
        for person in on
    ]
    title = "duty.now" if on else "duty.empty"
    return [say(title, {}, language=enquiry.language), *lines]


def week_lines(week: overviews.DutyWeek) -> list[str]:
    """A line for each day: who, from when until when."""
    zone, lines = ZoneInfo(week.zone), []
    for n in range(7):
        day = week.first + timedelta(days=n)
        told = [
            say(
                "duty.hours", {"name": row.name, "hours": _hours(bar, zone)}, language=week.language
            )
            for row in week.rows
            for bar in row.bars
            if bar.day == day and bar.kind in {Kind.SHIFT, Kind.COVER}
        ]
        name = say(f"picture.day.{day.isoweekday()}", {}, language=week.language)
        slots = {"day": f"{name} {day:%m-%d}", "people": ", ".join(told) or "–"}
        lines.append(say("duty.day", slots, language=week.language))
    return lines


def _hours(bar: Bar, zone: ZoneInfo) -> str:
    starts, ends = bar.starts.astimezone(zone), bar.ends.astimezone(zone)
    over = "24:00" if ends.time() == time() else f"{ends:%H:%M}"
    return f"{starts:%H:%M}–{over}"


def _sticker(enquiry: _Enquiry) -> Outcome:
    """The QR sticker of a site, to be printed; without a name, the codes to choose from."""
    enquiry.require(*STICKER_MAKERS)
    book, language = enquiry.desk.register.open(enquiry.tx), enquiry.language
    if not enquiry.text:
        lines = [f"{code}  {book.site_name(code, language)}" for code in book.sites]
        return enquiry.say(Lines(lines="\n".join(lines)))
    site = site_named(book, enquiry.text)
    name = book.site_name(site.code, language)
    enquiry.show(say("sticker.caption", {"site": name}, language=language))
    return Outcome("shown")


def site_named(book: Book, said: str) -> Site:
    """By its code or any of its names. Raises Missing."""
    site = book.site_named(said)
    if site is None:
        raise Missing(number="", what="site")
    return site


def _forecast(enquiry: _Enquiry) -> Outcome:
    enquiry.require(Role.DESK_AGENT, Role.SUPERVISOR, Role.PROJECT_MANAGER)
    found = outlook.outlook(enquiry.tx, enquiry.desk, enquiry.now)
    told = outlook.lines(enquiry.tx, enquiry.desk, found, enquiry.person, enquiry.now)
    return enquiry.say(Lines(lines="\n".join(told)))


def _leave(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(absence.leave(*enquiry.given, event=enquiry.event, now=enquiry.now))


def _cover(enquiry: _Enquiry) -> Outcome:
    return enquiry.say(absence.cover(*enquiry.given, event=enquiry.event, now=enquiry.now))


ENQUIRIES: Mapping[str, Callable[[_Enquiry], Outcome]] = {
    "my": _my,
    "status": _status,
    "why": _why,
    "lang": _lang,
    "help": _help,
    "home": _home,
    "unknown": _unknown,
    "not_allowed": _not_allowed,
    "privacy": _privacy,
    "queue": _queue,
    "duty": _duty,
    "leave": _leave,
    "cover": _cover,
    "forecast": _forecast,
    "sticker": _sticker,
}
