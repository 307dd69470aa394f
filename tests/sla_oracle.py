"""What the clocks should have said, worked out from the journal by other means than theirs.

Nothing of core/sla is used: the service levels are read as plain TOML, the year 2026 is typed in
from the State Council's notice, openings are a list that is walked from the left, and a clock is a
list of stretches. It is slow and simple, and knows the shipped policy's features only.
"""

import tomllib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from typing import Any

from core.ticket import Step

Name = tuple[int, str, int, str]  # ticket, milestone, cycle, warning
CHINA = timedelta(hours=8)
DAY = timedelta(days=1)
OFF = {  # first day and length
    "01-01": 3, "02-15": 9, "04-04": 3, "05-01": 5, "06-19": 3, "09-25": 3, "10-01": 7,
}  # fmt: skip
MADE_UP = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")
STAFF_ONLY = {"", "system", "timer", "requester", "vip"}  # their words stop no clock by_staff
DONE = {"resolved", "confirmed", "closed", "cancelled"}


def _days_off() -> set[date]:
    found = {date(2027, 1, 1)}
    for text, length in OFF.items():
        first = date.fromisoformat(f"2026-{text}")
        found |= {first + n * DAY for n in range(length)}
    return found


def _openings() -> list[tuple[datetime, datetime]]:
    """Nine to six in Guangzhou on every working day from the end of 2025 to January 2027."""
    off, made_up = _days_off(), {date.fromisoformat(f"2026-{text}") for text in MADE_UP}
    days = (date(2025, 12, 1) + n * DAY for n in range(427))
    worked = (d for d in days if d not in off and (d.weekday() < 5 or d in made_up))
    midnights = (datetime.combine(day, time(), UTC) - CHINA for day in worked)
    return [(m + timedelta(hours=9), m + timedelta(hours=18)) for m in midnights]


OPENINGS = _openings()
OPENS = [opens for opens, _ in OPENINGS]


class Office:
    """Open on working days from nine to six."""

    def passed(self, start: datetime, end: datetime) -> timedelta:
        total = timedelta()
        for opens, closes in OPENINGS[max(0, bisect_right(OPENS, start) - 1) :]:
            if opens >= end:
                break
            total += max(timedelta(), min(closes, end) - max(opens, start))
        return total

    def reached(self, start: datetime, amount: timedelta) -> datetime:
        if amount <= timedelta():
            return start
        for opens, closes in OPENINGS[max(0, bisect_right(OPENS, start) - 1) :]:
            begin = max(opens, start)
            if begin < closes:
                if closes - begin >= amount:
                    return begin + amount
                amount -= closes - begin
        raise AssertionError("the year is over")

    def is_open(self, at: datetime) -> bool:
        return self.passed(at, at + timedelta(microseconds=1)) > timedelta()


class Always:
    """Open day and night."""

    def passed(self, start: datetime, end: datetime) -> timedelta:
        return end - start

    def reached(self, start: datetime, amount: timedelta) -> datetime:
        return start + amount


OFFICE, ALWAYS = Office(), Always()
HOURS: Mapping[str, Office | Always] = {
    "24x7": ALWAYS, "desk": ALWAYS, "field": ALWAYS, "working_days": OFFICE, "resident": OFFICE,
}  # fmt: skip
POLICY = tomllib.loads(files("core.sla").joinpath("data/policy.toml").read_text("utf-8"))
ENTERED: Mapping[str, str] = {"not_a_fault": "cancel"}


@dataclass(frozen=True, slots=True)
class Known:
    """What the policy may ask, as a transaction left it; `seq` is the journal's last line then."""

    now: datetime
    seq: int
    opened_at: datetime
    zone: str
    priority: str
    vip: bool
    mode: str

    def fits(self, when: Mapping[str, Any], started: datetime) -> bool:
        # a resident's site is served like zone B outside the resident's hours
        zone = "B" if self.zone == "A" and not OFFICE.is_open(started) else self.zone
        asked = {"zone": zone, "priority": self.priority, "vip": self.vip, "mode": self.mode}
        return all(asked[key] == value for key, value in when.items())


@dataclass
class Course:
    """One cycle of a clock: from when to when it ran."""

    started: datetime
    ran: list[tuple[datetime, datetime | None]]
    end: datetime | None = None
    how: str = ""  # stopped or void
    agreed: datetime | None = None

    @property
    def running(self) -> bool:
        return self.end is None and bool(self.ran) and self.ran[-1][1] is None

    def rest(self, at: datetime) -> None:
        if self.running:
            self.ran[-1] = (self.ran[-1][0], at)

    def goes_on(self, at: datetime) -> None:
        if not self.running:
            self.ran.append((at, None))


@dataclass(frozen=True)
class Target:
    """What was promised, in time of these hours."""

    rule: int
    hours: Office | Always
    text: str

    def amount(self, course: Course) -> timedelta:
        if course.agreed is not None:
            return max(timedelta(), self.hours.passed(course.started, course.agreed))
        if not self.text.endswith("d"):
            return _length(self.text)
        end = self._end_of_day(course.started, int(self.text[:-1]))
        return self.hours.passed(course.started, end)

    def _end_of_day(self, start: datetime, count: int) -> datetime:
        """The close of the count-th worked day after the day of the start, which is day 0."""
        midnight = datetime.combine((start + CHINA).date() + DAY, time(), UTC) - CHINA
        if isinstance(self.hours, Always):
            return midnight + count * DAY
        return [closes for opens, closes in OPENINGS if opens > midnight][count - 1]

    def moment(self, course: Course, amount: timedelta) -> datetime | None:
        """By when so much was spent, or will have been if the clock runs on."""
        for start, end in course.ran:
            spent = None if end is None else self.hours.passed(start, end)
            if spent is None or spent >= amount:
                return self.hours.reached(start, amount)
            amount -= spent
        return None

    def late(self, course: Course, at: datetime) -> bool:
        """In whole seconds: at the target itself the promise is kept."""
        if course.agreed is not None:
            over = at - course.agreed
        else:
            spent = timedelta()
            for start, end in course.ran:
                if start < at:  # it is asked about moments before the last stretch too
                    spent += self.hours.passed(start, min(end or at, at))
            over = _whole(spent) - _whole(self.amount(course))
        return _whole(over) > timedelta()


def _length(text: str) -> timedelta:
    return int(text[:-1]) * {"h": timedelta(hours=1), "m": timedelta(minutes=1)}[text[-1]]


def _whole(length: timedelta) -> timedelta:
    return length // timedelta(seconds=1) * timedelta(seconds=1)


@dataclass(frozen=True)
class Window:
    """While the ticket stood so, the warning was due from `since`; it is `at` by the clock."""

    at: datetime
    since: datetime
    until: datetime


@dataclass
class Oracle:
    """What should have happened to one ticket, replayed state by state."""

    ticket: int
    due: dict[Name, list[Window]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[Name, str] = field(default_factory=dict)
    _came: dict[str, tuple[int, datetime | None]] = field(default_factory=dict)
    _ended: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _silent: set[Name] = field(default_factory=set)

    def replay(self, states: Sequence[Known], journal: Iterable[Step], end: datetime) -> None:
        lines = [step for step in journal if step.action != "warn"]
        ends = [*(state.now for state in states[1:]), end]
        for nth, (state, until) in enumerate(zip(states, ends, strict=True)):
            told = [step for step in lines if step.seq <= state.seq]
            for milestone, table in POLICY["clocks"].items():
                self.look(milestone, table, state, told, until, is_first=nth == 0)

    def look(
        self,
        milestone: str,
        table: Mapping[str, Any],
        state: Known,
        told: Sequence[Step],
        until: datetime,
        *,
        is_first: bool,
    ) -> None:
        started = _last_start(table, told)
        target = _target(milestone, state, started)
        if started is None or target is None:
            return
        if self._came.get(milestone, (-1, None))[0] != target.rule:
            self._came[milestone] = (target.rule, None if is_first else state.now)
        courses = list(_courses(table, told, target))
        self.judge(milestone, courses, target)
        course, number = courses[-1], len(courses)
        was = self._ended.get(milestone)
        self._ended[milestone] = (number, course.how == "stopped")
        if course.end is not None:
            return
        returned = was == (number, True)
        for at, name in self.planned(milestone, table, course, target, told):
            full = (self.ticket, milestone, number, name)
            if returned and at <= state.now:
                self._silent.add(full)  # nobody is warned at the moment of reopening
            if at <= until and full not in self._silent:
                self.due[full].append(Window(at, max(at, state.now), until))

    def planned(
        self,
        milestone: str,
        table: Mapping[str, Any],
        course: Course,
        target: Target,
        told: Sequence[Step],
    ) -> list[tuple[datetime, str]]:
        """Every warning of the course, by the moment at which it is due."""
        came = self._came[milestone][1]
        amount = target.amount(course)
        due = course.agreed or target.moment(course, amount)
        was_due = came is not None and due is not None and due < came != course.started
        if came is not None and was_due and target.late(course, came):
            return [(came, "attach")]
        rungs = [
            (max(at, came or at), name)
            for at, name in _rungs(table, course, target, amount)
            if at is not None
        ]
        rungs.sort(key=lambda rung: rung[0])
        return _silenced(rungs, course, told)

    def judge(self, milestone: str, courses: Sequence[Course], target: Target) -> None:
        """A cycle is judged when it stops, by the target that it had then."""
        for number, course in enumerate(courses, 1):
            key = (self.ticket, milestone, number, f"{course.end}")
            if course.how != "stopped" or key in self.verdicts:
                continue
            assert course.end is not None
            self.verdicts[key] = "broken" if target.late(course, course.end) else "met"

    def last_verdicts(self) -> Iterator[tuple[tuple[int, str, int], str]]:
        for (ticket, milestone, number, _), outcome in self.verdicts.items():
            yield (ticket, milestone, number), outcome


def _target(milestone: str, state: Known, started: datetime | None) -> Target | None:
    for number, rule in enumerate(POLICY["rules"]):
        if rule["clock"] == milestone and state.fits(
            rule.get("when", {}), started or state.opened_at
        ):
            hours = rule.get("calendar", POLICY["clocks"][milestone]["calendar"])
            return Target(number, HOURS[hours], rule["target"])
    return None


def _last_start(table: Mapping[str, Any], told: Sequence[Step]) -> datetime | None:
    """When the present cycle began: that depends on events alone, unless a late one was voided."""
    courses = list(_courses(table, told, None))
    return courses[-1].started if courses else None


def _courses(
    table: Mapping[str, Any], told: Sequence[Step], target: Target | None
) -> Iterator[Course]:
    """The cycles of a clock, from the lines of the journal."""
    course: Course | None = None
    may_start = True
    found: list[Course] = []
    for step in sorted(told, key=lambda step: step.at):
        event = ENTERED.get(step.action, step.action)
        if course is not None and course.end is None:
            _moves(table, course, step, event, target)
            if course.end is None:
                continue
        if event in table.get("renews", ()) and step.to_status not in DONE:
            may_start = True
        if may_start and event in table["starts"]:
            may_start = False
            course = Course(step.at, [])
            found.append(course)
            if step.to_status not in table.get("pauses", ()):
                course.goes_on(step.at)
        elif course is not None and event in table.get("continues", ()):
            course.end, course.how = None, ""
            if step.to_status not in table.get("pauses", ()):
                course.goes_on(step.at)
    return iter(found)


def _moves(
    table: Mapping[str, Any], course: Course, step: Step, event: str, target: Target | None
) -> None:
    by_staff = not table.get("by_staff") or step.actor_role not in STAFF_ONLY
    if table.get("appointment") and event == "set_appointment":
        course.agreed = datetime.fromisoformat(str(step.detail["at"])).astimezone(UTC)
    if event in table["stops"] and by_staff:
        course.rest(step.at)
        course.end, course.how = step.at, "stopped"
    elif event in table.get("voids", ("cancel",)):
        late = target is not None and target.late(course, step.at)
        course.rest(step.at)
        course.end, course.how = step.at, "stopped" if late else "void"
    elif step.to_status in table.get("pauses", ()):
        course.rest(step.at)
    else:
        course.goes_on(step.at)


def _rungs(
    table: Mapping[str, Any], course: Course, target: Target, amount: timedelta
) -> Iterator[tuple[datetime | None, str]]:
    for number, rung in enumerate(table.get("ladder", ()), 1):
        text = rung["at"]
        if text == "100%" and course.agreed is not None:
            yield course.agreed, f"rung{number}"
        elif text.endswith("%"):
            yield target.moment(course, amount * int(text[:-1]) / 100), f"rung{number}"
        else:
            before = _length(text.split()[0])  # "30m before"
            if amount > before:
                yield target.moment(course, amount - before), f"rung{number}"
    if repeat := table.get("repeat"):
        every = _length(repeat["every"])
        for count in range(1, repeat["at_most"] + 1):
            yield target.moment(course, amount + count * every), f"repeat{count}"


def _silenced(
    rungs: list[tuple[datetime, str]], course: Course, told: Sequence[Step]
) -> list[tuple[datetime, str]]:
    """A promise silences what is due until then; if it fails, that is said once."""
    until = None
    for step in sorted(told, key=lambda step: step.at):
        if step.action == "acknowledge" and step.at >= course.started:
            until = datetime.fromisoformat(str(step.detail["promised"])).astimezone(UTC)
    if until is None or not any(at <= until for at, _ in rungs):
        return rungs
    failed = (until, f"promise {until.isoformat()}")
    return [failed, *(rung for rung in rungs if rung[0] > until)]
