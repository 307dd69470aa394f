"""To those who do the work."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.notices.notice import AboutTicket


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
class WhoseWords(AboutTicket):
    """Words that answer nothing, from somebody with this job in hand: who is to have them?"""

    answer: ClassVar[bool] = True
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked(AboutTicket):
    """The requester wants it cancelled, and somebody is on it already."""

    requester: str
    text: str = ""


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
