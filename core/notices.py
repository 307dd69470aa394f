"""Everything the desk may say, as kinds with slots. Sentences are made by core/words.

Slots named in TERMS hold a key that the catalogs translate (a category, a reason, a milestone);
moments are printed in the reader's zone; everything else is text or a number as it stands.
"""

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar

from core.messages import Value

TERMS = frozenset(
    {
        "category",
        "mode",
        "status",
        "reason",
        "result",
        "milestone",
        "priority",
        "trouble",
        "asked",
        "state",
        "what",
        "wish",
        "complaint",
        "deviation",
        "outcome",
        "alarm",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell. `loud`: a person must act or know now. `must`: repeat when in doubt."""

    loud: ClassVar[bool] = True
    must: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False  # by two channels at once where the person has them
    answer: ClassVar[bool] = False  # a reply to what the person just did, on the same channel
    echo: ClassVar[bool] = False  # an answer that the card says as well, if it was pressed there

    @property
    def kind(self) -> str:
        return kind_of(type(self))

    def params(self) -> dict[str, Value]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def kind_of(notice: type[Notice]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", notice.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutTicket(Notice):
    number: str


# -- to the requester


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened(AboutTicket):
    answer: ClassVar[bool] = True
    must: ClassVar[bool] = True
    symptom: str
    site: str
    device: str
    category: str
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSite(AboutTicket):
    must: ClassVar[bool] = True  # the next step hangs on it
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTo(AboutTicket):
    """The report belongs to a matter that is already being worked on (R-015)."""

    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAdded(AboutTicket):
    answer: ClassVar[bool] = True
    symptom: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(Notice):
    answer: ClassVar[bool] = True
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerAssigned(AboutTicket):
    engineer: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAssigned(AboutTicket):
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerEnRoute(AboutTicket):
    engineer: str
    code: str  # four digits that the user tells the engineer: proof of the arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerArrived(AboutTicket):
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitChanged(AboutTicket):
    """The visit is handed to somebody else (R-031)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOffered(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStarted(AboutTicket):
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCheck(AboutTicket):
    must: ClassVar[bool] = True
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedReminder(AboutTicket):
    must: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClosed(AboutTicket):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedUnconfirmed(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketCancelled(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSolvedReceived(AboutTicket):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatComesNext(AboutTicket):
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgeReceived(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReopened(AboutTicket):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForYou(AboutTicket):
    must: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerSays(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAsked(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyReminder(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyThanks(AboutTicket):
    answer: ClassVar[bool] = True
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintReceived(AboutTicket):
    """To whoever complained: it is registered, and will be answered by then (R-067)."""

    must: ClassVar[bool] = True
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintAnswered(AboutTicket):
    must: ClassVar[bool] = True
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationReceived(AboutTicket):
    """To the customer: the notice is registered, and a plan will be there by then (R-104)."""

    must: ClassVar[bool] = True
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationPlanned(AboutTicket):
    must: ClassVar[bool] = True
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTooBig(AboutTicket):
    name: str
    megabytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGone(AboutTicket):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSeen(AboutTicket):
    """R-112: the desk never wants a password, and says so when one seems to have been sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Notice):
    """A message that could not be worked on: a person will look."""

    answer: ClassVar[bool] = True
    reference: str


# -- to engineers


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOffered(AboutTicket):
    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    address: str
    requester: str
    device: str
    symptom: str
    priority: str
    due: datetime | None
    answer_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverNote(AboutTicket):
    """With the offer: what the engineer before wants the next one to know."""

    must: ClassVar[bool] = True
    engineer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferReminder(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    answer_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTaken(AboutTicket):
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExpired(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTaken(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTaken(AboutTicket):
    """Yours, and nobody has to go anywhere."""

    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMoved(AboutTicket):
    """Your step was understood: on the way, arrived, started."""

    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAssigned(AboutTicket):
    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterSays(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequesterUrges(AboutTicket):
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(AboutTicket):
    must: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobConfirmed(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class JobNotSolved(AboutTicket):
    must: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandedOver(AboutTicket):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAgreed(AboutTicket):
    must: ClassVar[bool] = True
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveNow(AboutTicket):
    must: ClassVar[bool] = True
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEngineer(AboutTicket):
    """Extra hands for an emergency: who goes is told whom they help."""

    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    commander: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult(AboutTicket):
    must: ClassVar[bool] = True  # the next step hangs on it
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AskChoice(AboutTicket):
    """One more tap: a reason, a site, a name. `asked` is the action that needs it."""

    must: ClassVar[bool] = True
    answer: ClassVar[bool] = True
    asked: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed(AboutTicket):
    answer: ClassVar[bool] = True
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKept(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


# -- to the desk, supervisors, quality


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskProposal(AboutTicket):
    must: ClassVar[bool] = True
    symptom: str
    requester: str
    site: str
    category: str
    mode: str
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStep(AboutTicket):
    """Arrived, resolved, confirmed: the desk is told at once (R-038)."""

    loud: ClassVar[bool] = False
    status: str
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNotSolved(AboutTicket):
    must: ClassVar[bool] = True
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskUnresolved(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyAccepts(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    symptom: str
    minutes: int
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyToAsk(AboutTicket):
    must: ClassVar[bool] = True
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLeft(AboutTicket):
    """Accepted, not on the way, and the road is as long as what is left (flow 4.3, 5)."""

    must: ClassVar[bool] = True
    engineer: str
    site: str
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveTold(Notice):
    """Somebody is away: what they had was handed on (R-031)."""

    must: ClassVar[bool] = True
    name: str
    starts: datetime
    ends: datetime
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveKept(Notice):
    answer: ClassVar[bool] = True
    starts: datetime
    ends: datetime
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverKept(Notice):
    must: ClassVar[bool] = True
    name: str
    covered: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyGap(Notice):
    """Nobody is planned where somebody must be (R-030)."""

    must: ClassVar[bool] = True
    place: str
    starts: datetime
    ends: datetime
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateProposed(AboutTicket):
    """Another report of what may be the same matter (R-015)."""

    parent: str
    site: str
    category: str
    symptom: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyProposed(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    category: str
    symptom: str
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyDeclared(AboutTicket):
    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    commander: str
    reports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyNews(AboutTicket):
    """To everybody who reported it."""

    must: ClassVar[bool] = True
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRound(AboutTicket):
    """How it stands, every half hour until it is over."""

    must: ClassVar[bool] = True
    site: str
    status: str
    commander: str
    engineer: str
    reports: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyOver(AboutTicket):
    must: ClassVar[bool] = True
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyReport(AboutTicket):
    """What happened and when, for the report that is due in two working days."""

    must: ClassVar[bool] = True
    site: str
    minutes: int
    reports: int
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProposed(AboutTicket):
    """One assignment for the whole backlog; the ticket is the one that its button hangs on."""

    must: ClassVar[bool] = True
    jobs: int
    engineers: int
    saved: int  # minutes late that the plan avoids against asking one after the other
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaWarning(AboutTicket):
    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str  # "" or how late this warning itself is, after a downtime


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaBreach(AboutTicket):
    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaLateOnAttach(AboutTicket):
    """A new priority or site brought a target that was used up already: said once."""

    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPromiseFailed(AboutTicket):
    """Somebody promised something by `due`, and it has not come."""

    must: ClassVar[bool] = True
    milestone: str
    site: str
    holder: str
    due: datetime
    late: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimToAccept(AboutTicket):
    """A step was entered late, and counts from its own time only if a supervisor says so."""

    must: ClassVar[bool] = True
    engineer: str
    status: str
    at: datetime
    entered: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Notice):
    """What will be late unless somebody acts; the lines are made in the reader's language."""

    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YearAhead(Notice):
    """Next year's working days are estimates: the administrator must import them."""

    year: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppointmentSet(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWaitingForMe(AboutTicket):
    """The requester says that the pause is not theirs: it ends, and somebody looks at it."""

    must: ClassVar[bool] = True
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(AboutTicket):
    answer: ClassVar[bool] = True
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplaintToAnswer(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    engineer: str  # about whom; "" where nobody had the job
    text: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationToPlan(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    text: str
    due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterState(AboutTicket):
    """How a complaint or a deviation stands after what was just done."""

    what: str
    state: str
    name: str  # who did it


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCorrected(AboutTicket):
    """A verdict was overruled by a further row (promise 8)."""

    milestone: str
    outcome: str
    name: str
    text: str  # why


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineerNumber(AboutTicket):
    """Whom to ring up about a job: whoever holds it, or was asked to."""

    answer: ClassVar[bool] = True
    engineer: str
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowScore(AboutTicket):
    must: ClassVar[bool] = True
    score: int
    requester: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(AboutTicket):
    """A letter could not be delivered on any channel: delivery honesty."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble(Notice):
    """To whoever runs the desk: a second poller, a poison message, a channel that stopped."""

    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True  # one of the two ways may be what is broken
    trouble: str
    detail: str


# -- answers to typed words


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStatus(AboutTicket):
    answer: ClassVar[bool] = True
    status: str
    symptom: str
    engineer: str
    due: datetime | None
    complaint: str  # how the last complaint and the last notice of deviation stand; "": none
    deviation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTickets(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTicket(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Help(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy(Notice):
    """What is kept about the reader, for what, how long, and how to have it changed."""

    answer: ClassVar[bool] = True
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyReceived(Notice):
    answer: ClassVar[bool] = True
    wish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyAsked(Notice):
    """To whoever answers for the data: somebody wants theirs shown, corrected or erased."""

    must: ClassVar[bool] = True
    requester: str
    wish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCommand(Notice):
    answer: ClassVar[bool] = True
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpStaff(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Thanks(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(AboutTicket):
    """/why: the lines are made when the letter is written, in the reader's language."""

    answer: ClassVar[bool] = True
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines(Notice):
    """A list that was made in the reader's language: a queue, a rota, a board."""

    answer: ClassVar[bool] = True
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Notice):
    """What goes with a picture; the caption was made in the reader's language."""

    answer: ClassVar[bool] = True
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageSet(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseLanguage(Notice):
    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound(Notice):
    answer: ClassVar[bool] = True
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptedOut(Notice):
    """No more than needful comes to this number from here on."""

    answer: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PinWrong(Notice):
    answer: ClassVar[bool] = True
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinLocked(Notice):
    answer: ClassVar[bool] = True
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PinGuessed(Notice):
    """To supervisors: somebody tries PINs from the number of a member of staff."""

    must: ClassVar[bool] = True
    name: str
    address: str  # masked
    tries: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Notice):
    """A refusal in words: `reason` is its catalog key."""

    answer: ClassVar[bool] = True
    reason: str
    detail: str


NOTICES: dict[str, type[Notice]] = {
    kind_of(value): value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, Notice) and value not in {Notice, AboutTicket}
}
