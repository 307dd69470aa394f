"""Many jobs and many engineers at once: who goes where, and in which order, to be least late."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, inf, log1p
from typing import NamedTuple

from core.dispatch.choose import (
    DEFAULT_RULES,
    MINUTE,
    Engineer,
    Job,
    Minutes,
    Rules,
    eligible,
    routing_step,
    urgency,
)

Route = list[int]  # jobs in the order in which one engineer does them
Matrix = list[list[float]]
Solve = Callable[[Matrix], tuple[Sequence[int], Sequence[int]]]

EFFORT = 250_000  # stops reckoned before the search is content; a second on a slow machine
OVERTIME = 2_000.0  # an arrival after the engineer's duty: planned only when nobody else exists
FORBIDDEN = 1e9
UNSURE, UNSURE_SHARE = 4.0, 0.15  # spread of an arrival: minutes, and a share of the time ahead
SURE = 4.0  # so many spreads from the deadline there is no doubt left


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One job of the plan; `position` counts within the engineer's own sequence."""

    job: str
    engineer: str
    position: int
    departs: datetime
    arrives: datetime
    late_minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    visits: tuple[Visit, ...]
    unplaced: tuple[str, ...]  # nobody could ever go: a hard rule is against everybody
    cost: float  # expected lateness weighted by priority, with a little for the road
    greedy_cost: float  # the same for one choice after the other
    method: str  # `assignment`, or `greedy` when the search was not possible

    @property
    def late_minutes(self) -> float:
        return sum(visit.late_minutes for visit in self.visits)

    @property
    def late(self) -> int:
        return sum(visit.late_minutes > 0 for visit in self.visits)


def plan(
    jobs: Sequence[Job],
    engineers: Sequence[Engineer],
    at: datetime,
    minutes: Minutes,
    rules: Rules = DEFAULT_RULES,
    *,
    effort: int = EFFORT,
    enough: Callable[[], bool] = lambda: False,
) -> Plan:
    """Sequences for everybody who works now or, by `free_at`, later.

    `effort` bounds the search by counting, so that equal input gives an equal plan; `enough`
    may stop it earlier, by a clock that the caller owns.
    """
    board = _Board(jobs, engineers, at, minutes, rules)
    routes = _greedy(board)
    greedy_cost = cost = board.total(routes)
    solve, method = _solver(), "greedy"
    if solve is not None and not enough():
        matched = _tried(board, solve)
        if matched is not None:
            method = "assignment"
            if (matched_cost := board.total(matched)) < cost:
                routes, cost = matched, matched_cost
            cost -= _improve(board, routes, effort, enough)
    return Plan(
        visits=tuple(board.visits(routes, at)),
        unplaced=tuple(job.number for job, fit in zip(jobs, board.fit, strict=True) if not fit),
        cost=cost,
        greedy_cost=greedy_cost,
        method=method,
    )


def _solver() -> Solve | None:
    """SciPy's assignment; imported here because it is large and a desk can live without it."""
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError:
        return None
    solve: Solve = linear_sum_assignment
    return solve


def _tried(board: "_Board", solve: Solve) -> list[Route] | None:
    """None where the library fails: a backlog is dispatched all the same, one after the other."""
    try:
        return _matched(board, solve)
    except (ValueError, ArithmeticError, RuntimeError, MemoryError):
        return None


class _Stop(NamedTuple):
    """What the search needs to know of a job, in minutes from now."""

    site: int
    due: float
    work: float
    weight: float
    hurry: float  # the price of a minute until arrival, in time or not


class _Board:
    """The question in plain numbers: places are indices, moments are minutes from now."""

    def __init__(
        self,
        jobs: Sequence[Job],
        engineers: Sequence[Engineer],
        at: datetime,
        minutes: Minutes,
        rules: Rules,
    ) -> None:
        self.jobs, self.engineers, self.rules = jobs, engineers, rules
        sites = list(dict.fromkeys(job.site for job in jobs))
        starts: list[str | None] = list(dict.fromkeys(engineer.place for engineer in engineers))
        self.road = [[minutes(place, site) for site in sites] for place in (*sites, *starts)]
        self.stops = [_stop(job, sites.index(job.site), at, rules) for job in jobs]
        self.start = [len(sites) + starts.index(engineer.place) for engineer in engineers]
        self.free = [_from_now(engineer.free_at, at, 0.0) for engineer in engineers]
        self.ends = [_from_now(engineer.duty_ends, at, inf) for engineer in engineers]
        usable = [e for e in engineers if e.on_duty or (e.free_at is not None and not e.on_leave)]
        number = {engineer.id: index for index, engineer in enumerate(engineers)}
        self.fit = [[number[e.id] for e in eligible(job, usable, at, rules)] for job in jobs]
        self.extra = [
            {index: _extra(job, engineers[index], rules) for index in fit}
            for job, fit in zip(jobs, self.fit, strict=True)
        ]
        self.reckoned = 0

    def cost(self, engineer: int, route: Route) -> float:
        return self.append(engineer, self.free[engineer], self.start[engineer], route)[0]

    def append(
        self, engineer: int, clock: float, place: int, route: Sequence[int], bound: float = inf
    ) -> tuple[float, float, int]:
        """The cost of going on with these jobs from a moment and a place, and where that ends.

        Beyond `bound` nobody wants to know how much worse it gets.
        """
        self.reckoned += len(route)
        total, ends = 0.0, self.ends[engineer]
        travel, breach = self.rules.travel, self.rules.breach
        for job in route:
            site, due, work, weight, hurry = self.stops[job]
            road = self.road[place][site]
            clock += road
            total += travel * road + hurry * clock + self.extra[job][engineer]
            spread = UNSURE + UNSURE_SHARE * clock
            late = clock - due
            if late > -SURE * spread:
                total += weight * _lateness(late, spread, breach)
            if clock > ends:
                total += OVERTIME
            if total > bound:
                break
            clock += work
            place = site
        return total, clock, place

    def visit(self, engineer: int, clock: float, place: int, job: int) -> float:
        """What `append` costs for one job, asked hundreds of thousands of times."""
        self.reckoned += 1
        site, due, _, weight, hurry = self.stops[job]
        road = self.road[place][site]
        clock += road
        total = self.rules.travel * road + hurry * clock + self.extra[job][engineer]
        spread = UNSURE + UNSURE_SHARE * clock
        late = clock - due
        if late > -SURE * spread:
            total += weight * _lateness(late, spread, self.rules.breach)
        return total + OVERTIME if clock > self.ends[engineer] else total

    def total(self, routes: Sequence[Route]) -> float:
        return sum(self.cost(engineer, route) for engineer, route in enumerate(routes) if route)

    def visits(self, routes: Sequence[Route], at: datetime) -> Iterator[Visit]:
        for engineer, route in enumerate(routes):
            clock, place = self.free[engineer], self.start[engineer]
            for position, job in enumerate(route):
                stop = self.stops[job]
                arrives = clock + self.road[place][stop.site]
                yield Visit(
                    job=self.jobs[job].number,
                    engineer=self.engineers[engineer].id,
                    position=position,
                    departs=at + timedelta(minutes=clock),
                    arrives=at + timedelta(minutes=arrives),
                    late_minutes=max(0.0, arrives - stop.due),
                )
                clock, place = arrives + stop.work, stop.site


def _stop(job: Job, site: int, at: datetime, rules: Rules) -> _Stop:
    weight = rules.weight(job.priority, job.vip)
    return _Stop(site, (job.due - at) / MINUTE, job.minutes, weight, rules.waiting * weight)


def _extra(job: Job, engineer: Engineer, rules: Rules) -> float:
    liked = rules.preferred if engineer.id in job.preferred else 0.0
    fair = rules.fairness * engineer.jobs_today
    return rules.routing * routing_step(job, engineer.role) + fair - liked


def _from_now(moment: datetime | None, at: datetime, otherwise: float) -> float:
    return otherwise if moment is None else max(0.0, (moment - at) / MINUTE)


def _lateness(late: float, spread: float, breach: float) -> float:
    """Expected cost of an arrival about `late` minutes after its deadline, give or take."""
    z = late / spread
    if z > SURE:
        return breach + late
    grown = exp(-z)
    return breach / (1 + grown) + spread * (z + log1p(grown))


def _greedy(board: _Board) -> list[Route]:
    """One choice after the other, most urgent first: what the desk does without a plan."""
    routes: list[Route] = [[] for _ in board.engineers]
    clock, place = list(board.free), list(board.start)
    for job in sorted(range(len(board.jobs)), key=lambda job: urgency(board.jobs[job])):
        options = [(board.append(e, clock[e], place[e], (job,)), e) for e in board.fit[job]]
        if options:
            (_, ends, site), chosen = min(options)
            clock[chosen], place[chosen] = ends, site
            routes[chosen].append(job)
    return routes


def _matched(board: _Board, solve: Solve) -> list[Route]:
    """Round after round, everybody's next job by one assignment.

    A cell is what the job costs in this slot less what it would cost one slot later with its
    best engineer: a pair that had better wait is left for the next round.
    """
    routes: list[Route] = [[] for _ in board.engineers]
    clock, place = list(board.free), list(board.start)
    left = [job for job, fit in enumerate(board.fit) if fit]
    slot = sum(board.stops[job].work for job in left) / max(1, len(left)) + 30.0
    while left:
        cells = []
        for job in left:
            row = [FORBIDDEN] * len(board.engineers)
            later = inf
            for e in board.fit[job]:
                row[e] = board.visit(e, clock[e], place[e], job)
                later = min(later, board.visit(e, clock[e] + slot, place[e], job))
            cells.append([cell if cell == FORBIDDEN else cell - later for cell in row])
        pairs = [(cells[row][e], left[row], e) for row, e in zip(*solve(cells), strict=True)]
        possible = sorted(pair for pair in pairs if pair[0] < FORBIDDEN)
        chosen = [pair for pair in possible if pair[0] < 0] or possible[:1]
        for _, job, e in chosen:
            _, clock[e], place[e] = board.append(e, clock[e], place[e], (job,))
            routes[e].append(job)
        taken = {job for _, job, _ in chosen}
        left = [job for job in left if job not in taken]
    return routes


def _improve(board: _Board, routes: list[Route], effort: int, enough: Callable[[], bool]) -> float:
    """Move one job, or swap two, as long as that helps; returns what it helped."""
    limit = board.reckoned + effort
    costs = [board.cost(engineer, route) for engineer, route in enumerate(routes)]
    before = sum(costs)
    helped = True
    while helped:
        helped = False
        for job in sorted(range(len(board.jobs)), key=lambda job: board.stops[job].due):
            if board.reckoned > limit or enough():
                return before - sum(costs)
            if board.fit[job]:
                helped |= _move(board, routes, costs, job) or _swap(board, routes, costs, job)
    return before - sum(costs)


def _holder(routes: Sequence[Route], job: int) -> int:
    return next(engineer for engineer, route in enumerate(routes) if job in route)


def _move(board: _Board, routes: list[Route], costs: list[float], job: int) -> bool:
    """To the best place in any route, its own included."""
    giver = _holder(routes, job)
    shorter = [other for other in routes[giver] if other != job]
    relief = costs[giver] - board.cost(giver, shorter)
    best, target, where = -1e-6, -1, -1
    for engineer in board.fit[job]:
        base = shorter if engineer == giver else routes[engineer]
        standing = costs[giver] - relief if engineer == giver else costs[engineer]
        for position in range(len(base) + 1):
            allowed = standing + relief + best
            spent, clock, place = board.append(
                engineer, board.free[engineer], board.start[engineer], base[:position], allowed
            )
            if spent > allowed:
                break
            rest = (job, *base[position:])
            added = board.append(engineer, clock, place, rest, allowed - spent)[0]
            if spent + added < allowed:
                best, target, where = spent + added - standing - relief, engineer, position
    if target < 0:
        return False
    routes[giver] = shorter
    routes[target] = [*routes[target][:where], job, *routes[target][where:]]
    for engineer in {giver, target}:
        costs[engineer] = board.cost(engineer, routes[engineer])
    return True


def _swap(board: _Board, routes: list[Route], costs: list[float], job: int) -> bool:
    """With a job of somebody else, each taking the other's place in the order."""
    giver = _holder(routes, job)
    for engineer in board.fit[job]:
        if engineer == giver:
            continue
        for other in routes[engineer]:
            if giver not in board.extra[other]:
                continue
            mine = [other if own == job else own for own in routes[giver]]
            theirs = [job if own == other else own for own in routes[engineer]]
            new = board.cost(giver, mine), board.cost(engineer, theirs)
            if sum(new) < costs[giver] + costs[engineer] - 1e-6:
                routes[giver], routes[engineer] = mine, theirs
                costs[giver], costs[engineer] = new
                return True
    return False
