"""A ticket in somebody's hand: steps written, people told, timers set, and all saved at once."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from core import clocks, looks
from core.actions import Relation
from core.desk import Desk
from core.lifecycle import ASIDE, LIFE, Action, Status, after
from core.messages import Choice, File, Value
from core.notices.notice import Notice
from core.people import Person, Role
from core.ports import Tx
from core.register import Book
from core.rows import TimerRow
from core.telling import Reply, has_card, language_of, tell
from core.ticket import Card, Offer, Step, Ticket, came_from, chained


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and how they told us. Nobody: the desk itself."""

    person: Person | None = None
    role: str = "system"
    channel: str = ""
    proven: bool = True  # False: the sender is a claim, so staff actions are closed (design §8)
    reply: Reply | None = None
    sees_outcome: bool = False  # as a toast under the finger, on a page: then no letter repeats it

    @property
    def id(self) -> int | None:
        return self.person.id if self.person else None


SYSTEM = Actor()
CHAIN = frozenset({"version", "head", "entered_at"})  # move with every step; no card shows them


class InHand:
    """One ticket within one transaction."""

    def __init__(
        self,
        tx: Tx,
        desk: Desk,
        ticket: Ticket,
        *,
        by: Actor = SYSTEM,
        now: datetime,
        at: datetime | None = None,
        is_new: bool = False,
        cause: str = "",
    ) -> None:
        """`cause` names what set this off, the same on every run: an inbox row or a timer."""
        self.tx, self.desk, self.ticket, self.by = tx, desk, ticket, by
        # A wall clock that was put back must not make a journal run backwards.
        self.now = now = max(now, ticket.entered_at or ticket.changed_at)
        self.at = min(at or now, now)  # when it happened, which is never after it was told
        self._before = ticket
        self.is_new = is_new
        self._cause = cause or secrets.token_hex(6)
        self._told = 0
        self._steps: list[Step] = []

    @cached_property
    def _stored(self) -> list[Step]:
        if self.is_new:
            return []
        return self.tx.find(Step, order="seq", ticket_id=self.ticket.id)

    def as_of(self, history: list[Step], ticket: Ticket) -> "InHand":
        """The same ticket at an earlier step of its journal, to be read and never saved."""
        now = history[-1].entered_at
        past = InHand(self.tx, self.desk, replace(ticket, entered_at=now), now=now)
        past._stored = history
        return past

    @property
    def history(self) -> list[Step]:
        return [*self._stored, *self._steps]

    @cached_property
    def book(self) -> Book:
        return self.desk.register.open(self.tx)

    @property
    def subject(self) -> str:
        return f"ticket/{self.ticket.id}"

    def person(self, person_id: int | None) -> Person | None:
        if person_id is None:
            return None
        return self.book.staff.get(person_id) or self.tx.get(Person, person_id)

    @cached_property
    def requester(self) -> Person:
        found = self.tx.get(Person, self.ticket.requester_id)
        assert found is not None, self.ticket
        return found

    @property
    def assignee(self) -> Person | None:
        return self.person(self.ticket.assignee_id)

    @property
    def by_requester(self) -> bool:
        return self.by.id == self.ticket.requester_id

    def site_name(self, reader: Person) -> str:
        return self.book.site_name(self.ticket.site, language_of(reader))

    # -- what happens to it

    def step(
        self,
        action: Action,
        *,
        arg: str = "",
        detail: Mapping[str, Value] | None = None,
        at: datetime | None = None,
        to: Status | None = None,
        by: Actor | None = None,
        **changes: object,
    ) -> None:
        """Write one line of the journal and move the ticket. Raises IllegalMove (R-036).

        `by`: where it is not whoever acts, but the desk for them.
        """
        ticket, by = self.ticket, by or self.by
        back = LIFE[action].back if action in LIFE else False
        origin = came_from(self.history, ticket.status) if back else None
        status = to or after(ticket.status, action, arg=arg, came_from=origin)
        told = {"arg": arg, **(detail or {})} if arg else dict(detail or {})
        step = chained(
            Step(
                ticket_id=ticket.id,
                seq=ticket.version + 1,
                at=at or self.at,
                entered_at=self.now,
                actor_id=by.id,
                actor_role=by.role,
                channel=by.channel,
                action=action,
                from_status="" if self.is_new and not self._steps else ticket.status,
                to_status=status,
                detail=told,
            ),
            ticket.head,
        )
        self._steps.append(step)
        self.ticket = replace(
            ticket,
            status=status,
            version=step.seq,
            head=step.hash,
            entered_at=self.now,
            changed_at=ticket.changed_at if action in ASIDE else self.now,
            **changes,  # type: ignore[arg-type]
        )

    def change(self, **changes: object) -> None:
        """Correct what the ticket says; the step that explains it is the caller's."""
        self.ticket = replace(self.ticket, **changes)  # type: ignore[arg-type]

    # -- who hears of it

    def tell(
        self,
        person: Person | None,
        notice: Notice,
        *,
        choices: Iterable[Choice] = (),
        files: Iterable[File] = (),
        audience: str = "",
        to_actor: bool = False,
        only: str = "",
        not_before: datetime | None = None,
    ) -> int:
        """Letters to one person. `to_actor`: an answer to what was just done, on the same way."""
        if person is None:
            return 0
        if audience and not notice.loud and has_card(self.tx, self.ticket.id, person.id, audience):
            return 0
        self._told += 1
        return tell(
            self.tx,
            self.desk,
            person,
            notice,
            event=f"{self.ticket.number}.{self._cause}.{self._told}",
            now=self.now,
            choices=choices,
            files=files,
            ticket=self.ticket,
            reply=self.by.reply if to_actor else None,
            audience=audience,
            only=only,
            not_before=not_before,
        )

    def answer(self, notice: Notice, *, choices: Iterable[Choice] = (), audience: str = "") -> None:
        """Tell whoever acts, where they acted."""
        if self.by.person is None or self.by.reply is None or (notice.echo and self._on_card()):
            return
        self.tell(self.by.person, notice, choices=choices, audience=audience, to_actor=True)

    def _on_card(self) -> bool:
        """Whether the live card itself was pressed: it is drawn again, with what comes next."""
        reply = self.by.reply
        if reply is None or not reply.pressed:
            return False
        card = self.tx.first(
            Card,
            ticket_id=self.ticket.id,
            channel=reply.channel,
            address=reply.address,
            message_id=reply.pressed,
        )
        return card is not None

    def tell_role(
        self, notice: Notice, *roles: Role, choices: Iterable[Choice] = (), audience: str = ""
    ) -> int:
        """Those of the roles who are on duty; with nobody on, all of them; never the actor."""
        people = self.book.with_role(*roles)
        on = self.book.on_duty_or_all(people, self.now)
        chosen = tuple(choices)
        return sum(
            self.tell(person, notice, choices=chosen, audience=audience)
            for person in on
            if person.id != self.by.id
        )

    def choice(self, action: Action, arg: str = "", style: str = "") -> Choice:
        return Choice(action=action, arg=arg, ticket=self.ticket.number, style=style)

    def interventions(self) -> tuple[Choice, ...]:
        """What the desk can do about a promise in danger."""
        return (
            self.choice(Action.ACKNOWLEDGE, style="primary"),
            self.choice(Action.REASSIGN),
            self.choice(Action.CALL_ENGINEER),
        )

    # -- what happens later

    def timer(self, kind: str, due_at: datetime, *, subject: str = "", **payload: Value) -> None:
        """A deadline of this ticket. A pending one of the same kind and subject gives way."""
        subject = subject or self.subject
        if self.is_new:
            self.tx.add(TimerRow(kind=kind, subject=subject, due_at=due_at, payload=payload))
        else:
            looks.instead(self.tx, kind, subject, due_at, **payload)

    def timer_again(self, kind: str, due_at: datetime) -> None:
        """The next deadline of the only timer of its kind, which has just fired."""
        self.tx.add(TimerRow(kind=kind, subject=self.subject, due_at=due_at))

    def later(self, kind: str, delay: timedelta, *, subject: str = "", **payload: Value) -> None:
        self.timer(kind, self.now + delay, subject=subject, **payload)

    def cancel_timers(self, *kinds: str, subject: str = "") -> None:
        where: dict[str, object] = {"subject": subject or self.subject, "state": "pending"}
        if kinds:
            where["kind"] = kinds
        if not self.is_new:
            self.tx.update_where(TimerRow, where, state="cancelled")

    # -- the end

    def save(self) -> Ticket:
        """Ticket, journal and clocks, once; every card of it wants to be drawn again."""
        moved = any(step.action not in ASIDE for step in self._steps)
        if moved:
            clocks.renew(self)
        for step in self._steps:
            self.tx.add(step)
        if self.is_new:
            self.tx.add(self.ticket)
        else:
            changed = {
                name: value
                for name in self.ticket.__slots__
                if (value := getattr(self.ticket, name)) != getattr(self._before, name)
            }
            if changed:
                self.tx.update_where(Ticket, {"id": self.ticket.id}, **changed)
            if moved or changed.keys() - CHAIN:
                self.tx.ask("want_cards", ticket=self.ticket.id, version=self.ticket.version)
        return self.ticket


def relations(tx: Tx, ticket: Ticket, person: Person) -> set[Relation]:
    """What the person has to do with the ticket."""
    found = {Relation.ANY}
    if ticket.requester_id == person.id:
        found.add(Relation.OWN)
    if ticket.assignee_id == person.id:
        found.add(Relation.JOB)
    offer = tx.first(Offer, ticket_id=ticket.id, person_id=person.id, state="open")
    if offer is not None:
        found.add(Relation.OFFERED)
    return found
