"""The contract's clocks on a ticket: attached by policy, read from the journal, warned by timers.

core/sla does the reckoning and knows no ticket; here its answers become rows, timers and letters.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from core import alarms, verdicts
from core.alarms import Alarm
from core.lifecycle import ASIDE, Action
from core.messages import Value
from core.rows import OutboxRow, TicketClocks
from core.sla.clock import Mark, Reading, State, read_all
from core.sla.ladder import (
    Kind,
    Warning,
    moment_in,
    promise_in,
    read_line,
    to_send,
    warnings,
    written,
)
from core.sla.policy import Attached, Facts, Policy, policy_on, zone_now
from core.ticket import Step

if TYPE_CHECKING:
    from core.in_hand import InHand

TIMER = "clock"
# For the clocks these are what others call by another name.
EVENTS: Mapping[str, str] = {
    Action.NOT_A_FAULT: "cancel",
    Action.COMPLAIN: "complaint",
    Action.ANSWER_COMPLAINT: "complaint_answered",
    Action.WITHDRAW_COMPLAINT: "complaint_withdrawn",
    Action.NOTE_DEVIATION: "deviation_notice",
    Action.FILE_PLAN: "deviation_plan_sent",
    Action.WITHDRAW_DEVIATION: "deviation_withdrawn",
}
# Steps that people report late, "到达 14:05": they keep both times.
CLAIMABLE = frozenset({Action.DEPART, Action.ARRIVE, Action.START_WORK, Action.CALL})
Kept = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Running:
    """One clock of the ticket, as it reads now."""

    attached: Attached
    cycles: list[Reading]
    planned: list[Warning]
    fired: frozenset[str]
    attached_at: datetime | None

    @property
    def reading(self) -> Reading:
        return self.cycles[-1]

    @property
    def milestone(self) -> str:
        return self.attached.clock.milestone

    @property
    def heard(self) -> frozenset[str]:
        """Names of this cycle's warnings that were sent, or that need not be sent any more."""
        mine = f"{self.reading.cycle}:"
        return frozenset(name.removeprefix(mine) for name in self.fired if name.startswith(mine))

    def settled(self, names: Iterable[str]) -> "Running":
        return replace(self, fired=self.fired | {f"{self.reading.cycle}:{name}" for name in names})


def renew(hand: "InHand") -> None:
    """After a step: read every clock again, set the next look, write what was decided."""
    kept = None if hand.is_new else hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    if policy is None:
        return
    running = [
        _without_alarm_on_return(hand, clock, kept) for clock in _running(hand, policy, kept)
    ]
    _take_back_letters(hand, running, kept)
    _save(hand, policy, kept, running)


def look(hand: "InHand") -> None:
    """A moment of some clock has come: warn whoever can still do something about it.

    Nothing happens to a clock between two moves of its ticket or calendar, and each of these plans
    its warnings anew. So they are sent as planned; the journal is read where a verdict is due.
    """
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    if kept is None or policy is None:
        return
    states, due = dict(kept.states), []
    for milestone, state in kept.states.items():
        warning, states[milestone] = _take(state, hand.now)
        if warning is not None:
            calendar = hand.desk.calendars[str(state["calendar"])]
            due.append(Alarm(milestone, _moment(state, "due"), calendar, warning))
    if not hand.ticket.follows:  # then the clocks of its matter are the ones to hear
        alarms.warn(hand, due)
    late = {alarm.milestone for alarm in due if alarm.due and alarm.due <= hand.now}
    if late:
        verdicts.write(hand, policy, _since(kept, _running(hand, policy, kept, only=late)))
    following = _keep(hand, policy, states, kept)
    if following is not None and following != kept.next_at:
        hand.timer_again(TIMER, following)


def readings(hand: "InHand") -> list[Running]:
    """How the ticket's clocks stand now, for /why, the board and the forecast."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    return _running(hand, policy, kept) if policy else []


def moved(hand: "InHand") -> Iterator[tuple[str, datetime, datetime]]:
    """Running clocks whose deadline is not where it was when they were last read."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    for clock in readings(hand):
        was, due = _moment(_state_of(kept, clock.milestone), "due"), clock.reading.due
        if was and due and clock.reading.ticking and was != due:
            yield clock.milestone, was, due


def pause_needs(hand: "InHand", reason: str) -> frozenset[str]:
    """What the ticket's policy asks for before its clocks may rest for this reason."""
    policy = _policy(hand, hand.tx.get(TicketClocks, hand.ticket.id))
    return policy.pauses.get(reason, frozenset()) if policy else frozenset()


def promise_failed(hand: "InHand") -> bool:
    """Whether a clock that was silenced by a promise wakes, or has woken, because it failed."""
    return any(
        warning.kind is Kind.PROMISE_FAILED
        for clock in readings(hand)
        if clock.reading.ticking
        for warning in clock.planned
    )


def _policy(hand: "InHand", kept: TicketClocks | None) -> Policy | None:
    policies = hand.desk.policies
    if kept is not None:
        found = next((policy for policy in policies if policy.version == kept.policy), None)
        if found is not None:
            return found
    opened = hand.ticket.opened_at.astimezone(hand.desk.rules.zone).date()
    return policy_on(policies, opened)


def facts(hand: "InHand", at: datetime | None = None) -> Facts:
    """What the policy may ask; the zone is that of the hour in which the clock started."""
    at = at or hand.ticket.opened_at
    site = hand.book.sites.get(hand.ticket.site or "")
    resident = hand.desk.calendars["resident"]
    return Facts(
        zone=zone_now(site.zone, resident.is_open(at)) if site else "",
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
            event=EVENTS.get(step.action, step.action),
            status=step.to_status,
            actor_role=step.actor_role,
            channel=step.channel,
            ref=step.seq,
            detail=step.detail,
        )
        for step in history
        if step.action not in ASIDE
    ]


def _running(
    hand: "InHand",
    policy: Policy,
    kept: TicketClocks | None,
    *,
    only: Collection[str] | None = None,
) -> list[Running]:
    told = marks(hand.history)
    events = {mark.event for mark in told}
    opened = facts(hand)
    found = []
    for attached in policy.clocks(opened).values():
        if only is not None and attached.clock.milestone not in only:
            continue
        if not attached.clock.starts & events:
            continue
        clock = _read(hand, attached, told, kept)
        began = facts(hand, clock.reading.started or hand.now)
        if began != opened:
            attached = policy.clocks(began).get(clock.milestone, attached)
            clock = _read(hand, attached, told, kept)
        found.append(clock)
    return found


def _read(
    hand: "InHand", attached: Attached, told: list[Mark], kept: TicketClocks | None
) -> Running:
    clock, calendar = attached.clock, hand.desk.calendars[attached.clock.calendar]
    attached_at = _attached_at(hand, attached, kept)
    cycles = read_all(
        told,
        clock,
        calendar,
        hand.now,
        attached_at=attached_at,
        claims_need_approval=hand.desk.rules.claims_need_approval,
    ) or [Reading(milestone=clock.milestone, state=State.IDLE)]
    planned = warnings(cycles[-1], clock, calendar, promise_in(told, cycles[-1]))
    fired = _names(_state_of(kept, clock.milestone))
    return Running(attached, cycles, planned, fired, attached_at)


def _state_of(kept: TicketClocks | None, milestone: str) -> Kept:
    return kept.states.get(milestone, {}) if kept else {}


def _attached_at(hand: "InHand", attached: Attached, kept: TicketClocks | None) -> datetime | None:
    """When this very target came to the ticket, if the ticket was there before (clock rule 10)."""
    state = _state_of(kept, attached.clock.milestone)
    if kept is not None and state.get("rule") != attached.rule:
        return hand.now
    return _moment(state, "attached_at")


def _without_alarm_on_return(hand: "InHand", clock: Running, kept: TicketClocks | None) -> Running:
    """Nobody is warned at the moment of reopening (clock rule 11)."""
    was = _state_of(kept, clock.milestone)
    returned = was.get("state") == State.STOPPED and was.get("cycle") == clock.reading.cycle
    if not returned or not clock.reading.ticking:
        return clock
    return clock.settled(w.name for w in clock.planned if w.at <= hand.now)


def _take_back_letters(hand: "InHand", running: list[Running], kept: TicketClocks | None) -> None:
    """Alarms that still wait for their receiver's hours are void once somebody has promised
    something, or once the clock has come to its end."""
    promised = hand.history[-1].action == Action.ACKNOWLEDGE
    ended = {
        clock.milestone
        for clock in running
        if not clock.reading.ticking
        and _state_of(kept, clock.milestone).get("state") in {State.RUNNING, State.PAUSED}
    }
    if not promised and not ended:
        return
    for letter in hand.tx.find(
        OutboxRow, ticket_id=hand.ticket.id, kind=alarms.LETTERS, state="pending"
    ):
        if promised or letter.params.get("milestone") in ended:
            hand.tx.update_where(
                OutboxRow,
                {"id": letter.id, "state": "pending"},
                state="dropped",
                settled_at=hand.now,
            )


def _save(
    hand: "InHand",
    policy: Policy,
    kept: TicketClocks | None,
    running: list[Running],
) -> None:
    verdicts.write(hand, policy, _since(kept, running))
    # a clock that the facts took away keeps what it has said, should they bring it back
    before = kept.states if kept else {}
    gone = {name: {**state, "ahead": ""} for name, state in before.items()}
    states = {**gone, **{clock.milestone: _state(clock) for clock in running}}
    following = _keep(hand, policy, states, kept)
    if following is None:
        hand.cancel_timers(TIMER)
    elif kept is None or kept.next_at != following or following <= hand.now:
        hand.timer(TIMER, following)
    hand.change(due_at=_nearest(running))


def _keep(
    hand: "InHand", policy: Policy, states: Mapping[str, Kept], kept: TicketClocks | None
) -> datetime | None:
    """Write down how the clocks stand; when to look at them again."""
    ahead = [lines for state in states.values() if (lines := str(state["ahead"]))]
    following = min(map(moment_in, ahead), default=None)
    if kept is None:
        hand.tx.add(
            TicketClocks(
                ticket_id=hand.ticket.id, policy=policy.version, states=states, next_at=following
            )
        )
    elif (states, following) != (kept.states, kept.next_at):
        hand.tx.update_where(
            TicketClocks, {"ticket_id": hand.ticket.id}, states=states, next_at=following
        )
    return following


def _since(
    kept: TicketClocks | None, running: Iterable[Running]
) -> Iterator[tuple[Attached, Reading]]:
    """Every cycle since the last look, that one included: one that began may have ended one."""
    for clock in running:
        last = _cycle(_state_of(kept, clock.milestone))
        yield from ((clock.attached, one) for one in clock.cycles if one.cycle >= last)


def _moment(state: Kept, name: str) -> datetime | None:
    at = state.get(name)
    return datetime.fromisoformat(str(at)) if at else None


def _cycle(state: Kept) -> int:
    return int(str(state.get("cycle") or 0))


def _state(clock: Running) -> dict[str, Value]:
    reading = clock.reading
    ahead = [w for w in clock.planned if w.name not in clock.heard] if reading.ticking else []
    return {
        "rule": clock.attached.rule,
        "calendar": clock.attached.clock.calendar,
        "cycle": reading.cycle,
        "state": str(reading.state),
        "due": reading.due.isoformat() if reading.due else None,
        "attached_at": clock.attached_at.isoformat() if clock.attached_at else None,
        "fired": "|".join(sorted(clock.fired)),
        "ahead": "|".join(written(ahead)),
    }


def _take(state: Kept, now: datetime) -> tuple[Warning | None, Kept]:
    """The warning of a clock that is to be sent now, and the clock after it."""
    lines, cycle = str(state["ahead"]).split("|"), _cycle(state)
    come = list(takewhile(lambda line: line and moment_in(line) <= now, lines))
    if not come:
        return None, state
    warning, names = to_send([read_line(line, cycle) for line in come], (), now)
    fired = {f"{cycle}:{name}" for name in names} | _names(state)
    following = "|".join(lines[len(come) :])
    return warning, {**state, "fired": "|".join(sorted(fired)), "ahead": following}


def _names(state: Kept) -> frozenset[str]:
    return frozenset(str(state.get("fired", "")).split("|")) - {""}


def _nearest(running: Iterable[Running]) -> datetime | None:
    """The deadline that a card shows: the arrival while somebody has to come, else the nearest."""
    due = {
        clock.milestone: clock.reading.due
        for clock in running
        if clock.attached.clock.contract and clock.reading.state is State.RUNNING
    }
    arrival = due.get("onsite_arrival")
    return arrival or min((at for at in due.values() if at is not None), default=None)
