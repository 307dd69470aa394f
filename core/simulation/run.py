"""Lets the days pass: faults come, offers are answered, engineers drive, work and go home."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import NamedTuple

from core.dispatch.choose import DEFAULT_RULES, MINUTE, Engineer, Job, Rules, eligible
from core.dispatch.ladder import Answer, Do, Ladder, Offer, next_move, steps
from core.dispatch.rota import Kind, Pattern, Rota, Shift, Span, expand, resident_shifts
from core.dispatch.travel import Travel
from core.simulation.desk import TARGETS, WHO_GOES, Desk, Site, Worker
from core.simulation.faults import Fault
from core.simulation.luck import dice
from core.simulation.strategies import (
    LEAD,
    LeastLoaded,
    OneByOne,
    Planner,
    RoundRobin,
    Strategy,
    View,
)

STRATEGIES: Mapping[str, Callable[[], Strategy]] = {
    "planner": Planner,
    "least_loaded": lambda: OneByOne(LeastLoaded()),
    "round_robin": lambda: OneByOne(RoundRobin()),
}

TRIAGE = timedelta(minutes=3)  # from the report to the dispatch queue, on every desk alike
AFTERMATH = timedelta(days=3)  # open visits are still made after the last day
ROAD_SPREAD = 0.15  # of the logarithm of a travel time
AFTER_REMINDER = 0.5  # of those who were silent, how many the reminder wakes
LOOK_AHEAD = timedelta(hours=3)  # whose duty starts within it may be planned for
SIGHT = 60  # jobs of a city that a dispatcher keeps in view, twice
BARELY = timedelta(minutes=5)  # a job that takes longer than expected will be over "soon"


@dataclass(frozen=True, slots=True)
class Figures:
    tickets: int
    late: int
    late_minutes: float
    attainment: float
    utilisation: float
    offers_per_job: float


@dataclass(slots=True)
class Visit:
    """A fault on its way to an engineer."""

    fault: Fault
    job: Job
    ladder: Ladder
    offers: list[Offer] = field(default_factory=list)
    supervisor_told: bool = False
    by_hand: bool = False  # the supervisor telephones: nobody says no to that
    asked_so_far: int = 0
    arrived: datetime | None = None


@dataclass(slots=True)
class Hands:
    """An engineer's day so far."""

    worker: Worker
    place: str | None
    asked: Visit | None = None
    accepted: list[Visit] = field(default_factory=list)
    current: Visit | None = None
    departed: datetime | None = None
    free_at: datetime | None = None  # as the desk expects it
    last_job_at: datetime | None = None
    days: dict[int, int] = field(default_factory=dict)

    def open(self) -> list[Visit]:
        """Everything in hand or on offer, in the order in which it is likely to be done."""
        current = [self.current] if self.current else []
        asked = [self.asked] if self.asked else []
        return [*current, *self.accepted, *asked]


Waiting = tuple[datetime, str, Visit]  # by deadline and number


class Event(NamedTuple):
    at: datetime
    order: int  # what was planned first happens first
    happen: Callable[[], None]


def simulate(
    desk: Desk,
    faults: Sequence[Fault],
    strategy: str,
    seed: int,
    rules: Rules = DEFAULT_RULES,
    progress: Callable[[int], None] = lambda done: None,
) -> Figures:
    """One strategy through all faults. `progress` hears how many have come in."""
    run = _Run(desk, faults, STRATEGIES[strategy](), seed, rules, progress)
    run.go()
    return run.figures()


def period(desk: Desk, faults: Sequence[Fault]) -> tuple[datetime, datetime]:
    """From the midnight before the first fault to the one after the last."""
    zone = desk.rates.zone
    first = min(fault.at for fault in faults).astimezone(zone).date()
    last = max(fault.at for fault in faults).astimezone(zone).date()
    return (
        datetime.combine(first, time(), zone),
        datetime.combine(last + timedelta(days=1), time(), zone),
    )


def openings(site: Site, since: datetime, until: datetime, desk: Desk) -> list[Span]:
    """The customer's own hours at a resident site, holidays and closing days taken out."""
    if site.calendar is not None:
        return list(site.calendar.spans(since, until))
    zone = desk.rates.zone
    return sorted(
        span
        for pattern in site.openings
        for span in pattern.spans(since.astimezone(zone).date(), until.date(), zone)
        if span[0].astimezone(zone).date() not in site.closed
    )


def rota(desk: Desk, since: datetime, until: datetime) -> Rota:
    """Everybody's rows: residents on the customer's hours, the others on their own."""
    rows: list[Shift] = []
    zone = desk.rates.zone
    for worker in desk.workers:
        site = desk.sites.get(worker.resident_at or "")
        if site is not None and site.resident and worker.role == WHO_GOES[0]:
            hours = openings(site, since, until, desk)
            rows += resident_shifts(worker.id, site.code, hours, zone)
        else:
            rows += _rows(worker.id, worker.hours, since, until, desk, Kind.SHIFT)
        rows += _rows(worker.id, worker.on_call, since, until, desk, Kind.ON_CALL)
    return Rota(rows)


def _rows(
    person: str,
    patterns: Iterable[Pattern],
    since: datetime,
    until: datetime,
    desk: Desk,
    kind: Kind,
) -> list[Shift]:
    return expand({person: patterns}, since, until, desk.rates.zone, kind)


class _Run:
    def __init__(
        self,
        desk: Desk,
        faults: Sequence[Fault],
        strategy: Strategy,
        seed: int,
        rules: Rules,
        progress: Callable[[int], None],
    ) -> None:
        self.desk, self.faults, self.strategy, self.seed = desk, faults, strategy, seed
        # A desk file that says nothing of agreements is not one without any.
        self.rules = replace(rules, nda_required=desk.nda_tracked, zone=desk.rates.zone)
        self.progress = progress
        self.starts, self.ends = period(desk, faults)
        self.rota = rota(desk, self.starts, self.ends + AFTERMATH)
        self.travel: Travel = desk.travel()
        self.open_hours = {
            site.code: openings(site, self.starts, self.ends + AFTERMATH, desk)
            for site in desk.sites.values()
            if site.resident
        }
        self.hands = {worker.id: Hands(worker, worker.base) for worker in desk.workers}
        self.waiting: dict[str, list[Waiting]] = {}
        self.visits: list[Visit] = []
        self.now = self.starts
        self.events: list[Event] = []
        self.planned = 0
        self.unfinished = 0
        self.worked = timedelta()
        self.restless = False

    # ── The clock ────────────────────────────────────────────────────────────────────────────────

    def go(self) -> None:
        for number, fault in enumerate(self.faults, 1):
            self.at(fault.at, partial(self.reported, fault, number))
        for person in self.hands:
            for stretch in self.rota.stretches(person, self.starts, self.ends + AFTERMATH):
                self.at(stretch.starts, partial(self.duty_starts, person))
        last = self.ends + AFTERMATH
        while self.events and self.events[0].at <= last:
            event = heapq.heappop(self.events)
            self.now = event.at
            event.happen()
            same_moment = self.events and self.events[0].at == self.now
            if self.restless and not same_moment:
                self.restless = False
                self.dispatch()
            if self.now >= self.ends and not self.unfinished:
                break

    def at(self, moment: datetime, happen: Callable[[], None]) -> None:
        self.planned += 1
        heapq.heappush(self.events, Event(moment, self.planned, happen))

    def today(self) -> int:
        return self.now.astimezone(self.desk.rates.zone).toordinal()

    def look_again(self) -> None:
        self.restless = True

    # ── What happens ─────────────────────────────────────────────────────────────────────────────

    def reported(self, fault: Fault, number: int) -> None:
        self.progress(number)
        if fault.mode != "onsite":
            return
        visit = self.visit(fault)
        self.visits.append(visit)
        self.unfinished += 1
        self.at(self.now + TRIAGE, lambda: self.wait(visit))

    def visit(self, fault: Fault) -> Visit:
        site = self.desk.sites[fault.site]
        dispatched = fault.at + TRIAGE
        resident = site.resident and self.is_open(site, dispatched)
        zone = "B" if site.zone == "A" and site.resident and not resident else site.zone
        normal, urgent = TARGETS[zone]
        target = urgent if fault.vip or fault.priority == "P1" else normal
        job = Job(
            number=fault.number,
            site=site.code,
            city=site.city,
            due=dispatched + timedelta(minutes=target),
            priority=fault.priority,
            vip=fault.vip,
            resident=resident,
            skill=fault.skill,
            minutes=fault.expected_minutes,
            needs_pass=site.needs_pass,
            preferred=site.preferred,
            excluded=site.excluded,
        )
        kind = "resident" if resident else "field"
        return Visit(fault, job, steps(fault.priority, "onsite", kind))

    def is_open(self, site: Site, at: datetime) -> bool:
        return any(opens <= at < closes for opens, closes in self.open_hours[site.code])

    def wait(self, visit: Visit) -> None:
        queue = self.waiting.setdefault(visit.job.city, [])
        insort(queue, (visit.job.due, visit.job.number, visit))
        self.look_again()

    def duty_starts(self, person: str) -> None:
        hands = self.hands[person]
        if hands.current is None and not hands.accepted:
            hands.place = hands.worker.base
        self.look_again()

    # ── Offers ───────────────────────────────────────────────────────────────────────────────────

    def dispatch(self) -> None:
        for ask in self.strategy.asks(self.view()) if any(self.waiting.values()) else ():
            queue = self.waiting[ask.job.city]
            *_, visit = queue.pop(bisect_left(queue, (ask.job.due, ask.job.number)))
            self.offer(visit, self.hands[ask.engineer])

    def view(self) -> View:
        return View(
            at=self.now,
            waiting={city: self.seen(queue) for city, queue in self.waiting.items() if queue},
            cities={site.code: site.city for site in self.desk.sites.values()},
            engineers=[one for hands in self.hands.values() if (one := self.engineer(hands))],
            asked=frozenset(person for person, hands in self.hands.items() if hands.asked),
            travel=self.travel,
            rules=self.rules,
        )

    def seen(self, queue: Sequence[Waiting]) -> list[Job]:
        """All that waits in a city; of a backlog beyond hope the oldest and the next to be due."""
        if len(queue) > 2 * SIGHT:
            due_next = max(SIGHT, bisect_left(queue, (self.now, "")))
            queue = [*queue[:SIGHT], *queue[due_next : due_next + SIGHT]]
        return [visit.job for *_, visit in queue]

    def engineer(self, hands: Hands) -> Engineer | None:
        """As the desk knows the engineer now; None when there is no duty for a while."""
        worker = hands.worker
        duty = self.rota.duty(worker.id, self.now)
        on_duty = duty is not None
        if duty is None:
            duty = self.rota.next_duty(worker.id, self.now)
            if duty is None or duty.starts > self.now + LOOK_AHEAD:
                return None
        free_at, place = self.free(hands, max(self.now, duty.starts))
        return Engineer(
            id=worker.id,
            role=worker.role,
            resident_at=worker.resident_at,
            cities=worker.cities,
            sites=worker.sites,
            skills=worker.skills,
            on_duty=on_duty,
            duty_ends=self.rota.duty_ends(worker.id, duty.starts),
            nda_until=worker.nda_until,
            pass_until=worker.pass_until,
            capacity=worker.capacity,
            open_jobs=len(hands.open()),
            jobs_today=hands.days.get(self.today(), 0),
            last_job_at=hands.last_job_at,
            free_at=free_at,
            place=place,
        )

    def free(self, hands: Hands, earliest: datetime) -> tuple[datetime, str | None]:
        """When and where the jobs in hand are expected to end."""
        clock, place = earliest, hands.place
        for visit in hands.open():
            if visit is hands.current and hands.free_at is not None:
                clock = max(hands.free_at, self.now + BARELY)
            else:
                road = self.travel.minutes(place, visit.job.site)
                clock += timedelta(minutes=road + visit.job.minutes)
            place = visit.job.site
        return clock, place

    def offer(self, visit: Visit, hands: Hands) -> None:
        person = hands.worker.id
        visit.offers.append(Offer(person=person, role=hands.worker.role, made_at=self.now))
        visit.asked_so_far += 1
        hands.asked = visit
        luck = dice(self.seed, "answer", visit.job.number, person)
        rates = self.desk.rates
        roll = 1.0 if visit.by_hand else luck.random()
        delay = timedelta(minutes=luck.expovariate(1 / max(rates.answer_minutes, 0.01)))
        if roll >= rates.silent:
            declines = roll < rates.silent + rates.decline
            answer = Answer.DECLINED if declines else Answer.ACCEPTED
            self.later(min(delay, visit.ladder.remind), visit, lambda: self.answer(visit, answer))
        elif luck.random() < AFTER_REMINDER:
            late = min(visit.ladder.remind + delay, visit.ladder.next - timedelta(seconds=1))
            self.later(late, visit, lambda: self.answer(visit, Answer.ACCEPTED))
        self.climb(visit)

    def later(self, delay: timedelta, visit: Visit, happen: Callable[[], None]) -> None:
        """Happens unless the offer that stands now is over by then."""
        offer = visit.asked_so_far

        def still() -> None:
            open_ = visit.offers and visit.offers[-1].answer is None
            if open_ and visit.asked_so_far == offer:
                happen()

        self.at(self.now + delay, still)

    def answer(self, visit: Visit, answer: Answer) -> None:
        offer = visit.offers[-1]
        visit.offers[-1] = replace(offer, answer=answer)
        hands = self.hands[offer.person]
        hands.asked = None
        if answer is Answer.ACCEPTED:
            hands.accepted.append(visit)
            self.go_on(hands)
        else:
            declined = {**visit.job.declined, offer.person: self.now}
            visit.job = replace(visit.job, declined=declined)
            self.climb(visit)
        self.look_again()

    def climb(self, visit: Visit) -> None:
        """One step of the ladder: remind, expire, tell the supervisor, or ask the next."""
        while True:
            answered = visit.offers[-1].answer is not None
            move = next_move(
                visit.ladder,
                visit.offers,
                self.now,
                roles=self.roles_left(visit) if answered else (),
                supervisor_told=visit.supervisor_told,
            )
            if move.do is Do.WAIT and move.at is not None:
                return self.later(move.at - self.now, visit, lambda: self.climb(visit))
            if move.do is Do.OFFER:
                return self.wait(visit)
            if move.do is Do.EXPIRE:
                return self.answer(visit, Answer.EXPIRED)
            if move.do is Do.REMIND:
                visit.offers[-1] = replace(visit.offers[-1], reminded=True)
            elif move.do is Do.TELL_SUPERVISOR:
                visit.supervisor_told = True
            else:
                return self.assign_by_hand(visit)

    def assign_by_hand(self, visit: Visit) -> None:
        """Everybody on duty has refused: the supervisor talks to them, and they are asked again."""
        visit.job = replace(visit.job, declined={})
        visit.offers = []
        visit.by_hand = True
        self.wait(visit)

    def roles_left(self, visit: Visit) -> set[str]:
        """Roles with somebody on duty who could go and has not been asked."""
        on_duty = [
            one
            for person, hands in self.hands.items()
            if self.rota.duty(person, self.now) and (one := self.engineer(hands))
        ]
        return {one.role for one in eligible(visit.job, on_duty, self.now, self.rules)}

    # ── On the road ──────────────────────────────────────────────────────────────────────────────

    def go_on(self, hands: Hands) -> None:
        """To the accepted job with the nearest deadline, as the card in the hand sorts them."""
        if hands.current is not None or not hands.accepted:
            return
        if self.rota.duty(hands.worker.id, self.now) is None:
            for visit in hands.accepted:
                visit.offers = []
                self.wait(visit)
            hands.accepted = []
            return
        visit = min(hands.accepted, key=lambda one: (not one.job.vip, one.job.due, one.job.number))
        hands.accepted.remove(visit)
        road = self.travel.minutes(hands.place, visit.job.site)
        hands.current, hands.departed = visit, self.now
        hands.free_at = self.now + timedelta(minutes=road + visit.job.minutes)
        luck = dice(self.seed, "road", visit.job.number)
        real = road * luck.lognormvariate(0.0, ROAD_SPREAD)
        self.at(self.now + timedelta(minutes=real), lambda: self.arrive(hands, visit))

    def arrive(self, hands: Hands, visit: Visit) -> None:
        visit.arrived = self.now
        self.unfinished -= 1
        hands.free_at = self.now + timedelta(minutes=visit.job.minutes)
        self.at(max(self.now, hands.free_at - LEAD), self.look_again)
        self.at(self.now + timedelta(minutes=visit.fault.minutes), lambda: self.finish(hands))

    def finish(self, hands: Hands) -> None:
        assert hands.current is not None
        assert hands.departed is not None
        for stretch in self.rota.stretches(hands.worker.id, hands.departed, self.now):
            if stretch.row.kind is Kind.SHIFT and stretch.starts < self.ends:
                self.worked += min(stretch.ends, self.ends) - stretch.starts
        hands.place, hands.last_job_at = hands.current.job.site, self.now
        today = self.today()
        hands.days = {today: hands.days.get(today, 0) + 1}
        hands.current = None
        self.go_on(hands)
        self.look_again()

    # ── The end ──────────────────────────────────────────────────────────────────────────────────

    def figures(self) -> Figures:
        late = [
            minutes
            for visit in self.visits
            if (minutes := ((visit.arrived or self.now) - visit.job.due) / MINUTE) > 0
        ]
        jobs = max(1, len(self.visits))
        shifts = sum(
            (
                stretch.ends - stretch.starts
                for person in self.hands
                for stretch in self.rota.stretches(person, self.starts, self.ends)
                if stretch.row.kind is Kind.SHIFT
            ),
            timedelta(),
        )
        return Figures(
            tickets=len(self.faults),
            late=len(late),
            late_minutes=round(sum(late), 1),
            attainment=round(1 - len(late) / jobs, 4),
            utilisation=round(self.worked / shifts, 4) if shifts else 0.0,
            offers_per_job=round(sum(visit.asked_so_far for visit in self.visits) / jobs, 3),
        )
