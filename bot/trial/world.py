"""What the trial page needs from the desk: its people, its time, and where the story stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

Language = Literal["zh", "en"]
Seat = Literal["staff", "engineer", "supervisor"]
Step = Literal[
    "report", "settle", "accept", "depart", "arrive", "finish", "confirm", "survey", "end"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPerson:
    """Somebody of the example desk whom a newcomer can play."""

    telegram_id: int
    name: Mapping[Language, str]
    title: Mapping[Language, str]  # "三楼财务", "Finance, floor 3"
    seat: Seat  # which of the three telephones lists this person
    language: Language
    phone: str = ""  # what a shared contact card says; E.164 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLetter:
    """A mail or an SMS; `incoming` means that the desk received it."""

    id: str
    sender: str
    recipient: str
    text: str
    at: datetime
    incoming: bool
    subject: str = ""


class TrialPost(Protocol):
    """The mail or the SMS channel, once it is there."""

    async def letters(self) -> Sequence[TrialLetter]:
        """Oldest first."""

    async def write(self, sender: str, subject: str, text: str) -> None:
        """Somebody writes to the desk; a text message has no subject."""


class TrialWorld(Protocol):
    @property
    def people(self) -> Sequence[TrialPerson]:
        """The first of each seat is the one shown to begin with."""

    @property
    def zone(self) -> str:
        """Where the desk's clock hangs: "Asia/Shanghai"."""

    @property
    def mail(self) -> TrialPost | None: ...

    @property
    def sms(self) -> TrialPost | None: ...

    def now(self) -> datetime: ...

    def morning(self) -> datetime:
        """Ten o'clock on the next working day."""

    async def advance(self, by: timedelta) -> None:
        """Put the desk's time forward and let everything happen that falls due on the way."""

    async def next_event(self) -> datetime | None:
        """When the next timer is due."""

    async def story(self) -> Step:
        """What a newcomer might do next."""

    async def speak(self, language: Language) -> None:
        """Everybody reads in this language from now on."""
