"""A ticket as text and buttons, and every other notice as a chat message."""

import hashlib
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import buttons
from channels.telegram.limits import PHOTO, UPLOAD, Button, ChatMessage, Upload, UploadKind, clip
from channels.telegram.sending import TelegramChannel
from core.actions import NOT_ME, Relation, available
from core.desk import Desk
from core.in_hand import relations
from core.kinds import MODES
from core.lifecycle import DONE, Action, Status
from core.masking import mask_name_of_number
from core.messages import Choice, File, Letter, Receipt, Value
from core.people import Person, Role
from core.ports import Files, Tx
from core.ticket import Offer, Ticket
from core.words import label, say

A = Action
TEXT_LIMIT = 1200  # UTF-16 units of a user's words that a card shows
WORDS_LIMIT = 3500  # that another notice passes on; the whole is kept with the ticket
NARROW = 14  # characters: two such labels still fit beside each other on a telephone
IN_A_ROW = {A.RATE: 5, A.SET_SITE: 3, A.SET_PRIORITY: 4, A.SET_CATEGORY: 3}

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
SHOWN_AS: Mapping[str, UploadKind] = {
    "voice": "voice",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
}

# What a card offers, in this order, if the person may do it now.
OFFERED: Mapping[str, tuple[Action, ...]] = {
    "requester": (
        A.CONFIRM,
        A.NOT_SOLVED,
        A.SET_SITE,
        A.SET_CATEGORY,
        A.SET_PRIORITY,
        A.NOT_A_FAULT,
        A.END_REMOTE,
        A.RESUME,
        A.URGE,
        A.CANCEL,
        A.ASK_CANCEL,
        A.REOPEN,
        A.COMPLAIN,
    ),
    "engineer": (
        A.ACCEPT,
        A.DECLINE,
        A.DEPART,
        A.ARRIVE,
        A.RESOLVE,
        A.REPORT_UNRESOLVED,
        A.OFFER_REMOTE,
        A.DISPATCH,
        A.WAIT,
        A.RESUME,
        A.HAND_OVER,
    ),
    "desk": (
        A.TRIAGE,
        A.DISPATCH,
        A.START_PHONE,
        A.TAKE_OVER,
        A.RESOLVE,
        A.REASSIGN,
        A.SET_SITE,
        A.SET_PRIORITY,
        A.CALL,
        A.ADD_ENGINEER,
        A.CALLBACK_DONE,
        A.CANCEL,
        A.DECLARE_EMERGENCY,
        A.STAND_DOWN,
        A.COMPLAIN,
    ),
    "supervisor": (
        A.ACKNOWLEDGE,
        A.REASSIGN,
        A.CALL_ENGINEER,
        A.ADD_ENGINEER,
        A.CALLBACK_DONE,
        A.REOPEN,
        A.DECLARE_EMERGENCY,
        A.STAND_DOWN,
        A.COMPLAIN,
        A.NOTE_DEVIATION,
        A.CORRECT_VERDICT,
    ),
}
ANSWERS = (A.ACCEPT, A.DECLINE)  # all that is asked of whoever is offered a job
# While a report settles its reader corrects it; later these would only be in the way.
WHILE_NEW = {A.SET_SITE, A.SET_CATEGORY, A.SET_PRIORITY, A.NOT_A_FAULT}
NOT_WHILE_NEW = {A.URGE, A.COMPLAIN}
WHEN_DONE = {A.CORRECT_VERDICT}


@dataclass(frozen=True, slots=True)
class View:
    """A ticket as one person may see it."""

    ticket: Ticket
    person: Person
    requester: Person
    assignee: Person | None
    site: str
    address: str
    ties: frozenset[Relation]
    answer_by: datetime | None
    unanswered_since: datetime | None  # nobody has taken the job that was offered
    overdue: bool  # when last something happened, the deadline had passed


def view(tx: Tx, desk: Desk, ticket: Ticket, person: Person) -> View:
    book = desk.register.open(tx)
    own = ticket.requester_id == person.id
    requester = person if own else tx.get(Person, ticket.requester_id)
    assert requester is not None, ticket
    assignee = tx.get(Person, ticket.assignee_id) if ticket.assignee_id else None
    offer = unanswered = None
    if person.is_staff:
        offer = tx.first(Offer, ticket_id=ticket.id, person_id=person.id, state="open")
        if ticket.status == Status.DISPATCHED and assignee is None:
            unanswered = tx.first(Offer, order="id", ticket_id=ticket.id)
    place = book.sites.get(ticket.site or "")
    last = max(ticket.changed_at, offer.offered_at) if offer else ticket.changed_at
    return View(
        ticket=ticket,
        person=person,
        requester=requester,
        assignee=assignee,
        site=book.site_name(ticket.site, person.language or "zh_CN"),
        address=place.address if place else "",
        ties=frozenset(relations(tx, ticket, person)),
        answer_by=offer.answer_by if offer else None,
        unanswered_since=unanswered.offered_at if unanswered else None,
        overdue=ticket.overdue(last) is not None,
    )


def card(seen: View, audience: str, key: bytes, *, repeated: bool = False) -> ChatMessage:
    """The one live message of a ticket in one chat. Pure: the same ticket gives the same card."""
    return ChatMessage(
        html=_text(seen, audience, repeated),
        buttons=_rows(card_choices(seen, audience), seen.person, key),
    )


def _text(seen: View, audience: str, repeated: bool) -> str:
    ticket, language, zone = seen.ticket, seen.person.language or "zh_CN", seen.person.zone

    def line(name: str, **slots: object) -> str:
        return html.escape(
            say(f"card.{name}", slots, language=language, context="chat", zone=zone), quote=False
        )

    title = line(
        _title(seen, audience),
        number=ticket.number,
        status=ticket.status,
        priority=ticket.priority,
    )
    lines = [f"<b>{title}</b>"]
    if repeated:
        lines.append(line("repeated"))
    if audience == "supervisor" and seen.unanswered_since is not None:
        lines.append(line("unanswered", at=seen.unanswered_since.isoformat()))
    if ticket.vip:
        lines.append(line("vip"))
    lines.append(line("symptom", symptom=clip(ticket.symptom, TEXT_LIMIT)))
    if seen.site:
        lines.append(line("site", site=seen.site))
    if audience != "requester" and seen.address:
        lines.append(line("address", address=seen.address))
    if ticket.device and ticket.device != "-":
        lines.append(line("device", device=ticket.device))
    if ticket.category:
        lines.append(line("category", category=ticket.category))
    if audience != "requester":
        lines.append(line("requester", requester=_reported_by(seen, language)))
        if _may_ring(seen) and seen.requester.phone not in {"", seen.requester.name}:
            lines.append(line("phone", phone=seen.requester.phone))
    if seen.assignee is not None:
        lines.append(line("engineer", engineer=seen.assignee.called(language)))
    if ticket.due_at is not None and ticket.is_open and audience != "requester":
        lines.append(line("overdue" if seen.overdue else "due", due=ticket.due_at.isoformat()))
    if seen.answer_by is not None:
        lines.append(line("answer_by", answer_by=seen.answer_by.isoformat()))
    if audience == "requester" and ticket.status == Status.NEW:
        lines.append(line("hint"))
    return "\n".join(lines)


def _title(seen: View, audience: str) -> str:
    """What is new about it for this reader, or else how it stands."""
    if audience == "requester" and seen.ticket.status == Status.NEW:
        return "received"
    return "offer" if audience == "engineer" and seen.answer_by is not None else "title"


def _may_ring(seen: View) -> bool:
    """The full number is for the desk and whoever holds the job (requirements §6)."""
    return Relation.JOB in seen.ties or seen.person.has(Role.DESK_AGENT, Role.SUPERVISOR)


def _reported_by(seen: View, language: str) -> str:
    """A stranger who wrote by SMS is called by the number: nobody else's business."""
    name = seen.requester.called(language)
    return name if _may_ring(seen) else mask_name_of_number(name)


def card_choices(seen: View, audience: str) -> list[Choice]:
    """Never a button that the desk would refuse."""
    ticket = seen.ticket
    can = set(available(ticket.status, seen.person.roles, seen.ties))
    new = ticket.status in {Status.NEW, Status.TRIAGED, Status.REOPENED}
    asked = audience == "engineer" and seen.answer_by is not None and Relation.JOB not in seen.ties
    wanted = [
        action
        for action in (ANSWERS if asked else OFFERED[audience])
        if action in can
        and not (action == A.RESUME and audience == "requester" and not _awaited(ticket))
        and not (audience == "requester" and action in WHILE_NEW and not new)
        and not (action in NOT_WHILE_NEW and ticket.status == Status.NEW)
        and not (action in WHEN_DONE and ticket.status not in DONE)
        and action != (A.DECLARE_EMERGENCY if ticket.emergency else A.STAND_DOWN)
    ]
    choices = []
    for action in wanted:
        if action == A.TRIAGE:
            modes = sorted(MODES, key=lambda mode: mode != (ticket.mode or "onsite"))
            choices += [Choice(action=action, arg=mode, ticket=ticket.number) for mode in modes]
        elif action == A.RESUME and audience == "requester":
            choices.append(Choice(action=action, arg=NOT_ME, ticket=ticket.number))
        else:
            choices.append(Choice(action=action, ticket=ticket.number))
    return choices


def _awaited(ticket: Ticket) -> bool:
    """Whether it is the requester for whom the desk says that it waits."""
    return ticket.status == Status.WAITING_USER


def fingerprint(message: ChatMessage) -> str:
    """Equal where redrawing would change nothing."""
    return hashlib.sha256(repr((message.html, message.buttons)).encode()).hexdigest()[:16]


def _rows(
    choices: Sequence[Choice], person: Person, key: bytes, names: Mapping[str, str] | None = None
) -> tuple[tuple[Button, ...], ...]:
    language = person.language or "zh_CN"
    return button_rows(choices, language, _addressee(person), key, names or {})


def _shortened(value: Value) -> Value:
    return clip(value, WORDS_LIMIT) if isinstance(value, str) else value


def _addressee(person: Person) -> str:
    return str(person.id)


def button_rows(
    choices: Iterable[Choice], language: str, addressee: str, key: bytes, names: Mapping[str, str]
) -> tuple[tuple[Button, ...], ...]:
    """At most two long labels beside each other; scores, sites and priorities in longer rows."""
    rows: list[list[Button]] = []
    offered = tuple(choices)
    several = len({choice.ticket for choice in offered if choice.ticket}) > 1
    for choice in offered:
        action = Action(choice.action)
        text = names.get(choice.arg) or label(action, choice.arg, language)
        if several and choice.ticket:
            text = f"{text} {choice.ticket}"
        made = Button(text, buttons.pack(choice, addressee, key), choice.style)
        room = IN_A_ROW.get(action, 2 if len(text) <= NARROW else 1) if choice.arg else 2
        last = rows[-1] if rows else None
        if last is not None and len(last) < room and all(len(b.label) <= NARROW for b in last):
            last.append(made)
        else:
            rows.append([made])
    return tuple(tuple(row) for row in rows)


class Renderer:
    """Letters as chat messages. Cards are drawn from what the ticket says now, not from then."""

    def __init__(self, desk: Desk, key: bytes, files: Files) -> None:
        self.desk, self.key, self.files = desk, key, files
        self._shown: dict[int, str] = {}

    async def __call__(self, letter: Letter) -> ChatMessage:
        message = await self.desk.store.read(lambda tx: self._render(tx, letter))
        if letter.audience:
            self._shown[letter.id] = fingerprint(message)
        return await self._with_files(message, letter) if letter.files else message

    async def _with_files(self, message: ChatMessage, letter: Letter) -> ChatMessage:
        found = [(file, await self.files.get(file.sha256)) for file in letter.files]
        uploads = [_upload(file, data) for file, data in found if data and len(data) <= UPLOAD]
        if len(uploads) < len(found):
            gone = say("file_missing", {}, language=letter.language)
            message = replace(message, html=f"{message.html}\n{html.escape(gone, quote=False)}")
        if len(uploads) > 1 and any(upload.kind != "photo" for upload in uploads):
            uploads = [upload._replace(kind="document") for upload in uploads]
        return replace(message, files=tuple(uploads))

    def shown(self, letter: Letter) -> str:
        """Fingerprint of the card that was just sent, told once."""
        return self._shown.pop(letter.id, "")

    def _render(self, tx: Tx, letter: Letter) -> ChatMessage:
        person = tx.get(Person, letter.person_id) if letter.person_id else None
        if letter.audience and person is not None and letter.ticket:
            ticket = tx.first(Ticket, number=letter.ticket)
            if ticket is not None:
                seen = view(tx, self.desk, ticket, person)
                return card(seen, letter.audience, self.key, repeated=letter.repeated)
        return self._notice(tx, letter)

    def _notice(self, tx: Tx, letter: Letter) -> ChatMessage:
        params = {name: _shortened(value) for name, value in letter.params.items()}
        text = say(letter.kind, params, language=letter.language, context="chat", zone=letter.zone)
        if letter.repeated:
            text = say("card.repeated", {}, language=letter.language) + "\n" + text
        return ChatMessage(
            html=html.escape(text, quote=False),
            buttons=self.buttons(tx, letter.choices, letter.language, letter.person_id),
        )

    def buttons(
        self, tx: Tx, choices: Sequence[Choice], language: str, person_id: int | None
    ) -> tuple[tuple[Button, ...], ...]:
        """The choices of a letter, with sites and people by their names."""
        if not choices:
            return ()
        book = self.desk.register.open(tx)
        names = {code: book.site_name(code, language) for code in book.sites}
        names |= {code: person.called(language) for code, person in book.by_code.items()}
        return button_rows(choices, language, str(person_id), self.key, names)

    def draw(self, tx: Tx, audience: str, ticket: Ticket, person: Person) -> ChatMessage:
        """What the live card should show now."""
        return card(view(tx, self.desk, ticket, person), audience, self.key)


def _upload(file: File, data: bytes) -> Upload:
    """A photo only where Telegram makes one of it; anything else arrives as it is."""
    if file.kind == "photo" and file.type in PHOTO_TYPES and len(data) <= PHOTO:
        return Upload(file.name, data, "photo")
    return Upload(file.name, data, SHOWN_AS.get(file.kind, "document"))


class CardChannel:
    """A chat channel whose receipts tell what the reader sees, so that nothing is drawn twice."""

    def __init__(self, inner: TelegramChannel, renderer: Renderer) -> None:
        self.inner, self.renderer = inner, renderer
        self.name, self.can = inner.name, inner.can

    async def send(self, letter: Letter) -> Receipt:
        receipt = await self.inner.send(letter)
        return replace(receipt, shown=self.renderer.shown(letter))
