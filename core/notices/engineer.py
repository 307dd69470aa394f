"""To those who do the work."""

from datetime import datetime
from typing import ClassVar

from core.notices.notice import AboutTicket


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
    overdue: datetime | None  # in place of `due`, once that has passed
    answer_by: datetime


class HandOverNote(AboutTicket):
    """With the offer: what the engineer before wants the next one to know."""

    must: ClassVar[bool] = True
    engineer: str
    text: str


class OfferReminder(AboutTicket):
    must: ClassVar[bool] = True
    site: str
    answer_by: datetime


class OfferTaken(AboutTicket):
    engineer: str


class OfferExpired(AboutTicket):
    pass


class OfferWithdrawn(AboutTicket):
    pass


class JobTaken(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True


class RemoteTaken(AboutTicket):
    """Yours, and nobody has to go anywhere."""

    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
    requester: str


class JobMoved(AboutTicket):
    """Your step was understood: on the way, arrived, started."""

    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
    status: str


class JobAssigned(AboutTicket):
    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    due: datetime | None
    overdue: datetime | None


class RequesterSays(AboutTicket):
    must: ClassVar[bool] = True
    requester: str
    text: str


class RequesterSends(AboutTicket):
    """Goes with the files themselves, where the channel carries them."""

    must: ClassVar[bool] = True
    requester: str
    sent: str


class ColleagueSends(AboutTicket):
    """What somebody of the crew, perhaps of the day before, added to the job."""

    must: ClassVar[bool] = True
    engineer: str
    sent: str


class RequesterUrges(AboutTicket):
    requester: str


class WhoseWords(AboutTicket):
    """Words that answer nothing, from somebody with this job in hand: who is to have them?"""

    answer: ClassVar[bool] = True
    text: str


class CancelAsked(AboutTicket):
    """The requester wants it cancelled, and somebody is on it already."""

    requester: str
    text: str = ""


class JobCancelled(AboutTicket):
    must: ClassVar[bool] = True


class JobConfirmed(AboutTicket):
    pass


class JobNotSolved(AboutTicket):
    must: ClassVar[bool] = True


class JobHandedOver(AboutTicket):
    pass


class RemoteAgreed(AboutTicket):
    must: ClassVar[bool] = True
    requester: str


class LeaveNow(AboutTicket):
    must: ClassVar[bool] = True
    due: datetime


class SecondEngineer(AboutTicket):
    """Extra hands for an emergency: who goes is told whom they help."""

    must: ClassVar[bool] = True
    everywhere: ClassVar[bool] = True
    site: str
    symptom: str
    commander: str


class AskResult(AboutTicket):
    must: ClassVar[bool] = True  # the next step hangs on it
    answer: ClassVar[bool] = True


class AskChoice(AboutTicket):
    """One more tap: a reason, a site, a name. `asked` is the action that needs it."""

    must: ClassVar[bool] = True
    answer: ClassVar[bool] = True
    asked: str


class Relayed(AboutTicket):
    answer: ClassVar[bool] = True
    name: str


class NoteKept(AboutTicket):
    answer: ClassVar[bool] = True
    echo: ClassVar[bool] = True
