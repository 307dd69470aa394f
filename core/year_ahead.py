"""From 15 November the desk reminds its supervisors daily that next year's days are estimates."""

from dataclasses import dataclass
from datetime import date, datetime, time

from core import looks
from core.desk import Desk
from core.notices.desk import YearAhead
from core.people import Role
from core.ports import Tx
from core.rows import TimerRow
from core.sla.calendar import Calendar
from core.sla.days import DayFact
from core.sla.national import year_ahead_warning
from core.telling import tell

TIMER = "year_ahead"
AT = time(9)


@dataclass(frozen=True)
class _Days:
    """A calendar's days by date, as core/sla asks for them."""

    calendar: Calendar

    def get(self, key: date, /) -> DayFact | None:
        return self.calendar.fact(key)


def plan(tx: Tx, desk: Desk, now: datetime) -> None:
    looks.begin(tx, TIMER, looks.next_day_at(AT, desk, now))


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    today = now.astimezone(desk.rules.zone).date()
    year = year_ahead_warning(today, _Days(desk.working_days))
    if year is not None:
        for person in desk.register.open(tx).with_role(Role.SUPERVISOR, Role.ADMINISTRATOR):
            tell(tx, desk, person, YearAhead(year=year), event=f"t{timer.id}", now=now)
    looks.again(tx, TIMER, looks.next_day_at(AT, desk, now))
