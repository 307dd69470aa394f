"""Who should go: a table of objections, then a score whose parts answer "why Li?"."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

RESIDENT, FIELD, BACKUP = "resident_engineer", "field_engineer", "backup_engineer"

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HALF_A_DAY = 12.0
GUANGDONG = ZoneInfo("Asia/Shanghai")

Minutes = Callable[[str | None, str], float]  # on the road, from a place to a site


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The figures behind the choice. Every one is a setting; minutes are the common currency."""

    cool_off: timedelta = timedelta(hours=24)  # a decliner is not asked again for the same job
    weights: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({"P1": 4.0, "P2": 2.0, "P3": 1.0, "P4": 0.7})
    )
    vip: float = 1.5
    breach: float = 240.0  # a promise broken costs this before the first late minute
    routing: float = 60.0  # one step further along resident, field, backup
    travel: float = 0.4  # a minute on the road
    waiting: float = 0.05  # a minute until arrival, within the deadline
    load: float = 20.0  # an engineer whose hands are full
    preferred: float = 15.0
    fairness: float = 3.0  # each job already done today
    idle: float = 2.0  # each hour since the last job, in the engineer's favour
    nda_required: bool = True
    anywhere: bool = False  # an emergency: whoever covers other places may come from there
    zone: tzinfo = GUANGDONG  # passes and agreements end with a local day

    def weight(self, priority: str, vip: bool) -> float:
        return self.weights.get(priority, 1.0) * (self.vip if vip else 1.0)

    def lateness(self, late: float, weight: float) -> float:
        """What an arrival `late` minutes after its deadline costs."""
        return weight * (self.breach + late) if late > 0 else 0.0


DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A visit that somebody has to make."""

    number: str
    site: str
    city: str
    due: datetime  # latest arrival
    priority: str = "P3"
    vip: bool = False
    resident: bool = False  # a resident site while the customer's own hours run
    skill: str | None = None
    minutes: float = 60.0  # expected work on site
    needs_pass: bool = False
    preferred: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    declined: Mapping[str, datetime] = field(default_factory=dict)  # who said no, and when


@dataclass(frozen=True, slots=True, kw_only=True)
class Engineer:
    """One engineer as of a moment: what the register says, and what the day has made of it."""

    id: str
    role: str = FIELD
    resident_at: str | None = None
    cities: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()  # covered besides the cities
    skills: frozenset[str] = frozenset()
    active: bool = True
    on_duty: bool = True
    on_leave: bool = False
    duty_ends: datetime | None = None
    nda_until: date | None = None
    pass_until: date | None = None
    capacity: int = 3
    open_jobs: int = 0
    jobs_today: int = 0
    last_job_at: datetime | None = None
    free_at: datetime | None = None  # None: now
    place: str | None = None  # where the last open job ends


class Asked(NamedTuple):
    """The question that a rule sees before it meets the engineers."""

    job: Job
    at: datetime
    today: date
    rules: Rules


Holds = Callable[[Engineer], bool]
Objection = Callable[[Asked], Holds | None]  # None: it cannot hold against anybody this time


def covers(job: Job, engineer: Engineer) -> bool:
    """R-024: a resident works at the own site in its hours, everybody else where they cover."""
    if engineer.role == RESIDENT:
        return job.resident and job.site == engineer.resident_at
    return job.city in engineer.cities or job.site in engineer.sites


def _other_place(asked: Asked) -> Holds | None:
    """A resident stays at the own site whatever happens elsewhere."""
    job, anywhere = asked.job, asked.rules.anywhere
    return lambda engineer: not (covers(job, engineer) or (anywhere and engineer.role != RESIDENT))


def _excluded(asked: Asked) -> Holds | None:
    excluded = asked.job.excluded
    return (lambda engineer: engineer.id in excluded) if excluded else None


def _lacks_skill(asked: Asked) -> Holds | None:
    skill = asked.job.skill
    return (lambda engineer: skill not in engineer.skills) if skill is not None else None


def _without_nda(asked: Asked) -> Holds | None:
    today = asked.today
    if not asked.rules.nda_required:
        return None
    return lambda engineer: engineer.nda_until is None or engineer.nda_until < today


def _without_pass(asked: Asked) -> Holds | None:
    today = asked.today
    if not asked.job.needs_pass:
        return None
    return lambda engineer: engineer.pass_until is None or engineer.pass_until < today


def _declined(asked: Asked) -> Holds | None:
    since = asked.at - asked.rules.cool_off
    cooling = {person for person, at in asked.job.declined.items() if at > since}
    return (lambda engineer: engineer.id in cooling) if cooling else None


# The keys are catalog keys and go into the ticket's history. The first that holds is told, so
# what a person cannot change stands before what the day may change.
LASTING: Mapping[str, Objection] = MappingProxyType(
    {
        "inactive": lambda asked: lambda engineer: not engineer.active,
        "excluded": _excluded,
        "other_place": _other_place,
        "lacks_skill": _lacks_skill,
        "no_nda": _without_nda,
        "no_pass": _without_pass,
        "declined": _declined,
    }
)
PASSING: Mapping[str, Objection] = MappingProxyType(
    {
        "on_leave": lambda asked: lambda engineer: engineer.on_leave,
        "off_duty": lambda asked: lambda engineer: not engineer.on_duty,
        "no_room": lambda asked: lambda engineer: engineer.open_jobs >= engineer.capacity,
    }
)
OBJECTIONS: Mapping[str, Objection] = MappingProxyType({**LASTING, **PASSING})


def object_to(
    asked: Asked, engineers: Iterable[Engineer], table: Mapping[str, Objection] = OBJECTIONS
) -> tuple[list[Engineer], dict[str, str]]:
    """Those who are fit, and the key of the first objection to each of the others."""
    fit = list(engineers)
    passed_over: dict[str, str] = {}
    for key, rule in table.items():
        if holds := rule(asked):
            objected = [engineer for engineer in fit if holds(engineer)]
            if objected:
                passed_over |= {engineer.id: key for engineer in objected}
                fit = [engineer for engineer in fit if engineer.id not in passed_over]
    return fit, passed_over


class Candidate(NamedTuple):
    """One who could go. The score is in minutes and the lowest wins; a negative part speaks for
    the person. Flat, because a thousand of them are made for one choice."""

    total: float
    engineer: str
    wait: float  # from the question to the arrival
    lateness: float
    routing: float
    travel: float
    waiting: float
    load: float
    preferred: float
    fairness: float

    @property
    def parts(self) -> dict[str, float]:
        """Each part of the score by its name, which is a catalog key."""
        return dict(zip(PARTS, self[3:], strict=True))


PARTS = Candidate._fields[3:]


@dataclass(frozen=True, slots=True)
class Choice:
    """The best, everybody fit in order, and why each of the others was passed over."""

    at: datetime
    best: Candidate | None
    ranked: tuple[Candidate, ...]
    passed_over: Mapping[str, str]

    def arrival(self, candidate: Candidate) -> datetime:
        return self.at + timedelta(minutes=candidate.wait)


STEPS = MappingProxyType({RESIDENT: 0, FIELD: 1, BACKUP: 2})


def routing_step(job: Job, role: str) -> int:
    """How far down the ladder of R-024 the role stands for this job."""
    return STEPS.get(role, len(STEPS)) - (0 if job.resident else 1)


def choose(
    job: Job,
    engineers: Iterable[Engineer],
    at: datetime,
    minutes: Minutes,
    rules: Rules = DEFAULT_RULES,
) -> Choice:
    """Judge everybody. A step of R-024 yields only where keeping to it would break the deadline."""
    asked = Asked(job, at, at.astimezone(rules.zone).date(), rules)
    fit, passed_over = object_to(asked, engineers)
    ranked = sorted(_candidates(asked, fit, minutes))
    return Choice(at, ranked[0] if ranked else None, tuple(ranked), passed_over)


def _candidates(asked: Asked, fit: Iterable[Engineer], minutes: Minutes) -> list[Candidate]:
    """A thousand candidates fit into a few milliseconds, so what they share is worked out once."""
    job, at, _, rules = asked
    site, preferred = job.site, job.preferred
    weight = rules.weight(job.priority, job.vip)
    slack = (job.due - at) / MINUTE
    waiting = rules.waiting * weight
    routing = {role: rules.routing * routing_step(job, role) for role in (*STEPS, "")}
    roads: dict[str | None, float] = {}  # many stand at the same places
    candidates = []
    for engineer in fit:
        free_at, name, place = engineer.free_at, engineer.id, engineer.place
        if place not in roads:
            roads[place] = minutes(place, site)
        wait = road = roads[place]
        if free_at is not None and free_at > at:
            wait += (free_at - at) / MINUTE
        late = rules.lateness(wait - slack, weight) if wait > slack else 0.0
        step = routing[engineer.role if engineer.role in STEPS else ""]
        travel = rules.travel * road
        soon = waiting * wait
        load = rules.load * engineer.open_jobs / engineer.capacity
        liked = -rules.preferred if name in preferred else 0.0
        fair = rules.fairness * engineer.jobs_today - rules.idle * _idle_hours(engineer, at)
        total = late + step + travel + soon + load + liked + fair
        candidates.append(Candidate(total, name, wait, late, step, travel, soon, load, liked, fair))
    return candidates


def _idle_hours(engineer: Engineer, at: datetime) -> float:
    """Since the last job, half a day at most; a stranger to the day counts as that."""
    if engineer.last_job_at is None:
        return HALF_A_DAY
    return min(HALF_A_DAY, (at - engineer.last_job_at) / HOUR)


def urgency(job: Job) -> tuple[bool, datetime, str, str]:
    """Sorts a backlog: VIP first (R-032), then the oldest deadline."""
    return (not job.vip, job.due, job.priority, job.number)


def eligible(
    job: Job, engineers: Iterable[Engineer], at: datetime, rules: Rules = DEFAULT_RULES
) -> list[Engineer]:
    """Those with no lasting objection: they could go now or later, once on duty and with room."""
    asked = Asked(job, at, at.astimezone(rules.zone).date(), rules)
    return object_to(asked, engineers, LASTING)[0]
