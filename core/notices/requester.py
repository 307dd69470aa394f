"""To whoever reported it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.notices.notice import AboutTicket, Notice


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
class CancelPassedOn(AboutTicket):
    answer: ClassVar[bool] = True


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
