"""To the desk, supervisors, quality, and whoever runs the program."""

from datetime import datetime
from typing import ClassVar

from core.notices.notice import AboutTicket, Notice


class DeskProposal(AboutTicket):
    must: ClassVar[bool] = True
    symptom: str
    requester: str
    site: str
    category: str
    mode: str
    priority: str


class DeskStep(AboutTicket):
    """Arrived, resolved, confirmed: the desk is told at once (R-038)."""

    loud: ClassVar[bool] = False
    status: str
    engineer: str


class DeskCancelAsked(AboutTicket):
    """The requester wants it cancelled, and it is dispatched: the desk has to."""

    requester: str
    status: str
    engineer: str
    text: str


class DeskNotSolved(AboutTicket):
    must: ClassVar[bool] = True
    requester: str


class DeskUnresolved(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    reason: str


class NobodyAccepts(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    symptom: str
    minutes: int
    due: datetime | None
    overdue: datetime | None  # in place of `due`, once that has passed


class NobodyToAsk(AboutTicket):
    must: ClassVar[bool] = True
    site: str


class NotLeft(AboutTicket):
    """Accepted, not on the way, and the road is as long as what is left (flow 4.3, 5)."""

    must: ClassVar[bool] = True
    engineer: str
    site: str
    due: datetime


class LeaveTold(Notice):
    """Somebody is away: what they had was handed on (R-031)."""

    must: ClassVar[bool] = True
    name: str
    starts: datetime
    ends: datetime
    jobs: int


class LeaveKept(Notice):
    answer: ClassVar[bool] = True
    starts: datetime
    ends: datetime
    jobs: int


class CoverKept(Notice):
    must: ClassVar[bool] = True
    name: str
    covered: str
    starts: datetime
    ends: datetime


class DutyGap(Notice):
    """Nobody is planned where somebody must be (R-030)."""

    must: ClassVar[bool] = True
    place: str
    starts: datetime
    ends: datetime
    missing: int


class DuplicateProposed(AboutTicket):
    """Another report of what may be the same matter (R-015)."""

    parent: str
    site: str
    category: str
    symptom: str


class DuplicateLinked(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
    parent: str


class EmergencyProposed(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    category: str
    symptom: str
    reports: int


class EmergencyDeclared(AboutTicket):
    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    commander: str
    reports: int


class EmergencyNews(AboutTicket):
    """To everybody who reported it."""

    must: ClassVar[bool] = True
    site: str


class EmergencyRound(AboutTicket):
    """How it stands, every half hour until it is over."""

    must: ClassVar[bool] = True
    site: str
    status: str
    commander: str
    engineer: str
    reports: int
    minutes: int


class EmergencyOver(AboutTicket):
    must: ClassVar[bool] = True
    site: str


class EmergencyReport(AboutTicket):
    """What happened and when, for the report that is due in two working days."""

    must: ClassVar[bool] = True
    site: str
    minutes: int
    reports: int
    lines: str


class PlanProposed(AboutTicket):
    """One assignment for the whole backlog; the ticket is the one that its button hangs on."""

    must: ClassVar[bool] = True
    jobs: int
    engineers: int
    saved: int  # minutes late that the plan avoids against asking one after the other
    lines: str


class PlanUsed(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


class SlaWarning(AboutTicket):
    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str  # "" or how late this warning itself is, after a downtime


class SlaBreach(AboutTicket):
    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


class SlaLateOnAttach(AboutTicket):
    """A new priority or site brought a target that was used up already: said once."""

    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


class SlaPromiseFailed(AboutTicket):
    """Somebody promised something by `due`, and it has not come."""

    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


class ClaimToAccept(AboutTicket):
    """A step was entered late, and counts from its own time only if a supervisor says so."""

    must: ClassVar[bool] = True
    engineer: str
    status: str
    at: datetime
    entered: datetime


class Forecast(Notice):
    """What will be late unless somebody acts; the lines are made in the reader's language."""

    lines: str


class YearAhead(Notice):
    """Next year's working days are estimates: the administrator must import them."""

    year: int


class AppointmentSet(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    at: datetime


class NotWaitingForMe(AboutTicket):
    """The requester says that the pause is not theirs: it ends, and somebody looks at it."""

    must: ClassVar[bool] = True
    requester: str


class Acknowledged(AboutTicket):
    answer: ClassVar[bool] = True
    until: datetime


class ComplaintToAnswer(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    engineer: str  # about whom; "" where nobody had the job
    text: str
    due: datetime | None


class DeviationToPlan(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    text: str
    due: datetime | None


class MatterState(AboutTicket):
    """How a complaint or a deviation stands after what was just done."""

    what: str
    state: str
    name: str  # who did it


class VerdictCorrected(AboutTicket):
    """A verdict was overruled by a further row (promise 8)."""

    milestone: str
    outcome: str
    name: str
    text: str  # why


class EngineerNumber(AboutTicket):
    """Whom to ring up about a job: whoever holds it, or was asked to."""

    answer: ClassVar[bool] = True
    engineer: str
    phone: str = ""


class LowScore(AboutTicket):
    must: ClassVar[bool] = True
    score: int
    requester: str


class Unreachable(AboutTicket):
    """A letter could not be delivered on any channel: delivery honesty."""

    name: str
    reason: str


class Trouble(Notice):
    """To whoever runs the desk: a second poller, a poison message, a channel that stopped."""

    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True  # one of the two ways may be what is broken
    trouble: str
    detail: str
