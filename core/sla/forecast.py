"""What will be late unless somebody acts, and by when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.sla.clock import Reading


class Needs(StrEnum):
    """The step that keeps the promise."""

    ACCEPT = "accept"
    LEAVE = "leave"
    ARRIVE = "arrive"
    STOP = "stop"  # whatever ends the clock: an answer, a result
    NOTHING_HELPS = "nothing_helps"  # it is late


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A clock that runs, and what is known of the way to its end."""

    subject: str
    reading: Reading
    status: str  # of the ticket
    travel: timedelta | None = None  # to the site; None: nobody has to travel


@dataclass(frozen=True, slots=True)
class Outlook:
    """One line of the forecast."""

    subject: str
    milestone: str
    due: datetime
    act_by: datetime
    needs: Needs
    missed: bool  # the moment to act has passed


def forecast(clocks: Iterable[Running], now: datetime, horizon: timedelta) -> list[Outlook]:
    """Everything that must be acted on within the horizon, the most urgent first."""
    lines = [line for clock in clocks if (line := _outlook(clock, now)) is not None]
    near = [line for line in lines if line.act_by <= now + horizon]
    return sorted(near, key=lambda line: (line.act_by, line.due, line.subject))


def _outlook(clock: Running, now: datetime) -> Outlook | None:
    reading = clock.reading
    if not reading.ticking or reading.due is None:
        return None
    needs = _needs(clock)
    act_by = reading.due
    if needs in (Needs.ACCEPT, Needs.LEAVE) and clock.travel is not None:
        act_by -= clock.travel  # a road is as long outside opening hours
    late = act_by < now
    return Outlook(clock.subject, reading.milestone, reading.due, act_by, needs, late)


def _needs(clock: Running) -> Needs:
    if clock.reading.breached:
        return Needs.NOTHING_HELPS
    if clock.travel is None:
        return Needs.STOP
    if clock.status in ("accepted", "reopened"):
        return Needs.LEAVE
    return Needs.ARRIVE if clock.status == "en_route" else Needs.ACCEPT
