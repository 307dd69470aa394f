"""The contract's clocks on a ticket: attached by policy, read from the journal, warned by timers.

core/sla does the reckoning and knows no ticket; here its answers become rows, timers and letters.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core import actions
from core.lifecycle import ASIDE, Action
from core.messages import Choice, Value
from core.notices.desk import SlaBreach, SlaLateOnAttach, SlaPromiseFailed, SlaWarning
from core.notices.notice import kind_of
from core.people import Person, Role
from core.ports import Tx
from core.rows import OutboxRow, TicketClocks, VerdictRow
from core.sla.clock import Mark, Reading, State, read_all
from core.sla.errors import SlaRefusal
from core.sla.ladder import Kind, Warning, next_at, promise_in, to_send, warnings
from core.sla.policy import Attached, Facts, Policy, policy_on, zone_now
from core.sla.verdict import Outcome, Verdict, verdict
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
EVENTS: Mapping[str, str] = {
    Action.NOT_A_FAULT: "cancel",
    Action.COMPLAIN: "complaint",
    Action.ANSWER_COMPLAINT: "complaint_answered",
    Action.WITHDRAW_COMPLAINT: "complaint_withdrawn",
    Action.NOTE_DEVIATION: "deviation_notice",
    Action.FILE_PLAN: "deviation_plan_sent",
    Action.WITHDRAW_DEVIATION: "deviation_withdrawn",
}
# What ends a clock, where a single press or text of whoever is warned can do that.
REMEDIES: Mapping[str, Action] = {
    "complaint_answer": Action.ANSWER_COMPLAINT,
    "deviation_plan": Action.FILE_PLAN,
    "callback": Action.CALLBACK_DONE,
}
ALARMS = {
    Kind.SOON: SlaWarning,
    Kind.BREACH: SlaBreach,
    Kind.AFTER_BREACH: SlaBreach,
    Kind.LATE_ON_ATTACH: SlaLateOnAttach,
    Kind.PROMISE_FAILED: SlaPromiseFailed,
}
LETTERS = tuple(sorted({kind_of(notice) for notice in ALARMS.values()}))
# Steps that people report late, "到达 14:05": they keep both times.
CLAIMABLE = frozenset({Action.DEPART, Action.ARRIVE, Action.START_WORK, Action.CALL})
CLAIM = "claim"  # why a verdict was followed by another: a claim was accepted
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
    """A moment of some clock has come: warn whoever can still do something about it."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    if kept is None or policy is None:
        return
    # nothing happens to a clock between its moments, so the others need not be read
    come = {name for name, s in kept.states.items() if (at := _next_at(s)) and at <= hand.now}
    running = _running(hand, policy, kept, only=come)
    due = [(clock, *to_send(clock.planned, clock.heard, hand.now)) for clock in running]
    if not hand.ticket.follows:  # then the clocks of its matter are the ones to hear
        _warn(hand, [(clock, warning) for clock, warning, _ in due if warning is not None])
    _save(hand, policy, kept, [clock.settled(names) for clock, _, names in due], only=come)


def readings(hand: "InHand") -> list[Running]:
    """How the ticket's clocks stand now, for /why, the board and the forecast."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    policy = _policy(hand, kept)
    return _running(hand, policy, kept) if policy else []


def moved(hand: "InHand") -> Iterator[tuple[str, datetime, datetime]]:
    """Running clocks whose deadline is not where it was when they were last read."""
    kept = hand.tx.get(TicketClocks, hand.ticket.id)
    for clock in readings(hand):
        was, due = _state_of(kept, clock.milestone).get("due"), clock.reading.due
        if was and due and clock.reading.ticking and datetime.fromisoformat(str(was)) != due:
            yield clock.milestone, datetime.fromisoformat(str(was)), due


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
    fired = frozenset(str(_state_of(kept, clock.milestone).get("fired", "")).split("|")) - {""}
    return Running(attached, cycles, planned, fired, attached_at)


def _state_of(kept: TicketClocks | None, milestone: str) -> Kept:
    return kept.states.get(milestone, {}) if kept else {}


def _attached_at(hand: "InHand", attached: Attached, kept: TicketClocks | None) -> datetime | None:
    """When this very target came to the ticket, if the ticket was there before (clock rule 10)."""
    state = _state_of(kept, attached.clock.milestone)
    if kept is not None and state.get("rule") != attached.rule:
        return hand.now
    at = state.get("attached_at")
    return datetime.fromisoformat(str(at)) if at else None


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
    for letter in hand.tx.find(OutboxRow, ticket_id=hand.ticket.id, kind=LETTERS, state="pending"):
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
    *,
    only: Collection[str] | None = None,
) -> None:
    """`only`: the clocks that were read, where not all of them were; the others stand as kept."""
    _write_verdicts(hand, policy, kept, running)
    # a clock that the facts took away keeps what it has said, should they bring it back
    before = kept.states if kept else {}
    gone = {name: {**before[name], "next_at": None} for name in (before if only is None else only)}
    states = {**before, **gone, **{clock.milestone: _state(clock) for clock in running}}
    following = min((at for state in states.values() if (at := _next_at(state))), default=None)
    row = TicketClocks(
        ticket_id=hand.ticket.id, policy=policy.version, states=states, next_at=following
    )
    if kept is None:
        hand.tx.add(row)
    elif row != kept:
        hand.tx.update_where(
            TicketClocks, {"ticket_id": hand.ticket.id}, states=states, next_at=following
        )
    if following is None:
        hand.cancel_timers(TIMER)
    elif kept is None or kept.next_at != following or kept.next_at <= hand.now:
        hand.timer(TIMER, following)
    if only is None:
        hand.change(due_at=_nearest(running))


def _next_at(state: Kept) -> datetime | None:
    at = state.get("next_at")
    return datetime.fromisoformat(str(at)) if at else None


def _state(clock: Running) -> dict[str, Value]:
    reading = clock.reading
    following = next_at(clock.planned, clock.heard) if reading.ticking else None
    return {
        "rule": clock.attached.rule,
        "cycle": reading.cycle,
        "state": str(reading.state),
        "due": reading.due.isoformat() if reading.due else None,
        "attached_at": clock.attached_at.isoformat() if clock.attached_at else None,
        "fired": "|".join(sorted(clock.fired)),
        "next_at": following.isoformat() if following else None,
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


def _write_verdicts(
    hand: "InHand", policy: Policy, kept: TicketClocks | None, running: list[Running]
) -> None:
    """What is decided about the cycles since the last look; one that began may have ended one."""
    decided = [
        told
        for clock in running
        for reading in clock.cycles
        if reading.cycle >= int(str(_state_of(kept, clock.milestone).get("cycle") or 0))
        and (told := _verdict(hand, policy, clock, reading)) is not None
    ]
    if not decided:
        return
    written = hand.tx.find(VerdictRow, order="id", ticket_id=hand.ticket.id)
    for told in decided:
        _write_verdict(hand, told, [row for row in written if _same_promise(row, told)])


def _verdict(hand: "InHand", policy: Policy, clock: Running, reading: Reading) -> Verdict | None:
    calendar = hand.desk.calendars[clock.attached.clock.calendar]
    opened = calendar.local(reading.started or hand.now).date()
    return verdict(
        reading,
        clock.attached.clock,
        policy=policy.version,
        rule=clock.attached.rule,
        calendar_version=calendar.version(opened).label,
    )


def _same_promise(row: VerdictRow, told: Verdict) -> bool:
    return (row.milestone, row.cycle) == (told.milestone, told.cycle)


def _write_verdict(hand: "InHand", told: Verdict, written: list[VerdictRow]) -> None:
    """What was written stays; something further is written where something further happened."""
    why, who = _why_again(hand, told, written[-1]) if written else ("", "")
    if written and not why:
        return
    values = asdict(told) | {"outcome": str(told.outcome), "target_source": str(told.target_source)}
    hand.tx.add(
        VerdictRow(
            ticket_id=hand.ticket.id,
            written_at=hand.now,
            corrects=written[0].id if written else None,
            who=who,
            why=why,
            **values,
        )
    )


def _why_again(hand: "InHand", told: Verdict, last: VerdictRow) -> tuple[str, str]:
    """Why another row follows, and by whom; nothing where only a calendar was edited since."""
    if last.who and last.why != CLAIM:
        return "", ""  # a person has decided
    by = hand.by.person
    if hand.history[-1].action == Action.ACCEPT_CLAIM and told.at != last.at and by is not None:
        return CLAIM, by.code or by.name
    if told.final and not last.final:
        return "stopped", ""
    if last.final and told.at > last.at:
        return "reopened", ""
    return "", ""


def correct_verdict(
    tx: Tx, verdict_id: int, outcome: Outcome, *, who: str, why: str, now: datetime
) -> VerdictRow:
    """Overrule a verdict by a further row; the row itself stays as it was written."""
    row = tx.get(VerdictRow, verdict_id)
    if row is None:
        raise SlaRefusal(f"there is no verdict {verdict_id}")
    if not who.strip() or not why.strip():
        raise SlaRefusal("a correction says who and why")
    return tx.insert(
        replace(
            row,
            id=0,
            outcome=str(outcome),
            final=True,
            corrects=row.corrects or row.id,
            who=who,
            why=why,
            written_at=now,
        )
    )


def standing(rows: Iterable[VerdictRow]) -> list[VerdictRow]:
    """What a report counts: of each promise the last word."""
    last = {(row.ticket_id, row.milestone, row.cycle): row for row in sorted(rows, key=_written)}
    return list(last.values())


def _written(row: VerdictRow) -> int:
    return row.id


# -- warnings


def _warn(hand: "InHand", due: list[tuple[Running, Warning]]) -> None:
    """Each clock's one warning that counts now; a promise that failed is one matter for all."""
    failed = [(clock, warning) for clock, warning in due if warning.kind is Kind.PROMISE_FAILED]
    for clock, warning in due:
        if warning.kind is not Kind.PROMISE_FAILED:
            _tell_all(hand, clock, warning, set())
    told: set[int] = set()
    for clock, warning in sorted(failed, key=lambda pair: pair[0].reading.due or pair[1].at):
        _tell_all(hand, clock, warning, told)


def _tell_all(hand: "InHand", clock: Running, warning: Warning, told: set[int]) -> None:
    """Letters to whoever has not been told of it, and a line in the journal with all names."""
    people = _hearers(hand, clock, warning)
    for person in people:
        if person.id not in told and _tell(hand, clock, warning, person):
            told.add(person.id)
    hand.step(
        Action.WARN,
        detail={
            "milestone": clock.milestone,
            "cycle": clock.reading.cycle,
            "warning": warning.name,
            "alarm": str(warning.kind),
            "due": warning.at.isoformat(),
            "late": warning.late,
            "told": " ".join(person.code or "" for person in people if person.id in told),
        },
    )


def _hearers(hand: "InHand", clock: Running, warning: Warning) -> list[Person]:
    """Whoever the rung names. A clock that never rests finds somebody who is awake: where
    nobody of them is on duty, the escalation centre hears of it too (clock rule 12)."""
    people = [p for name in warning.audience for p in _audience(hand, name)]
    people = people or _audience(hand, "desk")
    if _round_the_clock(hand, clock) and not hand.book.on_duty(people, hand.now):
        people += _audience(hand, "escalation_centre")
    return list({person.id: person for person in people}.values())


def _audience(hand: "InHand", name: str) -> list[Person]:
    if name != "engineer":
        return hand.book.with_role(ROLES[name])
    holder = hand.assignee
    if holder is not None:
        return [holder]
    asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
    return [p for offer in asked if (p := hand.person(offer.person_id))]


def _round_the_clock(hand: "InHand", clock: Running) -> bool:
    return hand.desk.calendars[clock.attached.clock.calendar].round_the_clock


def _tell(hand: "InHand", clock: Running, warning: Warning, person: Person) -> int:
    holder = hand.assignee
    promised = warning.kind is Kind.PROMISE_FAILED
    return hand.tell(
        person,
        ALARMS[warning.kind](
            number=hand.ticket.number,
            milestone=clock.milestone,
            site=hand.book.site_name(hand.ticket.site, language_of(person)),
            holder=holder.name if holder else "",
            due=warning.at if promised else clock.reading.due or warning.at,
            late=_minutes(hand.now - warning.at) if warning.late else "",
        ),
        choices=_choices(hand, clock, person),
        audience="",
        not_before=_not_before(hand, clock, person),
    )


def _choices(hand: "InHand", clock: Running, person: Person) -> tuple[Choice, ...]:
    """What may be done about it, never what the desk would refuse to this person."""
    choices = [hand.choice(Action.ACKNOWLEDGE, style="primary")]
    remedy = REMEDIES.get(clock.milestone)
    if remedy is not None:
        able = actions.may(remedy, person.roles, {actions.Relation.ANY})
        return (*choices, hand.choice(remedy)) if able else tuple(choices)
    if person.has(Role.DESK_AGENT, Role.SUPERVISOR):
        choices += [hand.choice(Action.REASSIGN), hand.choice(Action.CALL_ENGINEER)]
    return tuple(choices)


def _not_before(hand: "InHand", clock: Running, person: Person) -> datetime | None:
    """A clock that never rests wakes people; any other waits for the receiver's own hours."""
    if _round_the_clock(hand, clock) or not (person.duty or person.on_call):
        return None
    rota, code = hand.book.rota(hand.now), person.code or ""
    if rota.duty(code, hand.now) is not None:
        return None
    following = rota.next_duty(code, hand.now)
    return following.starts if following else None


def _minutes(late: timedelta) -> str:
    return str(int(late / timedelta(minutes=1)))
