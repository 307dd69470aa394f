"""From something that arrived to what it means: who, which ticket, which action (design §2)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from core import binding, grievances, keypad, outbox, pins, prompts, typed_answers
from core.actions import ACTIONS, TOLD, Relation, available, may, meant, typed_words
from core.desk import Desk
from core.errors import NoSuchTicket, Stale
from core.in_hand import Actor, InHand, relations
from core.lifecycle import OPEN, Action, Status
from core.messages import Choice, File, Inbound, Value
from core.notices.answers import (
    Help,
    HelpStaff,
    NoTickets,
    OptedOut,
    Refused,
    Thanks,
    TicketStatus,
    WhichTicket,
)
from core.notices.engineer import RequesterSays
from core.notices.notice import Notice
from core.notices.requester import AskSite, Home, MessageAdded, PasswordSeen, TicketOpened
from core.numbers import is_number, number_of, serial_of
from core.opening import open_ticket, understand
from core.people import Address, Person, Role
from core.ports import Between, Tx
from core.requests import REPEATED, Outcome, Request
from core.routing import settle_ticket
from core.rows import Grievance, OutboxRow, Sent
from core.telling import Reply, language_of, tell
from core.ticket import Draft, Message, Offer, StoredFile, Ticket
from core.understand.reading import Understanding
from core.understand.secrets import mask_passwords
from core.work import perform, settle

A = Action
WORDS = {word: str(action) for word, action in typed_words().items()}
LIST_LIMIT = 8
LONGEST_DIGITS = 2
DRAFTS = {spec.asks: action for action, spec in ACTIONS.items() if spec.asks} | {"comment": A.RATE}


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever stands at the door: the person, and how sure we are."""

    person: Person
    address: Address
    proven: bool
    reply: Reply | None  # None: whatever this is about, nobody is answered

    @property
    def actor(self) -> Actor:
        return Actor(
            person=self.person,
            role=self.person.roles[0] if self.person.roles else Role.REQUESTER,
            channel=self.address.channel,
            proven=self.proven,
            reply=self.reply,
        )


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
    return Hearing(tx, desk, inbound, guest, now, inbox_id).hear()


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
        return perform(tx, desk, request, by, now, cause=f"in{inbox_id}"), guest.person

    outcome, person = await desk.store.write(body)
    desk.wake()
    return outcome, person


async def known(desk: Desk, inbound: Inbound) -> Guest:
    """Who stands behind an address, before anything is decided."""
    guest: Guest | None = await desk.store.read(lambda tx: _as_before(tx, inbound))
    if guest is not None:
        return guest
    return await desk.store.write(lambda tx: door(tx, desk, inbound, desk.now()))


def _as_before(tx: Tx, inbound: Inbound) -> Guest | None:
    """Somebody of whom there is nothing new to write down: the usual case, and no commit."""
    address = tx.first(
        Address, channel=inbound.channel, account=inbound.account, value=inbound.sender
    )
    person = tx.get(Person, address.person_id) if address else None
    if address is None or person is None or address.state != "ok" or not person.language:
        return None
    return _guest(inbound, person, address)


def is_lone_digit(text: str) -> bool:
    """An answer to a question that is not, or no longer, open: no report."""
    return text.isdecimal() and len(text) <= LONGEST_DIGITS


def word_for(action: Action, language: str) -> str:
    """The first typed word that means the action."""
    words = ACTIONS[action].words
    return next(iter(words.get(language) or words["en"]), str(action))


def door(tx: Tx, desk: Desk, inbound: Inbound, now: datetime) -> Guest:
    """The person behind the address; a stranger becomes a provisional requester (R-013)."""
    address = tx.first(
        Address, channel=inbound.channel, account=inbound.account, value=inbound.sender
    )
    if address is None:
        address = _welcome(tx, inbound, now)
    elif address.state != "ok" and not inbound.automatic:
        address = tx.update(address, state="ok", failures=0, heard_at=now)
    person = tx.get(Person, address.person_id)
    assert person is not None, address
    if not person.language and inbound.language:
        person = tx.update(person, language=_language(inbound.language))
    return _guest(inbound, person, address)


def _guest(inbound: Inbound, person: Person, address: Address) -> Guest:
    reply = Reply(
        channel=inbound.channel,
        account=inbound.account,
        address=inbound.sender,
        message_id=inbound.message_id,
    )
    return Guest(person, address, inbound.trust == "proven", reply)


def _welcome(tx: Tx, inbound: Inbound, now: datetime) -> Address:
    """A stranger's address and the person behind it, once, whoever else hears them now."""
    person = tx.insert(
        Person(
            name=inbound.sender_name or inbound.sender,
            language=_language(inbound.language),
            provisional=True,
            created_at=now,
        )
    )
    address = Address(
        person_id=person.id,
        channel=inbound.channel,
        account=inbound.account,
        value=inbound.sender,
        # Behind a machine's address nobody reads, until somebody writes from it.
        state="unlinked" if inbound.automatic else "ok",
        heard_at=now,
    )
    if not tx.add_new([address], key=("channel", "account", "value")):
        tx.delete(Person, id=person.id)
    kept = tx.first(Address, channel=address.channel, account=address.account, value=address.value)
    assert kept is not None, address
    return kept


def _language(guess: str) -> str:
    """The client's language is a first guess; the person's choice is stored later."""
    if not guess:
        return ""
    return "zh_CN" if guess.lower().startswith("zh") else "en"


class Hearing:
    """One message and what it may mean, tried from the surest sign to the faintest."""

    def __init__(
        self,
        tx: Tx,
        desk: Desk,
        inbound: Inbound,
        guest: Guest,
        now: datetime,
        inbox_id: int | None,
    ) -> None:
        self.tx, self.desk, self.inbound, self.guest = tx, desk, inbound, guest
        self.now, self.inbox_id = now, inbox_id
        self.person = guest.person
        self.text = inbound.text.strip()
        self.event = f"in{inbox_id or inbound.external_id}"

    def hear(self) -> Outcome:
        if self.inbound.detail.get("archive"):
            self._keep(None)
            return Outcome("filed")
        if self.inbound.detail.get("new"):
            return self.report()  # /new: a ticket of its own, whatever else is open
        for meaning in (
            self._edited,
            self._automatic,
            self._said_again,
            self._binding,
            self._typed,
            self._grievance,
            self._drafted,
            self._thread,
            self._album,
            self._small_talk,
            self._follow_up,
        ):
            if (outcome := meaning()) is not None:
                return outcome
        return self.report()

    # -- signs that leave no doubt

    def _edited(self) -> Outcome | None:
        """An edit changes what was said; it never says it again."""
        inbound = self.inbound
        if not inbound.edited_of:
            return None
        said = self.tx.first(
            Message,
            channel=inbound.channel,
            account=inbound.account,
            person_id=self.person.id,
            external_id=inbound.edited_of,
        )
        if said is None:
            return None  # it was said before the desk could hear: then this is the first we know
        if said.text == self.text:
            return Outcome("unchanged")
        # A caption that was taken away does not take the words with it.
        text = self.text or said.text
        self.tx.update(said, text=text, former=(*said.former, said.text))
        if said.ticket_id is not None:
            self._reread(said.ticket_id, said.text, text)
        return Outcome("edited")

    def _reread(self, ticket_id: int, before: str, text: str) -> None:
        ticket = self.tx.lock(Ticket, ticket_id)
        if ticket is None:
            return
        hand = self._hand(ticket)
        hand.step(A.ADD, detail={"edited": True, "was": before, "text": text})
        if ticket.symptom == before or before in ticket.symptom:
            hand.change(symptom=ticket.symptom.replace(before, text) if before else text)
        if ticket.status == Status.NEW and not ticket.settled:
            read = self._understand(hand.ticket.symptom)
            hand.change(**_corrected(ticket, read))
        elif ticket.assignee_id is not None:
            self._tell_holder(hand, text)
        hand.save()

    def _automatic(self) -> Outcome | None:
        """Out-of-office notes and lists are filed where they belong and never answered."""
        if not self.inbound.automatic:
            return None
        ticket = self._of_thread()
        if ticket is None and self.inbound.subject:
            return self.report()  # a monitor's alarm, perhaps: a person of the desk decides
        self._keep(ticket.id if ticket else None)
        return Outcome("filed", ticket)

    def _said_again(self) -> Outcome | None:
        """The carrier may have brought one message twice: it is attached, and changes nothing.

        A digit alone may as well be the answer to the next question: that is asked back.
        """
        first = self.inbound.detail.get("repeat_of")
        if not first or isinstance(keypad.read(self.text, WORDS, is_number), keypad.Digit):
            return None
        said = self.tx.first(
            Message,
            order="-id",
            channel=self.inbound.channel,
            account=self.inbound.account,
            person_id=self.person.id,
            external_id=first,
        )
        ticket = self.tx.get(Ticket, said.ticket_id) if said and said.ticket_id else None
        self._keep(ticket.id if ticket else None)
        if ticket is not None and ticket.is_open:
            hand = self._hand(ticket)
            hand.step(A.ADD, detail={"text": mask_passwords(self.text), "repeat_of": first})
            hand.save()
        return Outcome("repeated", ticket)

    def _binding(self) -> Outcome | None:
        if self.guest.reply is None:
            return None
        return binding.try_binding(
            self.tx, self.desk, self.inbound, self.guest.person, self.guest.reply, self.now
        )

    def _typed(self) -> Outcome | None:
        """A typed word is the same action as a button (promise 5)."""
        line = self.inbound.detail.get("typed", "")
        if not self.text or (self.inbound.files and not line):
            return None
        reading = keypad.read(line or self.text, WORDS, is_number)
        if line and line != self.text and not isinstance(reading, (keypad.Command, keypad.Digit)):
            return None  # "Help!" above a page of trouble is no question for the manual
        match reading:
            case keypad.Command():
                return self._command(reading)
            case keypad.Digit():
                return self._press(reading) if self._phone else self._digit(reading.value)
            case keypad.Status():
                return self.status(reading.number)
            case keypad.Slip():
                return self._refuse(NoSuchTicket(number=reading.number))
            case keypad.Help():
                return self.say(HelpStaff() if self.person.is_staff else Help())
            case keypad.OptOut() if self._phone:
                if prompts.opt_out(self.tx, self._phone, self.now):
                    self.say(OptedOut())
                return Outcome("opted_out")
            case _:
                return None

    @property
    def _phone(self) -> prompts.Telephone | None:
        """The telephone, where nothing but the order of things tells what is answered."""
        can = self.desk.channels.get(self.inbound.channel)
        if can is None or not prompts.is_keypad(can):
            return None
        return prompts.Telephone(self.inbound.channel, self.inbound.sender)

    def _vouch(self, number: str, action: Action, pin: str = "") -> Outcome | None:
        """A number is a claim. The PIN proves it, and so does answering what was asked there.

        A wrong PIN is an outcome of its own: nothing else is done with that text.
        """
        phone = self._phone if self.guest.address.verified_at else None
        asked = phone and prompts.offered(self.tx, phone, self.person.id, number, action, self.now)
        if not asked and not (pin and self.person.pin_hash):
            return None
        wrong = None if asked else self._wrong_pin(pin)
        if wrong is not None:
            return replace(self.say(wrong), refused=True)
        self.guest = replace(self.guest, proven=True)
        return None

    def _wrong_pin(self, pin: str) -> Notice | None:
        if self.guest.proven:
            return None
        place = f"{self.inbound.channel}:{self.inbound.sender}"
        return pins.prove(self.tx, self.desk, self.person, place, pin, self.now, self.event)

    def _press(self, digit: keypad.Digit) -> Outcome:
        """A digit by telephone: the answer to the one open question, or asked back."""
        phone = self._phone
        assert phone is not None
        told = prompts.press(
            self.tx,
            phone,
            digit,
            said_at=self.inbound.occurred_at,
            now=self.now,
            repeat="repeat_of" in self.inbound.detail,
            moot=outbox.is_stale,
        )
        if isinstance(told, keypad.Unanswered):
            return self._ask_back(phone, digit)
        action = Action(told.action)
        self._vouch(told.ticket, action)
        outcome = self.perform(Request(action=action, number=told.ticket, arg=told.arg))
        prompts.call_next(self.tx, phone, self.now, outbox.is_stale)
        return outcome

    def _ask_back(self, phone: prompts.Telephone, digit: keypad.Digit) -> Outcome:
        """Which ticket was meant? With nothing to choose from, a repetition needs no answer."""
        meant = prompts.perhaps_meant(self.tx, phone, digit.value, self.now)
        if meant:
            return self.say(WhichTicket(), choices=meant)
        if "repeat_of" in self.inbound.detail:
            return Outcome("repeated")
        return self.say(WhichTicket() if self.mine() else NoTickets())

    def _command(self, command: keypad.Command) -> Outcome | None:
        action = Action(command.action)
        number = command.number or self._only_ticket_for(action)
        if number is None:
            candidates = self._tickets_for(action)
            if not candidates:
                # Nothing to do it to. Beside other matters it may be meant for those.
                return self.say(NoTickets()) if self._is_bare(command) else None
            choices = [Choice(action=action, ticket=t.number, arg=command.arg) for t in candidates]
            return self.say(WhichTicket(), choices=choices)
        if (refused := self._vouch(number, action, command.pin)) is not None:
            return refused
        arg, own_words = self._behind(action, command.arg)
        if action is A.ADD and own_words:
            return self._added(number, own_words)
        return self._typed_request(Request(action=action, number=number, arg=arg, text=own_words))

    def _behind(self, action: Action, said: str) -> tuple[str, str]:
        """What stands behind the typed word: one of its answers, or words of one's own."""
        if not said:
            return "", ""
        if answer := typed_answers.meant(action, said, self.desk.register.open(self.tx)):
            return answer, ""
        spec = ACTIONS[action]
        line = self.inbound.detail.get("typed") or self.text
        own_words = keypad.as_written(line, said)
        if spec.args or spec.asks or action in TOLD:
            return "", own_words
        return typed_answers.half_width(own_words), ""

    def _added(self, number: str, own_words: str) -> Outcome:
        """More about a ticket that is named, however long ago it was talked about."""
        serial = serial_of(number)
        ticket = self.tx.get(Ticket, serial) if serial else None
        if ticket is None or not self.takes_part(ticket):
            return self._refuse(NoSuchTicket(number=number))
        self.text = own_words
        return self._add(ticket, why="subject_number")

    def _is_bare(self, command: keypad.Command) -> bool:
        """A command and nothing else, from somebody who has nothing going on."""
        return not (command.arg or command.number or " " in self.text or self.mine())

    def _typed_request(self, request: Request) -> Outcome:
        """What stands below a typed line belongs to it: a result, a reason, a comment."""
        line = self.inbound.detail.get("typed", "")
        below = self.text.removeprefix(line).strip() if line else ""
        if below or self.inbound.files:
            self._keep(serial_of(request.number))
        return self.perform(replace(request, text=below or request.text, files=self.inbound.files))

    def _only_ticket_for(self, action: Action) -> str | None:
        replied = self._of_thread()
        if replied is not None:
            return replied.number
        found = self._tickets_for(action)
        return found[0].number if len(found) == 1 else None

    def _tickets_for(self, action: Action) -> list[Ticket]:
        """Tickets of this person on which the action is possible now, newest first."""
        return [ticket for ticket in self.mine(tuple(Status)) if self._can(action, ticket)]

    def _can(self, action: Action, ticket: Ticket) -> bool:
        roles, ties = self.person.roles, relations(self.tx, ticket, self.person)
        meant_now = meant(action, roles, ties, ticket.status)
        return meant_now in available(ticket.status, roles, ties)

    @cached_property
    def _asked(self) -> frozenset[str]:
        """Slots that were asked in this person's open tickets, on whatever channel (R-012)."""
        return frozenset(ticket.asked for ticket in self.mine() if ticket.asked)

    def mine(self, statuses: tuple[Status, ...] = tuple(OPEN)) -> list[Ticket]:
        """What the person has to do with: own reports, jobs held, jobs offered."""
        tx, person = self.tx, self.person
        found = tx.find(
            Ticket, order="-id", limit=LIST_LIMIT, requester_id=person.id, status=statuses
        )
        if person.is_staff:
            held = tx.find(
                Ticket, order="-id", limit=LIST_LIMIT, assignee_id=person.id, status=statuses
            )
            asked = [
                ticket
                for offer in tx.find(Offer, person_id=person.id, state="open")
                if (ticket := tx.get(Ticket, offer.ticket_id))
            ]
            found = [*asked, *held, *found]
        return list({ticket.id: ticket for ticket in found}.values())

    def _digit(self, digit: int) -> Outcome | None:
        """A bare digit answers the last question that was sent to this address."""
        asked = self.tx.find(
            OutboxRow,
            order="-id",
            limit=20,
            channel=self.inbound.channel,
            address=self.inbound.sender,
            state=("sent", "delivered"),
            created_at=Between(after=self.now - self.desk.rules.prompt),
        )
        asked.sort(key=lambda letter: letter.receipt not in self.inbound.reply_to)
        for letter in asked:
            if not letter.choices:
                continue
            if not 1 <= digit <= len(letter.choices):
                return None
            choice = _chosen(letter, digit)
            return self._typed_request(
                Request(
                    action=Action(str(choice["action"])),
                    number=str(choice["ticket"]),
                    arg=str(choice["arg"]),
                )
            )
        return None

    def _grievance(self) -> Outcome | None:
        """A complaint or a notice of deviation that names no ticket: about the last one or, where
        there is none, a matter of its own."""
        said = grievances.said_in(self._matter)
        if said is None:
            return None
        lately = self.mine((*OPEN, Status.CLOSED))[:1] if said.kind == grievances.COMPLAINT else []
        ticket = self._of_thread() or next(iter(lately), None)
        ties = relations(self.tx, ticket, self.person) if ticket else {Relation.OWN}
        if not may(said.action, self.person.roles, ties):
            return None
        if ticket is None:
            ticket = self._matter_of_its_own(said.kind)
        self._keep(ticket.id)
        return self.perform(Request(action=said.action, number=ticket.number, text=said.words))

    def _matter_of_its_own(self, kind: str) -> Ticket:
        """A ticket that nobody has to be sent for: what counts is the record on it."""
        hand = self._opened()
        hand.step(A.NOT_A_FAULT, to=Status.CLOSED)
        hand.change(kind=kind, settled=True, closed_at=self.now, close_code=kind)
        return hand.save()

    def _drafted(self) -> Outcome | None:
        """The desk asked this person for words, and here they are: text, voice or photo."""
        draft = self.tx.first(Draft, person_id=self.person.id)
        if draft is None:
            return None
        if draft.expires_at <= self.now:
            self.tx.delete(Draft, id=draft.id)
            return None
        replied = self._of_thread()
        if replied is None and self.inbound.subject:
            return None  # a mail that answers nothing is a matter of its own
        if replied is not None and replied.id != draft.ticket_id:
            return None
        self._keep(draft.ticket_id)
        action = DRAFTS.get(draft.kind, A.NOTE)
        self._vouch(number_of(draft.ticket_id), action)
        return self.perform(
            Request(
                action=action,
                number=number_of(draft.ticket_id),
                arg=draft.arg,
                text=self.text,
                files=self.inbound.files,
            )
        )

    # -- which ticket

    def _of_thread(self) -> Ticket | None:
        """By a token of ours that came back, or by the message it answers."""
        if serial := serial_of(self.inbound.thread):
            return self.tx.get(Ticket, serial)
        return self._of_reply()

    def _of_reply(self) -> Ticket | None:
        inbound = self.inbound
        for message_id in inbound.reply_to:
            sent = self.tx.first(
                Sent,
                channel=inbound.channel,
                account=inbound.account,
                address=inbound.sender,
                message_id=message_id,
            )
            if sent is not None:
                return self.tx.get(Ticket, sent.ticket_id)
            said = self.tx.first(
                Message,
                channel=inbound.channel,
                account=inbound.account,
                person_id=self.person.id,
                external_id=message_id,
            )
            if said is not None and said.ticket_id is not None:
                return self.tx.get(Ticket, said.ticket_id)
        return None

    def _thread(self) -> Outcome | None:
        ticket = self._of_thread()
        if ticket is None:
            ticket = self._of_subject()
            return self._add(ticket, why="subject_number") if ticket else None
        # What we signed and sent out lets a colleague in to whom it was passed on.
        if not self.inbound.thread and not self.takes_part(ticket):
            return None
        return self._add(ticket, why=self.inbound.detail.get("match", "reply"))

    def _of_subject(self) -> Ticket | None:
        """A number anybody could have written counts only from somebody who takes part."""
        serial = serial_of(self.inbound.detail.get("number", ""))
        ticket = self.tx.get(Ticket, serial) if serial else None
        return ticket if ticket is not None and self.takes_part(ticket) else None

    def takes_part(self, ticket: Ticket) -> bool:
        """A stranger who quotes a number does not get into a ticket."""
        return self.person.is_staff or ticket.requester_id == self.person.id

    def _album(self) -> Outcome | None:
        if not self.inbound.album:
            return None
        part = self.tx.first(
            Message,
            album=self.inbound.album,
            channel=self.inbound.channel,
            person_id=self.person.id,
        )
        ticket = self.tx.get(Ticket, part.ticket_id) if part and part.ticket_id else None
        return self._add(ticket, why="album") if ticket else None

    def _small_talk(self) -> Outcome | None:
        """A greeting or a question to the desk is answered; it is no fault (R-012)."""
        if self.inbound.files or self.inbound.location:
            return None
        if not self.text or is_lone_digit(self.text):
            return self._home()
        match self._read.intent:
            case "greeting" | "question_to_desk" | "empty":
                return self.status(None) if self._read.asks_status else self._home()
            case "thanks":
                return self.say(Thanks())
            case _:
                return None

    def _home(self) -> Outcome:
        self._keep(None)
        return self.say(Home(name=self.person.name))

    def _follow_up(self) -> Outcome | None:
        """Words after words: the settling ticket, or the last one while it is fresh (R-014)."""
        if self.inbound.subject:
            return None  # a matter of its own, and its sender knew how to answer instead
        recent = self.tx.find(
            Ticket,
            order="-id",
            limit=1,
            requester_id=self.person.id,
            status=tuple(OPEN - {Status.RESOLVED, Status.CONFIRMED}),
        )
        if not recent or self.now - recent[0].changed_at > self.desk.rules.join:
            return None
        ticket = recent[0]
        if not ticket.settled or not self._is_another_matter(ticket):
            return self._add(ticket, why="settling" if not ticket.settled else "recent")
        return None

    def _is_another_matter(self, ticket: Ticket) -> bool:
        """One ticket per problem: other words for another thing open another ticket."""
        read = self._read
        return bool(
            not read.goes_on
            and read.names_a_thing
            and read.certainty("category") >= self.desk.rules.sure
            and read.category != ticket.category
            and read.intent == "report"
        )

    # -- what is done about it

    def _add(self, ticket: Ticket, *, why: str) -> Outcome:
        """Put the message into the ticket, and let the other side know."""
        held = self.tx.lock(Ticket, ticket.id)
        assert held is not None
        ties = relations(self.tx, held, self.person)
        is_own = Relation.OWN in ties
        if not held.is_open and is_own:
            return self._after_the_end(held)
        self._keep(held.id)
        hand = self._hand(held)
        text = mask_passwords(self.text) or _files_in_words(self.inbound)
        if not is_own and self.person.is_staff:
            if Relation.JOB not in ties and not self.person.has(Role.DESK_AGENT, Role.SUPERVISOR):
                return self.perform(Request(action=A.NOTE, number=held.number, text=text))
            return self.perform(
                Request(action=A.RELAY, number=held.number, text=text, files=self.inbound.files)
            )
        hand.step(A.ADD, detail={"text": text, "why": why})
        if held.status == Status.NEW and not held.settled:
            self._learn(hand)
            if self._phone and held.site is None and hand.ticket.site is not None:
                # The question went to a telephone: no card there shows that its answer was read.
                hand.answer(MessageAdded(number=held.number, symptom=held.symptom))
        elif held.status == Status.WAITING_USER:
            hand.step(A.RESUME)
            self._tell_holder(hand, text)
        else:
            self._tell_holder(hand, text)
        if why == "recent":
            hand.answer(
                MessageAdded(number=held.number, symptom=held.symptom),
                choices=(hand.choice(A.DETACH, str(self.inbox_id or "")),),
            )
        return Outcome("added", hand.save())

    def _after_the_end(self, ticket: Ticket) -> Outcome:
        """A word after closing re-opens while that is allowed; later it is a new ticket (R-041).

        Whoever waits for the answer to a complaint is still complaining.
        """
        complaint = grievances.unsettled(self.tx, ticket.id, grievances.COMPLAINT)
        if complaint is not None and complaint.state == "open":
            self._keep(ticket.id)
            return self.perform(Request(action=A.COMPLAIN, number=ticket.number, text=self.text))
        closed = ticket.closed_at
        fresh = closed is not None and self.now - closed <= self.desk.rules.reopen
        if ticket.status == Status.CLOSED and fresh:
            self._keep(ticket.id)
            return self.perform(Request(action=A.REOPEN, number=ticket.number, text=self.text))
        return self.report(after=ticket)

    def _learn(self, hand: InHand) -> None:
        """More words while the ticket settles: read all of them together again."""
        symptom = " ".join(
            part for part in (hand.ticket.symptom, mask_passwords(self.text)) if part
        )
        hand.change(symptom=symptom, **_corrected(hand.ticket, self._understand(symptom)))

    def _tell_holder(self, hand: InHand, text: str) -> None:
        notice = RequesterSays(number=hand.ticket.number, requester=self.person.name, text=text)
        if hand.assignee is not None:
            hand.tell(hand.assignee, notice)
        elif hand.ticket.settled:
            hand.tell_role(notice, Role.DESK_AGENT)

    def report(self, after: Ticket | None = None) -> Outcome:
        """One message is a report: the ticket exists once the message is stored (promise 1)."""
        hand = self._opened(after)
        self._keep(hand.ticket.id)
        self._acknowledge(hand, self._read)
        if self._read.severity == "P1":
            settle_ticket(hand)
        else:
            hand.later("settle", self._settling(hand))
        return Outcome("opened", hand.save())

    def _opened(self, after: Ticket | None = None) -> InHand:
        return open_ticket(
            self.tx,
            self.desk,
            self._read,
            requester=self.person,
            text=mask_passwords(self._matter) or _files_in_words(self.inbound),
            origin=self.inbound.channel,
            by=self.guest.actor,
            now=self.now,
            at=self.inbound.occurred_at,
            opened_at=self.inbound.received_at,
            cause=self.event,
            after=after,
            also=self._origin(),
        )

    @property
    def _matter(self) -> str:
        """What is reported: a subject says it, unless the text begins with the same words."""
        subject = self.inbound.subject
        if not subject or self.text.startswith(subject):
            return self.text
        return f"{subject}\n{self.text}".strip()

    def _origin(self) -> dict[str, Value]:
        """Whatever else decided about a new ticket, for /why."""
        if self.inbound.automatic:  # a machine's words ring nobody before a person has read them
            return {"automatic": self.inbound.detail.get("automatic", ""), "certainty": 0.0}
        number = self.inbound.detail.get("number", "")
        return {"related": number} if serial_of(number) else {}

    def _settling(self, hand: InHand) -> timedelta:
        rules = self.desk.rules
        return rules.site_answer if hand.ticket.asked else rules.settle

    def _acknowledge(self, hand: InHand, read: Understanding) -> None:
        ticket = hand.ticket
        asked_already = "site" in self._asked
        asks = ticket.site is None and read.mode == "onsite" and not asked_already
        if not (asks and self._says_all_at_once):
            self._say_opened(hand)
        if asks:
            # The only question that routing cannot do without, asked once.
            hand.change(asked="site")
            hand.answer(
                AskSite(number=ticket.number),
                choices=[hand.choice(A.SET_SITE, code) for code in hand.book.sites],
            )
        if mask_passwords(self.text) != self.text:
            hand.answer(PasswordSeen(number=ticket.number))

    @property
    def _says_all_at_once(self) -> bool:
        """Without buttons the question acknowledges too: one text or one mail instead of two.
        Reviewed templates know no such question."""
        can = self.desk.channels.get(self.inbound.channel)
        return can is not None and not can.buttons and not can.templates_only

    def _say_opened(self, hand: InHand) -> None:
        ticket, language = hand.ticket, language_of(self.person)
        hand.answer(
            TicketOpened(
                number=ticket.number,
                symptom=ticket.symptom,
                site=hand.book.site_name(ticket.site, language),
                device=ticket.device,
                category=ticket.category,
                priority=ticket.priority,
            ),
            audience="requester",
        )

    # -- small things

    @cached_property
    def _read(self) -> Understanding:
        return self._understand(self.text)

    def _understand(self, text: str) -> Understanding:
        whole = f"{self.inbound.subject}\n{text}" if self.inbound.subject else text
        return understand(
            self.tx,
            self.desk,
            self.person,
            whole,
            channel=self.inbound.channel,
            asked=self._asked,
            files=len(self.inbound.files),
        )

    def _hand(self, ticket: Ticket) -> InHand:
        return InHand(
            self.tx,
            self.desk,
            ticket,
            by=self.guest.actor,
            now=self.now,
            at=self.inbound.occurred_at,
            cause=self.event,
        )

    def _keep(self, ticket_id: int | None) -> None:
        """The message, whole, and its files as wishes for a worker to fetch."""
        inbound = self.inbound
        message = Message(
            ticket_id=ticket_id,
            person_id=self.person.id,
            channel=inbound.channel,
            account=inbound.account,
            external_id=inbound.message_id,
            album=inbound.album,
            inbox_id=self.inbox_id,
            text=mask_passwords(self.text),
            full_text=mask_passwords(inbound.full_text),
            at=inbound.occurred_at,
            received_at=inbound.received_at,
        )
        if not inbound.files:
            self.tx.add(message)
            return
        kept = self.tx.insert(message)
        for file in inbound.files:
            self.tx.add(
                StoredFile(
                    ticket_id=ticket_id,
                    message_id=kept.id,
                    channel=inbound.channel,
                    account=inbound.account,
                    kind=file.kind,
                    name=file.name,
                    type=file.type,
                    size=file.size,
                    source=file.source,
                    sha256=file.sha256,
                    state="stored" if file.sha256 else "wanted",
                )
            )

    def perform(self, request: Request) -> Outcome:
        return perform(self.tx, self.desk, request, self.guest.actor, self.now, cause=self.event)

    def _refuse(self, refusal: NoSuchTicket) -> Outcome:
        self.say(Refused(reason=refusal.kind, detail=str(refusal.params.get("number", ""))))
        return Outcome(refusal.kind, None, refusal.params, refused=True)

    def say(
        self, notice: Notice, *, choices: list[Choice] | None = None, files: tuple[File, ...] = ()
    ) -> Outcome:
        """Answer on the same way, without a ticket."""
        if self.guest.reply is None:
            return Outcome(notice.kind)
        tell(
            self.tx,
            self.desk,
            self.person,
            notice,
            event=self.event,
            now=self.now,
            choices=choices or (),
            files=files,
            reply=self.guest.reply,
        )
        return Outcome(notice.kind)

    def status(self, number: str | None) -> Outcome:
        """How is my ticket: in one message, on any channel (R-044)."""
        if number is not None:
            serial = serial_of(number)
            ticket = self.tx.get(Ticket, serial) if serial else None
            if ticket is None or not self.takes_part(ticket):
                return self._refuse(NoSuchTicket(number=number))
            tickets = [ticket]
        else:
            tickets = [*self.mine(), *self._complained_about()][:LIST_LIMIT]
        if not tickets:
            return self.say(NoTickets())
        for ticket in tickets:
            self._say_status(ticket)
        return Outcome("ticket_status", tickets[0])

    def _say_status(self, ticket: Ticket) -> None:
        hand = self._hand(ticket)
        stands = {one.kind: one.state for one in grievances.of_ticket(self.tx, ticket.id)}
        hand.answer(
            TicketStatus(
                number=ticket.number,
                status=ticket.status,
                symptom=ticket.symptom,
                engineer=hand.assignee.name if hand.assignee else "",
                due=ticket.due_at,
                complaint=stands.get(grievances.COMPLAINT, ""),
                deviation=stands.get(grievances.DEVIATION, ""),
            )
        )

    def _complained_about(self) -> list[Ticket]:
        """Closed tickets on which this person still waits for an answer."""
        waiting = self.tx.find(Grievance, person_id=self.person.id, state="open")
        ids = tuple({one.ticket_id for one in waiting})
        found = self.tx.find(Ticket, order="-id", id=ids) if ids else []
        return [ticket for ticket in found if not ticket.is_open]


def _chosen(letter: OutboxRow, digit: int) -> dict[str, object]:
    """Choices are numbered in their order; a survey's go by their score."""
    for choice in letter.choices:
        if choice["action"] == A.RATE and choice["arg"] == str(digit):
            return dict(choice)
    return dict(letter.choices[digit - 1])


def _corrected(ticket: Ticket, read: Understanding) -> dict[str, object]:
    """What a new reading of all the words changes; what a person set by hand stays."""
    changes: dict[str, object] = {
        "category": read.category or ticket.category,
        "device": read.device or ticket.device,
        "mode": read.mode or ticket.mode,
    }
    if read.site != "?" and ticket.site is None:
        changes["site"] = read.site
    if read.severity < ticket.severity:  # P1 sorts before P4: only worse news counts
        changes["severity"] = changes["priority"] = read.severity
    return changes


def _files_in_words(inbound: Inbound) -> str:
    kinds = sorted({file.kind for file in inbound.files})
    return " ".join(f"[{kind}]" for kind in kinds) or ("[location]" if inbound.location else "")
