"""The contract's clocks on a ticket: attached by policy, read from the journal, warned by timers.

core/sla does the reckoning and knows no ticket; here its answers become rows, timers and letters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.lifecycle import Action
from core.messages import Choice, Value
from core.notices import SlaBreach, SlaWarning
from core.people import Person, Role
from core.rows import TicketClocks, VerdictRow
from core.sla.clock import Mark, Reading, State, read
from core.sla.ladder import Kind, Warning, next_at, promise_in, to_send, warnings
from core.sla.policy import Attached, Facts, Policy, policy_on, zone_now
from core.sla.verdict import verdict
from core.telling import language_of
from core.ticket import Offer, Step

if TYPE_CHECKING:
    from core.in_hand import InHand

TIMER = "clock"
ROLES: Mapping[str, Role] = {
    "desk": Role.DESK_AGENT,
    "supervisor": Role.SUPERVISOR,
    "manager": Role.PROJECT_MANAGER,
    "quality": Role.QUALITY,
    "escalation_centre": Role.ESCALATION_CENTRE,
}
# For the clocks these are what others call by another name.
EVENTS = {Action.NOT_A_FAULT: "cancel"}
Kept = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Running:
    """One clock of the ticket, as it reads now."""

    attached: Attached
    reading: Reading
    planned: list[Warning]
    fired: frozenset[str]
    attached_at: datetime | None

    @property
    def milestone(self) -> str:
        return self.attached.clock.milestone

    def name(self, warning_name: str) -> str:
        return f"{self.reading.cycle}:{warning_name}"


def renew(hand: "InHand") -> None:
    """After a step: read every clock again, set the next look, write what was decided."""
    kept = None if hand.is_new else hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    if policy is None:
        return
    running = _running(hand, policy, kept)
    _save(hand, policy, kept, running)


def look(hand: "InHand") -> None:
    """A moment of some clock has come: warn whoever can still do something about it."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    if kept is None or policy is None:
        return
    running = [_warn(hand, clock) for clock in _running(hand, policy, kept)]
    _save(hand, policy, kept, running)


def readings(hand: "InHand") -> list[Running]:
    """How the ticket's clocks stand now, for /why, the board and the forecast."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    return _running(hand, policy, kept) if policy else []


def _policy(hand: "InHand", kept: TicketClocks | None) -> Policy | None:
    policies = hand.desk.policies
    if kept is not None:
        found = next((policy for policy in policies if policy.version == kept.policy), None)
        if found is not None:
            return found
    opened = hand.ticket.opened_at.astimezone(hand.desk.rules.zone).date()
    return policy_on(policies, opened)


def facts(hand: "InHand") -> Facts:
    site = hand.book.sites.get(hand.ticket.site or "")
    resident = hand.desk.calendars["resident"]
    return Facts(
        zone=zone_now(site.zone, resident.is_open(hand.now)) if site else "",
        priority=hand.ticket.priority,
        vip=hand.ticket.vip,
        category=hand.ticket.category,
        mode=hand.ticket.mode,
        site_kind=site.kind if site else "",
    )


def marks(history: Iterable[Step]) -> list[Mark]:
    """The journal as the clocks see it."""
    return [
        Mark(
            at=step.at,
            entered_at=step.entered_at,
            event=EVENTS.get(Action(step.action), step.action),
            status=step.to_status,
            actor_role=step.actor_role,
            channel=step.channel,
            ref=step.seq,
            detail=step.detail,
        )
        for step in history
    ]


def _running(hand: "InHand", policy: Policy, kept: TicketClocks | None) -> list[Running]:
    told = marks(hand.history)
    events = {mark.event for mark in told}
    states = kept.states if kept else {}
    found = []
    for milestone, attached in policy.clocks(facts(hand)).items():
        if not attached.clock.starts & events:
            continue
        state = states.get(milestone, {})
        attached_at = _attached_at(hand, attached, state)
        calendar = hand.desk.calendars[attached.clock.calendar]
        reading = read(told, attached.clock, calendar, hand.now, attached_at=attached_at)
        promise = promise_in(told, reading)
        planned = warnings(reading, attached.clock, calendar, promise)
        fired = frozenset(str(state.get("fired", "")).split())
        found.append(Running(attached, reading, planned, fired, attached_at))
    return found


def _attached_at(hand: "InHand", attached: Attached, state: Kept) -> datetime | None:
    """When this very target came to the ticket, if it had another one before (clock rule 10)."""
    if not state:
        return None
    if state.get("rule") == attached.rule:
        at = state.get("attached_at")
        return datetime.fromisoformat(str(at)) if at else None
    return hand.now


def _save(
    hand: "InHand", policy: Policy, kept: TicketClocks | None, running: list[Running]
) -> None:
    for clock in running:
        _write_verdict(hand, policy, clock)
    following = min((at for clock in running if (at := _next(clock)) is not None), default=None)
    states = {clock.milestone: _state(clock) for clock in running}
    row = TicketClocks(
        ticket_id=hand.ticket.id, policy=policy.version, states=states, next_at=following
    )
    if kept is None:
        hand.tx.add(row)
    elif row != kept:
        hand.tx.update(kept, states=states, next_at=following)
    if following is None:
        hand.cancel_timers(TIMER)
    elif kept is None or kept.next_at != following or kept.next_at <= hand.now:
        hand.timer(TIMER, following)
    hand.change(due_at=_nearest(running))


def _next(clock: Running) -> datetime | None:
    if not clock.reading.ticking:
        return None
    fired = {name.partition(":")[2] for name in clock.fired if name.startswith(_cycle(clock))}
    return next_at(clock.planned, fired)


def _cycle(clock: Running) -> str:
    return f"{clock.reading.cycle}:"


def _state(clock: Running) -> dict[str, Value]:
    reading = clock.reading
    return {
        "rule": clock.attached.rule,
        "cycle": reading.cycle,
        "state": str(reading.state),
        "due": reading.due.isoformat() if reading.due else None,
        "attached_at": clock.attached_at.isoformat() if clock.attached_at else None,
        "fired": " ".join(sorted(clock.fired)),
    }


def _nearest(running: Iterable[Running]) -> datetime | None:
    """The deadline that a card shows: the arrival while somebody has to come, else the nearest."""
    due = {
        clock.milestone: clock.reading.due
        for clock in running
        if clock.attached.clock.contract and clock.reading.state is State.RUNNING
    }
    arrival = due.get("onsite_arrival")
    return arrival or min((at for at in due.values() if at is not None), default=None)


# -- verdicts


def _write_verdict(hand: "InHand", policy: Policy, clock: Running) -> None:
    calendar = hand.desk.calendars[clock.attached.clock.calendar]
    opened = calendar.local(clock.reading.started or hand.now).date()
    told = verdict(
        clock.reading,
        clock.attached.clock,
        policy=policy.version,
        rule=clock.attached.rule,
        calendar_version=calendar.version(opened).label,
    )
    if told is None:
        return
    written = hand.tx.find(
        VerdictRow,
        order="id",
        ticket_id=hand.ticket.id,
        milestone=told.milestone,
        cycle=told.cycle,
    )
    if any(row.final for row in written) or (written and not told.final):
        return
    values = asdict(told) | {"outcome": str(told.outcome), "target_source": str(told.target_source)}
    if written:  # broken before it stopped: the outcome stays, now the seconds are known
        values |= {"corrects": written[0].id, "why": "stopped"}
    hand.tx.add(VerdictRow(ticket_id=hand.ticket.id, written_at=hand.now, **values))


# -- warnings


def _warn(hand: "InHand", clock: Running) -> Running:
    """Send the one warning that counts now; what it settles never fires again."""
    mine = {name.partition(":")[2] for name in clock.fired if name.startswith(_cycle(clock))}
    warning, settled = to_send(clock.planned, mine, hand.now)
    if warning is None:
        return clock
    for audience in warning.audience:
        for person in _audience(hand, audience):
            _tell(hand, clock, warning, person)
    fired = clock.fired | {clock.name(name) for name in settled}
    return Running(clock.attached, clock.reading, clock.planned, fired, clock.attached_at)


def _audience(hand: "InHand", name: str) -> list[Person]:
    if name == "engineer":
        holder = hand.assignee
        if holder is not None:
            return [holder]
        asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
        return [p for offer in asked if (p := hand.person(offer.person_id))]
    return hand.book.with_role(ROLES[name])


def _tell(hand: "InHand", clock: Running, warning: Warning, person: Person) -> None:
    broken = warning.kind is not Kind.SOON
    made = SlaBreach if broken else SlaWarning
    due = clock.reading.due or warning.at
    holder = hand.assignee
    hand.tell(
        person,
        made(
            number=hand.ticket.number,
            milestone=clock.milestone,
            site=hand.book.site_name(hand.ticket.site, language_of(person)),
            holder=holder.name if holder else "",
            due=due,
            late=_minutes(hand.now - warning.at) if warning.late else "",
        ),
        choices=_choices(hand, person),
        audience="",
        not_before=_not_before(hand, clock, person),
    )


def _choices(hand: "InHand", person: Person) -> tuple[Choice, ...]:
    choices = [hand.choice(Action.ACKNOWLEDGE, style="primary")]
    if person.has(Role.DESK_AGENT, Role.SUPERVISOR):
        choices += [hand.choice(Action.REASSIGN), hand.choice(Action.CALL)]
    return tuple(choices)


def _not_before(hand: "InHand", clock: Running, person: Person) -> datetime | None:
    """A clock that never rests wakes people; any other waits for the receiver's own hours."""
    calendar = hand.desk.calendars[clock.attached.clock.calendar]
    if calendar.round_the_clock or not (person.duty or person.on_call):
        return None
    rota, code = hand.book.rota(hand.now), person.code or ""
    if rota.duty(code, hand.now) is not None:
        return None
    following = rota.next_duty(code, hand.now)
    return following.starts if following else None


def _minutes(late: timedelta) -> str:
    return str(int(late / timedelta(minutes=1)))
