"""To whoever reported it."""

from datetime import datetime
from typing import ClassVar

from core.notices.notice import AboutTicket, Notice


class TicketOpened(AboutTicket):
    answer: ClassVar[bool] = True
    must: ClassVar[bool] = True
    symptom: str
    site: str
    device: str
    category: str
    priority: str


class AskSite(AboutTicket):
    must: ClassVar[bool] = True  # the next step hangs on it
    answer: ClassVar[bool] = True


class LinkedTo(AboutTicket):
    """The report belongs to a matter that is already being worked on (R-015)."""

    parent: str


class MessageAdded(AboutTicket):
    answer: ClassVar[bool] = True
    symptom: str


class Home(Notice):
    answer: ClassVar[bool] = True
    name: str


class EngineerAssigned(AboutTicket):
    engineer: str
    due: datetime | None


class RemoteAssigned(AboutTicket):
    engineer: str


class EngineerEnRoute(AboutTicket):
    engineer: str
    code: str  # four digits that the user tells the engineer: proof of the arrival


class EngineerArrived(AboutTicket):
    engineer: str


class VisitChanged(AboutTicket):
    """The visit is handed to somebody else (R-031)."""


class RemoteOffered(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str


class RemoteStarted(AboutTicket):
    engineer: str


class ResolvedCheck(AboutTicket):
    must: ClassVar[bool] = True
    result: str


class ResolvedReminder(AboutTicket):
    must: ClassVar[bool] = True


class TicketClosed(AboutTicket):
    answer: ClassVar[bool] = True


class ClosedUnconfirmed(AboutTicket):
    pass


class TicketCancelled(AboutTicket):
    pass


class NotSolvedReceived(AboutTicket):
    answer: ClassVar[bool] = True


class WhatComesNext(AboutTicket):
    reason: str


class UrgeReceived(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


class CancelPassedOn(AboutTicket):
    answer: ClassVar[bool] = True


class TicketReopened(AboutTicket):
    answer: ClassVar[bool] = True


class WaitingForYou(AboutTicket):
    must: ClassVar[bool] = True


class EngineerSays(AboutTicket):
    must: ClassVar[bool] = True
    engineer: str
    text: str


class EngineerSends(AboutTicket):
    """Goes with the files themselves, where the channel carries them."""

    must: ClassVar[bool] = True
    engineer: str
    sent: str


class SurveyAsked(AboutTicket):
    pass


class SurveyReminder(AboutTicket):
    pass


class SurveyThanks(AboutTicket):
    answer: ClassVar[bool] = True
    score: int


class ComplaintReceived(AboutTicket):
    """To whoever complained: it is registered, and will be answered by then (R-067)."""

    must: ClassVar[bool] = True
    due: datetime | None


class ComplaintAnswered(AboutTicket):
    must: ClassVar[bool] = True
    text: str


class DeviationReceived(AboutTicket):
    """To the customer: the notice is registered, and a plan will be there by then (R-104)."""

    must: ClassVar[bool] = True
    due: datetime | None


class DeviationPlanned(AboutTicket):
    must: ClassVar[bool] = True
    text: str


class FileTooBig(AboutTicket):
    name: str
    megabytes: int


class FileGone(AboutTicket):
    name: str


class FileNotPassedOn(AboutTicket):
    """To the other side: what that person sent never got here, and they know."""

    must: ClassVar[bool] = True
    name: str
    sent: str


class PasswordSeen(AboutTicket):
    """R-112: the desk never wants a password, and says so when one seems to have been sent."""


class Held(Notice):
    """A message that could not be worked on: a person will look."""

    answer: ClassVar[bool] = True
    reference: str
