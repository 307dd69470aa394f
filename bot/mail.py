"""Mail, put together: mailboxes in, the worker that reads them, SMTP out, and pages for links."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request

from bot import mail_traffic
from bot.health import Look
from bot.host import Host
from bot.settings import Mail as Section
from bot.settings import Mailbox, Settings, Smtp
from channels.mail import pages
from channels.mail.arrival import read_stamp
from channels.mail.check import check
from channels.mail.guards import Limits
from channels.mail.imap import ImapMailbox
from channels.mail.inbound import House, Place, inbound, kept, returned_id, worth_keeping
from channels.mail.inbox import Cursor, Inbox
from channels.mail.isolate import Reader, Unreadable
from channels.mail.layout import REFERENCES, Attached, Content
from channels.mail.machine import Bounce
from channels.mail.parse import Mail
from channels.mail.render import SURVEYS, render
from channels.mail.sender import SmtpChannel
from channels.mail.settings import MailboxSettings, Pace, SmtpSettings, Token
from channels.mail.tokens import Link, Signer
from core import inbox, intake, outbox, requests, work
from core.actions import ACTIONS
from core.desk import Desk
from core.errors import Stale
from core.files import FileStore
from core.in_hand import Actor, InHand
from core.inbox import Poison
from core.lifecycle import Action
from core.messages import Choice, Inbound, Letter, Report
from core.numbers import serial_of
from core.people import Address, Person, Role
from core.ports import Channel, Files, Now, Tx
from core.rows import InboxRow, MailCursor, OptOut, OutboxRow, Sent
from core.telling import Reply, language_of
from core.ticket import Message, Ticket
from core.words import label, say

PACE = Pace()
LINKS_LAST = timedelta(days=7)
SILENT = 120.0  # seconds without an answered search
SWEEP = 3600.0  # seconds between the sweepings of old counts
UNSUBSCRIBE = "unsubscribe"
LEAVING = frozenset({UNSUBSCRIBE, "退订"})  # as a subject: the way out of a mail's own header
# What a mail brings in without any word of ours going back.
UNANSWERED = frozenset({"added", "edited", "filed", "unchanged", "done_already"})
# RFC 3463: no such mailbox, no such domain, moved away, mailbox disabled.
DEAD = re.compile(r"5\.(1\.\d{1,2}|2\.1)")

Read = Callable[[bytes], Awaitable[Mail]]
"""Parses a mail where it can do no harm. Raises Unreadable."""


class MailHost(Host, Protocol):
    key: bytes
    ages: dict[str, Callable[[], float]]

    def watch(self, look: Look) -> None: ...


def add_mail(program: MailHost, section: Section, pace: Pace = PACE) -> list[Inbox]:
    """Switch the channel on: a reader for each mailbox, one account to send by."""

    async def alert(kind: str, params: Mapping[str, str]) -> None:
        program.trouble(kind, " ".join(params.values()))

    smtp, signer = smtp_settings(section.smtp), signer_of(section.smtp.address, program.key)
    store = FileStore(Path(program.settings.files))
    composer = Composer(program.desk, signer, program.settings.http.public_url, store)
    sender = SmtpChannel(smtp, signer, composer, program.now, alert=alert)
    keep = inbox.keeper(program.desk, program.wake)
    cursors = Cursors(program.desk)
    boxes, beside = [], [asyncio.ensure_future(sender.sessions.tend())]
    for each in section.mailboxes:
        wanted = replace(mailbox_settings(each), pace=pace)
        box = Inbox(wanted, ImapMailbox(wanted), alert=alert)
        boxes.append(box)
        beside.append(asyncio.ensure_future(box.run(keep, cursors, program.now)))
    plug(program, section, sender, signer, beside)
    program.watch(lambda: silent(boxes))
    program.ages |= {box.address: partial(getattr, box, "last_search_age") for box in boxes}
    return boxes


def silent(boxes: Sequence[Inbox]) -> list[str]:
    """What the light at /healthz says of mailboxes that do not answer."""
    return [
        f"mail: {box.address} has not answered for {box.last_search_age:.0f} s"
        for box in boxes
        if box.last_search_age > SILENT
    ]


def plug(
    program: MailHost,
    section: Section,
    sender: Channel,
    signer: Signer,
    beside: "list[asyncio.Task[None]]",
) -> None:
    """Everything but the wires: what comes in as rows, and the pages behind the links."""
    reader = Reader()

    async def close() -> None:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await reader.close()

    arrivals = Arrivals(
        program.desk,
        house_of(section, signer),
        reader.read,
        FileStore(Path(program.settings.files)),
        limits_of(section),
        program.trouble,
    )
    program.plug_in(sender, arrivals.handle, close)
    door = Door(program.desk, signer)
    program.routes += pages.routes(signer, program.now, door.show, door.act, door.refuse)
    program.ticker.every(SWEEP, "mail", lambda: mail_traffic.forget(program.desk))


# -- settings


def mailbox_settings(section: Mailbox) -> MailboxSettings:
    given = section.model_dump(exclude={"password", "token_path"})
    password = section.password.get_secret_value()
    return MailboxSettings(**given, password=password, token=_token(section.token_path))


def smtp_settings(section: Smtp) -> SmtpSettings:
    given = section.model_dump(exclude={"password", "token_path"})
    password = section.password.get_secret_value()
    return SmtpSettings(**given, password=password, token=_token(section.token_path))


def _token(path: str) -> Token | None:
    """A fresh one for each login, from the file that another program renews."""
    if not path:
        return None

    async def read() -> str:
        return (await asyncio.to_thread(Path(path).read_text, "utf-8")).strip()

    return read


def signer_of(address: str, key: bytes) -> Signer:
    """Two desks of one domain are two instances: neither takes the other's mail for its own."""
    local, _, domain = address.lower().rpartition("@")
    name = re.sub(r"[^a-z0-9]+", "-", local).strip("-") or "desk"
    return Signer(instance=f"{name}.{domain}", keys=(key,))


def house_of(section: Section, signer: Signer) -> House:
    addresses = {box.address.lower() for box in section.mailboxes} | {section.smtp.address.lower()}
    return House(addresses=frozenset(addresses), signer=signer, trusted=frozenset(section.trusted))


def limits_of(section: Section) -> Limits:
    return Limits(
        per_hour=section.answers_per_hour, held_above=section.held_above, desk=section.storm
    )


async def checks(settings: Settings, now: Now) -> AsyncIterator[tuple[str, bool, str]]:
    """`paidan check mail`: (step, whether it worked, what was seen), as soon as each is known."""
    if settings.mail is None:
        yield "settings", False, "there is no [mail] section"
        return
    smtp = smtp_settings(settings.mail.smtp)
    # A key of its own: the desk may be running on another machine's database.
    signer = signer_of(smtp.address, b"paidan check mail")
    for section in settings.mail.mailboxes:
        box, out = mailbox_settings(section), smtp
        if box.address.lower() != smtp.address.lower():
            out = replace(smtp, plus=False)  # reply addresses are those of the sending account
        async for finding in check(box, out, signer, now):
            yield f"{section.address} {finding.step}", finding.ok, finding.detail


class Cursors:
    """channels.mail.inbox.Cursors in the desk's store."""

    def __init__(self, desk: Desk) -> None:
        self._store = desk.store

    async def load(self, account: str, folder: str) -> Cursor | None:
        row = await self._store.read(lambda tx: tx.get(MailCursor, f"{account}/{folder}"))
        if row is None:
            return None
        values = asdict(row)
        del values["place"]
        return Cursor(**values)

    async def save(self, account: str, folder: str, cursor: Cursor) -> None:
        row = MailCursor(place=f"{account}/{folder}", **asdict(cursor))
        await self._store.write(lambda tx: tx.put(row))


# -- in


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The worker's side: a stored mail becomes a message, news of a letter, or nothing at all."""

    desk: Desk
    house: House
    read: Read
    files: Files
    limits: Limits
    trouble: Callable[[str, object], None]

    async def handle(self, row: InboxRow) -> None:
        arrival, raw = read_stamp(row.body)
        if arrival is not None and arrival.unreadable:
            raise Poison("the server would not hand it over")
        try:
            mail = await self.read(raw)
        except Unreadable as odd:
            raise Poison(odd.reason) from odd
        if mail.is_own(self.house.signer.instance) and mail.bounce is None:
            await work.ignore(self.desk, row.id, "our own mail")
            return
        place = Place(account=row.account, external_id=row.external_id, received_at=row.received_at)
        heard = inbound(mail, arrival, place, self.house)
        files = worth_keeping(mail.files)
        for file in files:
            await self.files.put(file.content)
        heard = replace(heard, files=tuple(map(kept, files)))
        trouble = await self.desk.store.write(lambda tx: self._take(tx, row, heard, mail))
        if trouble:
            self.trouble(trouble, heard.sender)
        self.desk.wake()

    def _take(self, tx: Tx, row: InboxRow, heard: Inbound, mail: Mail) -> str:
        """What an operator has to hear about, if anything."""
        now = self.desk.now()
        if self._came_before(tx, row):
            work.settle(tx, row.id, now, note=f"a copy, by {row.account}", state="ignored")
            return ""
        returned = returned_id(mail, self.house.signer)
        if mail.bounce and self._returned(tx, row, heard, mail.bounce, returned, now):
            return ""
        if heard.thread and heard.subject.lower() in LEAVING:
            if work.settle(tx, row.id, now, note="no more surveys"):
                tx.put(OptOut(place=f"mail:{heard.sender}", at=now))
            return ""
        if "archive" in heard.detail:
            intake.take(tx, self.desk, heard, now, row.id, answers=False)
            return ""
        written = mail.sent_at or heard.occurred_at
        verdict = mail_traffic.judge(tx, heard, written, now, self.limits)
        if verdict.hold and row.note != verdict.why:  # else a person has let it in
            work.settle(tx, row.id, now, note=verdict.why, state="dead")
            return "mail_flood"
        if mail_traffic.reopens_too_often(tx, heard, now, self.limits):
            heard = replace(heard, automatic=True)
        outcome = intake.take(tx, self.desk, heard, now, row.id, answers=verdict.acknowledge)
        if verdict.acknowledge and outcome.kind not in UNANSWERED:
            mail_traffic.answered(tx, heard.sender, now)
        return "mail_storm" if verdict.storm else ""

    def _came_before(self, tx: Tx, row: InboxRow) -> bool:
        """By another mailbox of ours, or under an older numbering. An empty hash knows nothing."""
        return bool(
            row.content_hash
            and tx.count(InboxRow, content_hash=row.content_hash, channel="mail", state="done")
        )

    def _returned(
        self,
        tx: Tx,
        row: InboxRow,
        heard: Inbound,
        bounce: Bounce,
        returned: str,
        now: datetime,
    ) -> bool:
        """A letter of ours came back: its ticket tells so, and its address is marked."""
        named = [each for each in (returned, bounce.message_id) if each]
        letter = tx.first(OutboxRow, channel="mail", receipt=tuple(named)) if named else None
        if letter is None or not work.settle(tx, row.id, now):
            return False
        ours = bool(returned) or bounce.recipient.lower() in {"", letter.address}
        if bounce.permanent and ours:
            report = Report(
                channel="mail",
                account="",
                external_id=heard.external_id,
                receipt=letter.receipt,
                state="failed",
                at=heard.occurred_at,
                reason=bounce.status,
                permanent=True,
            )
            dead = DEAD.fullmatch(bounce.status) is not None
            outbox.hear_report(tx, self.desk, report, dead=dead)
        self._file(tx, row, heard, letter, f"{letter.address}: {bounce.status}", now)
        return True

    def _file(
        self, tx: Tx, row: InboxRow, heard: Inbound, letter: OutboxRow, said: str, now: datetime
    ) -> None:
        tx.add(
            Message(
                ticket_id=letter.ticket_id,
                person_id=None,
                channel="mail",
                external_id=heard.message_id,
                inbox_id=row.id,
                text=heard.text,
                full_text=heard.full_text,
                at=heard.occurred_at,
                received_at=heard.received_at,
            )
        )
        ticket = tx.lock(Ticket, letter.ticket_id) if letter.ticket_id is not None else None
        if ticket is not None:
            hand = InHand(tx, self.desk, ticket, now=now, cause=f"in{row.id}")
            hand.step(Action.NOTE, detail={"text": said, "undelivered": letter.kind})
            hand.save()


# -- out


@dataclass(frozen=True, slots=True)
class Composer:
    """A letter in words, with what the desk knows around it: names, the thread, links."""

    desk: Desk
    signer: Signer
    public_url: str
    files: Files | None = None  # None: letters go without theirs

    async def __call__(self, letter: Letter) -> Content:
        content = await self.desk.store.read(lambda tx: self.content(tx, letter))
        if self.files is None or not letter.files:
            return content
        found = [(file, await self.files.get(file.sha256)) for file in letter.files]
        if not all(data for _, data in found):
            gone = say("file_missing", {}, language=letter.language, context="mail")
            content = replace(content, paragraphs=(*content.paragraphs, gone))
        return replace(
            content,
            attachments=tuple(
                Attached(name=file.name, type=file.type, data=data) for file, data in found if data
            ),
        )

    def content(self, tx: Tx, letter: Letter) -> Content:
        until = self.desk.now() + LINKS_LAST
        leaving = Choice(action=UNSUBSCRIBE, ticket=letter.ticket)
        return render(
            letter,
            link=lambda choice: self._link(choice, letter, until),
            unsubscribe=self._link(leaving, letter, until) if letter.kind in SURVEYS else "",
            names=self._names(tx, letter),
            references=self._thread(tx, letter),
        )

    def _link(self, choice: Choice, letter: Letter, until: datetime) -> str:
        if not (self.public_url and choice.ticket and letter.person_id):
            return ""
        token = self.signer.sign_link(
            choice.ticket, choice.action, choice.arg, letter.person_id, until
        )
        return f"{self.public_url.rstrip('/')}{pages.PATH}{token}"

    def _names(self, tx: Tx, letter: Letter) -> Mapping[str, str]:
        if not letter.choices:
            return {}
        book = self.desk.register.open(tx)
        sites = {code: book.site_name(code, letter.language) for code in book.sites}
        return sites | {code: person.name for code, person in book.by_code.items()}

    def _thread(self, tx: Tx, letter: Letter) -> list[str]:
        """Ids of what came and of what went, each oldest first; no more than a header names."""
        serial = serial_of(letter.ticket)
        if serial is None:
            return []
        about: dict[str, Any] = {"channel": "mail", "ticket_id": serial}
        newest = partial(tx.find, order="-id", limit=REFERENCES, **about)
        theirs = [each.external_id for each in newest(Message, person_id=letter.person_id)]
        ours = [each.message_id for each in newest(Sent, address=letter.address)]
        return [*filter(None, reversed(theirs)), *reversed(ours)]


# -- pages behind links


@dataclass(frozen=True, slots=True)
class Door:
    """What a link shows, and what pressing the button there does: the same actions as anywhere."""

    desk: Desk
    signer: Signer

    async def show(self, token: str, link: Link) -> pages.Page:
        return await self.desk.store.read(lambda tx: self._page(tx, token, link))

    def _page(self, tx: Tx, token: str, link: Link) -> pages.Page:
        person, ticket = self._of(tx, link)
        language = language_of(person)
        facts = {
            "number": ticket.number,
            "status": ticket.status,
            "priority": ticket.priority,
            "symptom": ticket.symptom,
        }
        buttons = [(token, label(link.action, link.arg, language))]
        if args := self._open_args(link):
            buttons = [
                (
                    self.signer.sign_link(link.ticket, link.action, arg, link.person, link.expires),
                    label(link.action, arg, language),
                )
                for arg in args
            ]
        return pages.Page(
            title=say("card.title", facts, language=language),
            lines=(say("card.symptom", facts, language=language),),
            buttons=buttons,
            language=language,
        )

    def _open_args(self, link: Link) -> tuple[str, ...]:
        """The answers that the action still needs, such as a reason for declining."""
        if link.arg or link.action == UNSUBSCRIBE:
            return ()
        return ACTIONS[Action(link.action)].args

    def _of(self, tx: Tx, link: Link) -> tuple[Person, Ticket]:
        person, serial = tx.get(Person, link.person), serial_of(link.ticket)
        ticket = tx.get(Ticket, serial) if serial else None
        if person is None or not person.active or ticket is None:
            raise Stale
        return person, ticket

    async def act(self, link: Link) -> pages.Page:
        if link.action == UNSUBSCRIBE:
            return await self.desk.store.write(lambda tx: self._opt_out(tx, link))
        if self._open_args(link):
            raise Stale  # no page of ours has such a button
        person, reply = await self.desk.store.read(lambda tx: self._who(tx, link))
        actor = Actor(
            sees_outcome=True,
            person=person,
            role=person.roles[0] if person.roles else Role.REQUESTER,
            channel="mail",
            reply=reply,
        )
        request = requests.Request(action=Action(link.action), number=link.ticket, arg=link.arg)
        outcome = await work.act(self.desk, request, actor)
        language = language_of(person)
        slots = {"number": link.ticket, "arg": link.arg, **outcome.params}
        said = say(outcome.kind, slots, language=language, context="toast", zone=person.zone)
        return pages.Page(title=said, language=language, good=not outcome.refused)

    def _who(self, tx: Tx, link: Link) -> tuple[Person, Reply | None]:
        """Whoever holds the link; further questions go where it came from."""
        person, _ = self._of(tx, link)
        address = tx.first(Address, order="id", person_id=person.id, channel="mail")
        if address is None:
            return person, None
        return person, Reply(channel="mail", account=address.account, address=address.value)

    def _opt_out(self, tx: Tx, link: Link) -> pages.Page:
        person, _ = self._of(tx, link)
        for address in tx.find(Address, person_id=person.id, channel="mail"):
            tx.put(OptOut(place=f"mail:{address.value}", at=self.desk.now()))
        language = language_of(person)
        return pages.Page(title=say("unsubscribed", {}, language=language), language=language)

    def refuse(self, request: Request) -> pages.Page:
        wanted = request.headers.get("accept-language", "zh")
        language = "zh_CN" if wanted.lower().startswith("zh") else "en"
        said = say("refused_stale_button", {}, language=language)
        return pages.Page(title=said, language=language, good=False)
