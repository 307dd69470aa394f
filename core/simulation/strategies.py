"""How different desks choose among those who are fit: by plan, by open jobs, by turn.

All of them see the same hard rules, the same roster and the same offers. What differs is whom
they ask next.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from core.dispatch.choose import RESIDENT, Asked, Engineer, Job, Rules, object_to
from core.dispatch.planner import plan
from core.dispatch.travel import Travel


@dataclass(frozen=True, slots=True)
class View:
    """What a dispatcher sees at one moment."""

    at: datetime
    waiting: Mapping[str, Sequence[Job]]  # what nobody has or is being asked for: by city, by due
    cities: Mapping[str, str]  # of the sites
    engineers: Sequence[Engineer]  # everybody with duty now or soon
    asked: frozenset[str]  # engineers with an offer open
    travel: Travel
    rules: Rules


@dataclass(frozen=True, slots=True)
class Ask:
    job: Job
    engineer: str


class Strategy(Protocol):
    def asks(self, view: View) -> list[Ask]:
        """Whom to offer which job now."""


class OneByOne:
    """Oldest deadline first, each job to one of those fit, at once: as most desks do."""

    def __init__(self, pick: Callable[[Sequence[Engineer]], Engineer]) -> None:
        self._pick = pick

    def asks(self, view: View) -> list[Ask]:
        engineers = {one.id: one for one in view.engineers}
        roomy = {one.id for one in view.engineers if one.on_duty and one.open_jobs < one.capacity}
        today = view.at.astimezone(view.rules.zone).date()
        nobody = set[tuple[str, bool, str | None]]()  # alike jobs need not be asked about again
        found = []
        for job in _oldest_first(view.waiting):
            if not roomy:
                break
            kind = (job.site, job.resident, job.skill)
            if kind in nobody:
                continue
            asked = Asked(job, view.at, today, view.rules)
            fit, _ = object_to(asked, [engineers[person] for person in sorted(roomy)])
            if not fit:
                if not job.declined:
                    nobody.add(kind)
                continue
            chosen = self._pick(fit)
            found.append(Ask(job, chosen.id))
            engineers[chosen.id] = replace(chosen, open_jobs=chosen.open_jobs + 1)
            if chosen.open_jobs + 1 >= chosen.capacity:
                roomy.discard(chosen.id)
        return found


def _oldest_first(waiting: Mapping[str, Sequence[Job]]) -> list[Job]:
    jobs = [job for queue in waiting.values() for job in queue]
    return sorted(jobs, key=lambda job: (not job.vip, job.due, job.number))


class LeastLoaded:
    """The fewest open jobs; among equals the one who was given nothing for longest."""

    def __init__(self) -> None:
        self._turn: dict[str, int] = {}
        self._count = 0

    def __call__(self, fit: Sequence[Engineer]) -> Engineer:
        chosen = min(fit, key=lambda one: (one.open_jobs, self._turn.get(one.id, -1), one.id))
        self._count += 1
        self._turn[chosen.id] = self._count
        return chosen


class RoundRobin:
    """Whose turn it is, in one circle over everybody."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, fit: Sequence[Engineer]) -> Engineer:
        chosen = min(fit, key=lambda one: (one.id <= self._last, one.id))
        self._last = chosen.id
        return chosen


LEAD = timedelta(minutes=12)  # an offer goes out that long before the engineer is to leave
PER_ENGINEER = 3  # jobs looked ahead; further away the plan would change before it is used
ENOUGH, PER_READY = 16, 3  # nor is a longer list worth its time when few are free to be asked
LOST_SHARE = 4  # of those already late, one for so many places in the plan
EFFORT = 1_000  # the plan is made anew at every turn, so each may be a quick one


class Planner:
    """The batch planner over whoever is free soon, asked again whenever something happens.

    A job is offered when its engineer is about to be free, not before: until then a nearer
    colleague may finish early, or a more urgent job come in.
    """

    def asks(self, view: View) -> list[Ask]:
        soon = view.at + LEAD
        ready = {one.id for one in view.engineers if _ready(one, view, soon)}
        engineers, queues = _neighbourhood(view, ready)
        places = min(PER_ENGINEER * len(engineers), ENOUGH + PER_READY * len(ready))
        jobs = _worth_planning(queues, view.at, places)
        if not jobs:
            return []
        made = plan(jobs, engineers, view.at, view.travel.minutes, view.rules, effort=EFFORT)
        by_number = {job.number: job for job in jobs}
        return [
            Ask(by_number[visit.job], visit.engineer)
            for visit in made.visits
            if visit.position == 0 and visit.engineer in ready
        ]


def _ready(one: Engineer, view: View, soon: datetime) -> bool:
    free_soon = one.free_at is None or one.free_at <= soon
    has_room = one.open_jobs < one.capacity
    return one.on_duty and free_soon and has_room and one.id not in view.asked


def _neighbourhood(
    view: View, ready: Collection[str]
) -> tuple[list[Engineer], list[Sequence[Job]]]:
    """The part of the desk that the ready engineers share jobs with, directly or by others."""
    served = {one.id: _serves(one, view) for one in view.engineers}
    cities = set[str]().union(*(served[person] for person in ready))
    grown = True
    while grown:
        near = [one for one in view.engineers if served[one.id] & cities]
        wider = cities.union(*(served[one.id] for one in near))
        cities, grown = wider, wider != cities
    return near, [queue for city, queue in view.waiting.items() if city in cities]


def _serves(one: Engineer, view: View) -> set[str]:
    """Cities with something to do for the engineer."""
    sites = {*one.sites, one.resident_at} if one.resident_at else one.sites
    cities = {view.cities[site] for site in sites if site in view.cities}
    return (cities if one.role == RESIDENT else cities | one.cities) & view.waiting.keys()


def _worth_planning(queues: Iterable[Sequence[Job]], at: datetime, places: int) -> list[Job]:
    """The nearest deadlines that can still be kept, and some of those that cannot."""
    jobs = [job for queue in queues for job in queue]
    if len(jobs) <= places:
        return jobs
    jobs.sort(key=lambda job: (job.due, job.number))
    lost = [job for job in jobs if job.due <= at]
    kept = jobs[len(lost) :][: places - min(len(lost), places // LOST_SHARE)]
    return kept + lost[: places - len(kept)]
