"""The desk: what every use case is given. Put together in bot/main.py and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.moments import read_moment, read_past_moment
from core.ports import Capabilities, Now, Store
from core.register import Register
from core.sla.calendar import Calendar
from core.sla.policy import Policy

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The desk's own figures: all `default` in requirements, all settings."""

    zone: ZoneInfo = SHANGHAI
    settle: timedelta = timedelta(seconds=45)  # a photo or a correction may still arrive first
    join: timedelta = timedelta(minutes=30)  # later messages belong to the last ticket
    site_answer: timedelta = timedelta(minutes=5)  # how long routing waits for the one question
    untriaged: timedelta = timedelta(minutes=10)  # nothing rests without a mode longer
    sure: float = 0.6  # certainty from which the desk triages by itself
    remind_days: tuple[int, ...] = (1, 2)  # working days after which the requester is reminded
    silent_days: int = 3  # end of this working day closes
    survey_at: time = time(10)
    morning: time = time(9)  # meant by "tomorrow" where no time of day is named
    survey_remind_days: int = 2
    survey_expires: timedelta = timedelta(days=7)
    survey_change: timedelta = timedelta(hours=24)
    low_score: int = 2
    survey_rest: timedelta = timedelta(days=14)  # after a bad score
    reopen: timedelta = timedelta(days=7)
    urge_every: timedelta = timedelta(minutes=30)
    promise: timedelta = timedelta(minutes=30)  # what a bare acknowledgement promises
    claims_need_approval: bool = False  # a late entry counts only once a supervisor accepts it
    plan_by_itself: bool = False  # the planner's proposals are used without a press
    draft: timedelta = timedelta(hours=2)
    prompt: timedelta = timedelta(hours=48)


@dataclass(kw_only=True)
class Desk:
    """`channels` are those switched on, by name, with what each can do."""

    store: Store
    now: Now
    calendars: Mapping[str, Calendar]
    channels: Mapping[str, Capabilities]
    policies: Sequence[Policy] = ()
    rules: Rules = field(default_factory=Rules)
    register: Register = field(init=False)
    wake: Callable[[], None] = lambda: None  # there is something to send

    def __post_init__(self) -> None:
        # The calendars are replaced when somebody edits them, so they are asked for each time.
        self.register = Register(lambda: self.calendars.get("resident"))

    def moment_in(self, text: str, now: datetime) -> datetime | None:
        """A moment that a person typed: 15:00, 明天 9:30, 2026-11-24 14:00; None if it is none."""
        return read_moment(text, now.astimezone(self.rules.zone))

    def planned_in(self, text: str, now: datetime) -> datetime | None:
        """The end of a pause that a person typed; of a day that is named, its morning."""
        return read_moment(text, now.astimezone(self.rules.zone), self.rules.morning)

    def past_moment_in(self, text: str, now: datetime) -> datetime | None:
        """When something happened, as a person typed it: 14:05, 昨天 17:30."""
        return read_past_moment(text, now.astimezone(self.rules.zone))

    @property
    def working_days(self) -> Calendar:
        return self.calendars["working_days"]
