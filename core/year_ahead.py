"""From 15 November the desk reminds its supervisors daily that next year's days are estimates."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

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
    if tx.first(TimerRow, order="due_at", kind=TIMER, state="pending") is None:
        tx.add(TimerRow(kind=TIMER, subject="desk", due_at=_next_morning(desk, now)))


def _next_morning(desk: Desk, now: datetime) -> datetime:
    local = now.astimezone(desk.rules.zone)
    morning = datetime.combine(local.date(), AT, desk.rules.zone)
    return morning if morning > local else morning + timedelta(days=1)


def fire(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    today = now.astimezone(desk.rules.zone).date()
    year = year_ahead_warning(today, _Days(desk.working_days))
    if year is not None:
        for person in desk.register.open(tx).with_role(Role.SUPERVISOR, Role.ADMINISTRATOR):
            tell(tx, desk, person, YearAhead(year=year), event=f"t{timer.id}", now=now)
    tx.add(TimerRow(kind=TIMER, subject="desk", due_at=_next_morning(desk, now)))
