"""One message: whose it is, what the person has going on, what was understood of it."""

from dataclasses import replace
from datetime import datetime
from functools import cached_property

from core import pins, prompts
from core.desk import Desk
from core.errors import Refusal
from core.guests import Guest
from core.in_hand import InHand
from core.lifecycle import OPEN, Action, Status
from core.messages import Choice, File, Inbound
from core.notices.answers import refused
from core.notices.notice import Notice
from core.notices.requester import PasswordSeen
from core.numbers import serial_of
from core.opening import understand
from core.ports import Tx
from core.requests import Outcome, Request
from core.rows import Sent
from core.telling import tell
from core.ticket import Message, Offer, StoredFile, Ticket
from core.understand.reading import Understanding
from core.understand.secrets import mask_passwords
from core.work import perform

LIST_LIMIT = 8
OPEN_ONES = tuple(OPEN)
AT_WORK = tuple(OPEN - {Status.RESOLVED, Status.CONFIRMED})


class Hearing:
    """One message within a transaction, and what every sign of its meaning needs."""

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
        self.kept = 0  # the message, once it is kept, where files came with it
        self.event = f"in{inbox_id or inbound.external_id}"

    @property
    def phone(self) -> prompts.Telephone | None:
        """The telephone, where nothing but the order of things tells what is answered."""
        can = self.desk.channels.get(self.inbound.channel)
        if can is None or not prompts.is_keypad(can):
            return None
        return prompts.Telephone(self.inbound.channel, self.inbound.sender)

    def vouch(self, number: str, action: Action, pin: str = "") -> Outcome | None:
        """A number is a claim. The PIN proves it, and so does answering what was asked there.

        A wrong PIN is an outcome of its own: nothing else is done with that text.
        """
        phone = self.phone if self.guest.address.verified_at else None
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

    @cached_property
    def asked(self) -> frozenset[str]:
        """Slots that were asked in this person's open tickets, on whatever channel (R-012)."""
        return frozenset(ticket.asked for ticket in self.mine() if ticket.asked)

    @property
    def matter(self) -> str:
        """What is reported: a subject says it, unless the text begins with the same words."""
        subject = self.inbound.subject
        if not subject or self.text.startswith(subject):
            return self.text
        return f"{subject}\n{self.text}".strip()

    @cached_property
    def read(self) -> Understanding:
        return self.understand(self.text)

    @cached_property
    def open_reports(self) -> list[Ticket]:
        return self._reports(OPEN_ONES)

    def _reports(self, statuses: tuple[Status, ...], many: int = LIST_LIMIT) -> list[Ticket]:
        """The person's own, newest first."""
        return self.tx.find(
            Ticket, order="-id", limit=many, requester_id=self.person.id, status=statuses
        )

    @property
    def latest_at_work(self) -> Ticket | None:
        """The newest report whose trouble nobody has called over."""
        at_work = [ticket for ticket in self.open_reports if ticket.status in AT_WORK]
        if not at_work and len(self.open_reports) == LIST_LIMIT:  # there may be older ones
            at_work = self._reports(AT_WORK, many=1)
        return next(iter(at_work), None)

    def mine(self, statuses: tuple[Status, ...] = OPEN_ONES) -> list[Ticket]:
        """What the person has to do with: own reports, jobs held, jobs offered."""
        tx, person = self.tx, self.person
        found = self.open_reports if statuses == OPEN_ONES else self._reports(statuses)
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

    def takes_part(self, ticket: Ticket) -> bool:
        """A stranger who quotes a number does not get into a ticket."""
        return self.person.is_staff or ticket.requester_id == self.person.id

    def ticket_named(self, number: str) -> Ticket | None:
        """A number anybody could have written counts only from somebody who takes part."""
        serial = serial_of(number)
        ticket = self.tx.get(Ticket, serial) if serial else None
        return ticket if ticket is not None and self.takes_part(ticket) else None

    def of_thread(self) -> Ticket | None:
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

    def understand(self, text: str) -> Understanding:
        whole = f"{self.inbound.subject}\n{text}" if self.inbound.subject else text
        return understand(
            self.tx,
            self.desk,
            self.person,
            whole,
            channel=self.inbound.channel,
            asked=self.asked,
            files=len(self.inbound.files),
        )

    def hand(self, ticket: Ticket) -> InHand:
        return InHand(
            self.tx,
            self.desk,
            ticket,
            by=self.guest.actor,
            now=self.now,
            at=self.inbound.occurred_at,
            cause=self.event,
        )

    def keep(self, ticket_id: int | None, *, shown_to: str = "") -> None:
        """The message, whole, and its files as wishes for a worker to fetch."""
        if self.inbound.files:
            kept = self.tx.insert(self._message(ticket_id))
            self._want_files(kept, shown_to)
            self.kept = kept.id
        else:
            self.tx.add(self._message(ticket_id))

    def keep_apart(self) -> Message:
        """The same for words that wait for their ticket."""
        kept = self.tx.insert(self._message(None))
        self._want_files(kept)
        return kept

    def _message(self, ticket_id: int | None) -> Message:
        inbound = self.inbound
        return Message(
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

    def _want_files(self, kept: Message, shown_to: str = "") -> None:
        for file in self.inbound.files:
            self.tx.add(
                StoredFile(
                    ticket_id=kept.ticket_id,
                    message_id=kept.id,
                    channel=kept.channel,
                    account=kept.account,
                    kind=file.kind,
                    name=file.name,
                    type=file.type,
                    size=file.size,
                    source=file.source,
                    sha256=file.sha256,
                    state="stored" if file.sha256 else "wanted",
                    shown_to=shown_to,
                )
            )

    def perform(self, request: Request) -> Outcome:
        """The action that was meant, with the words that came with it but for passwords (R-112)."""
        masked = replace(request, text=mask_passwords(request.text), message=self.kept)
        by, now = self.guest.actor, self.now
        outcome = perform(self.tx, self.desk, masked, by, now, cause=self.event)
        if masked.text != request.text:
            self.say(PasswordSeen(number=request.number))
        return outcome

    def refuse(self, refusal: Refusal) -> Outcome:
        self.say(refused(refusal))
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
