"""One plan for a whole backlog: read, reckoned beside the desk's work, proposed, and used."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import looks
from core.desk import Desk
from core.dispatch import offers
from core.dispatch.choose import Engineer, Job, Minutes, Rules
from core.dispatch.planner import Plan, plan
from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.messages import Choice
from core.notices.desk import PlanProposed
from core.people import ENGINEERS, Role
from core.ports import Tx
from core.rows import Setting, TimerRow
from core.telling import language_of, tell
from core.ticket import Ticket
from core.words import say

NAME = "plan"  # of the setting that keeps the last proposal
PLANNED = "planned_offer"  # kind of timer
EVERY = 60.0  # seconds between looks
MANY_JOBS, MANY_ENGINEERS = 4, 2  # from here on one after the other is no good way to ask
AT_MOST = 200
REST = timedelta(minutes=30)  # the same backlog is not proposed again before
WORTH = 1.0  # minutes late that a plan must save


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a plan is made from, read at one moment."""

    at: datetime
    jobs: Sequence[Job]
    engineers: Sequence[Engineer]
    minutes: Minutes
    rules: Rules


async def propose(desk: Desk) -> bool:
    """Look at the backlog, and put a better plan before the supervisor; whether there was one.

    Where the desk lets the planner run by itself, the plan is used and the supervisor told.

    The reckoning takes up to a second, so it runs in a thread and in no transaction: what has
    changed meanwhile is seen when the plan is used, job by job.
    """
    now = desk.now()
    backlog = await desk.store.read(lambda tx: read(tx, desk, now))
    if backlog is None:
        return False
    best, saved = await asyncio.to_thread(reckon, backlog)
    if saved < WORTH:
        return False
    await desk.store.write(lambda tx: _put(tx, desk, best, saved, now))
    desk.wake()
    return True


def read(tx: Tx, desk: Desk, now: datetime) -> Backlog | None:
    """The open jobs that nobody has accepted; None where they are few or just proposed."""
    waiting = tx.find(Ticket, status=Status.DISPATCHED, assignee_id=None, order="due_at")
    book = desk.register.open(tx)
    hands = [
        InHand(tx, desk, ticket, now=now)
        for ticket in waiting[:AT_MOST]
        if ticket.site in book.sites and not ticket.emergency
    ]
    if len(hands) < MANY_JOBS or _is_known(tx, hands, now):
        return None
    jobs = [offers.job_of(hand) for hand in hands]
    engineers = [
        engineer
        for engineer in offers.engineers(hands[0], book.with_role(*ENGINEERS))
        if engineer.on_duty
    ]
    if len(engineers) < MANY_ENGINEERS:
        return None
    return Backlog(now, jobs, engineers, book.travel.minutes, offers.rules_of(desk, book))


def _is_known(tx: Tx, hands: Sequence[InHand], now: datetime) -> bool:
    kept = tx.get(Setting, NAME)
    if kept is None or now - kept.changed_at > REST:
        return False
    planned = kept.value["visits"]
    assert isinstance(planned, dict)
    return {hand.ticket.number for hand in hands} <= planned.keys()


def reckon(backlog: Backlog) -> tuple[Plan, float]:
    """The best plan, and the minutes late that it saves against one choice after the other."""
    given = (backlog.jobs, backlog.engineers, backlog.at, backlog.minutes, backlog.rules)
    greedy, best = plan(*given, enough=lambda: True, effort=0), plan(*given)
    return best, greedy.late_minutes - best.late_minutes


def _put(tx: Tx, desk: Desk, best: Plan, saved: float, now: datetime) -> None:
    serial = str(tx.next(NAME))
    visits = {visit.job: visit.engineer for visit in best.visits}
    tx.put(Setting(name=NAME, value={"id": serial, "visits": visits}, changed_at=now))
    book = desk.register.open(tx)
    by_itself = desk.rules.plan_by_itself
    if by_itself:
        _offer_all(tx, visits, now)
    first = best.visits[0].job
    for person in book.with_role(Role.SUPERVISOR):
        notice = PlanProposed(
            number=first,
            jobs=len(visits),
            engineers=len(set(visits.values())),
            saved=round(saved),
            lines="\n".join(_lines(tx, desk, best, language_of(person))),
        )
        button = Choice(action=Action.APPLY_PLAN, arg=serial, ticket=first, style="primary")
        choices = () if by_itself else (button,)
        tell(tx, desk, person, notice, event=f"plan.{serial}", now=now, choices=choices)


def _lines(tx: Tx, desk: Desk, best: Plan, language: str) -> list[str]:
    """Who does what, in which order."""
    book = desk.register.open(tx)
    jobs: dict[str, list[str]] = {}
    for visit in sorted(best.visits, key=lambda visit: (visit.engineer, visit.position)):
        jobs.setdefault(visit.engineer, []).append(visit.job)
    return [
        say("plan.line", {"name": book.by_code[code].name, "jobs": " → ".join(numbers)},
            language=language)
        for code, numbers in jobs.items()
    ]  # fmt: skip


def use(hand: InHand, serial: str) -> None:
    """The supervisor agrees: whoever the plan names is asked, if the job still waits."""
    kept = hand.tx.get(Setting, NAME)
    hand.step(Action.APPLY_PLAN, arg=serial)
    if kept is None or kept.value["id"] != serial:
        return  # a newer plan has taken its place, and its own button is there
    visits = kept.value["visits"]
    assert isinstance(visits, dict)
    _offer_all(hand.tx, visits, hand.now)


def _offer_all(tx: Tx, visits: dict[str, str], now: datetime) -> None:
    """Each by its own timer and lock: a job that was taken meanwhile stays with its taker."""
    for ticket in tx.find(Ticket, number=tuple(visits), order="id"):
        engineer = visits[ticket.number]
        looks.instead(tx, PLANNED, f"ticket/{ticket.id}", now, engineer=engineer)


def offer_planned(hand: InHand, timer: TimerRow) -> None:
    person = hand.book.by_code.get(str(timer.payload["engineer"]))
    if person is not None and offers.is_waiting_for_yes(hand):
        offers.offer_to(hand, person)
