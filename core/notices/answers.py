"""Answers to what somebody typed, about a ticket or about nothing in particular."""

from datetime import datetime
from typing import ClassVar

from core.errors import Refusal
from core.notices.notice import AboutTicket, Notice


class TicketStatus(AboutTicket):
    answer: ClassVar[bool] = True
    status: str
    symptom: str
    engineer: str
    due: datetime | None
    overdue: datetime | None  # in place of `due`, once that has passed
    complaint: str  # how the last complaint and the last notice of deviation stand; "": none
    deviation: str


class NoTickets(Notice):
    answer: ClassVar[bool] = True


class WhichTicket(Notice):
    answer: ClassVar[bool] = True


class Help(Notice):
    answer: ClassVar[bool] = True


class Privacy(Notice):
    """What is kept about the reader, for what, how long, and how to have it changed."""

    answer: ClassVar[bool] = True
    months: int


class PrivacyReceived(Notice):
    answer: ClassVar[bool] = True
    wish: str


class PrivacyAsked(Notice):
    """To whoever answers for the data: somebody wants theirs shown, corrected or erased."""

    must: ClassVar[bool] = True
    requester: str
    wish: str


class UnknownCommand(Notice):
    answer: ClassVar[bool] = True
    command: str


class HelpStaff(Notice):
    answer: ClassVar[bool] = True


class HelpDesk(Notice):
    answer: ClassVar[bool] = True


class CallLogged(AboutTicket):
    """To whoever took the call: the number that the caller is told."""

    answer: ClassVar[bool] = True
    requester: str
    symptom: str


class Thanks(Notice):
    answer: ClassVar[bool] = True


class Story(AboutTicket):
    """/why: the lines are made when the letter is written, in the reader's language."""

    answer: ClassVar[bool] = True
    lines: str


class Lines(Notice):
    """A list that was made in the reader's language: a queue, a rota, a board."""

    answer: ClassVar[bool] = True
    lines: str


class Shown(Notice):
    """What goes with a picture; the caption was made in the reader's language."""

    answer: ClassVar[bool] = True
    caption: str


class LanguageSet(Notice):
    answer: ClassVar[bool] = True


class ChooseLanguage(Notice):
    answer: ClassVar[bool] = True


class Bound(Notice):
    answer: ClassVar[bool] = True
    name: str


class OptedOut(Notice):
    """No more than needful comes to this number from here on."""

    answer: ClassVar[bool] = True


class PinWrong(Notice):
    answer: ClassVar[bool] = True
    left: int


class PinLocked(Notice):
    answer: ClassVar[bool] = True
    until: datetime


class PinGuessed(Notice):
    """To supervisors: somebody tries PINs from the number of a member of staff."""

    must: ClassVar[bool] = True
    name: str
    address: str  # masked
    tries: int
    until: datetime


class Refused(Notice):
    """A refusal in words: `reason` is its catalog key."""

    answer: ClassVar[bool] = True
    reason: str
    detail: str
    status: str  # of the ticket, where that is what refuses


def refused(refusal: Refusal) -> Refused:
    told = {name: str(value) for name, value in refusal.params.items()}
    detail = told.get("by") or told.get("number") or told.get("what", "")
    return Refused(reason=refusal.kind, detail=detail, status=told.get("status", ""))
