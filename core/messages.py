"""What crosses the border: whatever arrived, and letters on their way out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Trust = Literal["proven", "claimed"]
"""Whether the channel vouches for the sender. A mail's From or an SMS's number is a claim."""


KINDS = (
    *("photo", "document", "voice", "video", "audio", "mail"),
    *("video_note", "animation", "sticker"),
)
"""Of files, as people tell them apart; each has words of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Something that came with a message: a promise to fetch it, or its bytes in our store."""

    kind: str  # one of KINDS
    name: str = ""
    type: str = ""  # media type
    size: int | None = None  # bytes, where the channel tells
    source: str = ""  # what the channel needs to fetch it, such as Telegram's file_id
    sha256: str = ""  # set once the bytes are stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where somebody says they are. Self-reported: it never blocks and never proves."""

    latitude: float
    longitude: float
    accuracy: float | None = None  # metres


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Whatever arrived, on whatever channel: a message, a press, a digit by SMS."""

    channel: str
    account: str = ""  # which bot, mailbox or gateway of ours it came to
    external_id: str  # unique within channel and account: a redelivery carries the same one
    sender: str  # an address; whose it is, and how sure we are, is decided by intake
    sender_name: str = ""
    language: str = ""  # the sender's client's guess, such as zh-hans
    text: str = ""  # what the person wrote, without quotes and signature
    full_text: str = ""  # all of it, where it differs
    subject: str = ""
    occurred_at: datetime
    received_at: datetime
    message_id: str = ""  # the carrier's id of this message, which later ones may answer or edit
    reply_to: tuple[str, ...] = ()  # ids of the messages it answers, nearest first
    thread: str = ""  # a signed token of ours that came back, proven by the channel
    album: str = ""  # messages with one album id were sent as one
    edited_of: str = ""  # id of the message that this one replaces
    button: str | None = None  # data of the pressed button
    trust: Trust = "claimed"
    automatic: bool = False  # out-of-office notes, bounces, lists: filed, never answered
    files: tuple[File, ...] = ()
    location: Location | None = None
    phone: str = ""  # the sender's own shared contact, as the channel vouches for it
    detail: Mapping[str, str] = field(default_factory=dict)  # the channel's own notes, for /why


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer that a letter offers: a button, a digit or a link, as the channel can."""

    action: str  # name in core/actions.py
    arg: str = ""  # such as a decline reason or a score
    ticket: str = ""  # number; empty where the action has none
    style: str = ""  # primary, success or danger: decoration only


Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice on its way to one address. Sentences are made when a channel renders it."""

    id: int
    person_id: int | None
    channel: str
    account: str = ""
    address: str
    language: str
    zone: str  # time zone name of the reader
    kind: str  # which notice
    params: Mapping[str, Value]  # moments as ISO 8601 with offset
    choices: tuple[Choice, ...] = ()
    files: tuple[File, ...] = ()  # stored ones, which go along where the channel can
    loud: bool = True  # a person must act or know now: a new message, never an edit
    ticket: str = ""  # number of the ticket it is about
    reference: str  # the same on every try, so that a carrier can tell a repetition
    replaces: str = ""  # receipt of an earlier message of ours to be edited, where the channel can
    reply_to: str = ""  # receipt or message id to hang it under
    audience: str = ""  # set where the letter is a live card: requester, engineer, desk, supervisor
    attempts: int = 0  # tries before this one
    repeated: bool = False  # an earlier try may have arrived: say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The carrier's word for a letter: its id there, and whether more news will follow."""

    id: str
    also: tuple[str, ...] = ()  # further messages that the letter became, such as an album's
    thread: str = ""
    final: bool = True  # False: accepted, a delivery report will tell
    shown: str = ""  # fingerprint of what the reader sees, where it can be edited later


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A carrier's later news of a letter."""

    channel: str
    account: str
    external_id: str  # unique per report, so that a repetition is recognised
    receipt: str  # the carrier's id of the letter, or our reference
    state: Literal["delivered", "failed", "accepted"]
    at: datetime
    reason: str = ""
    permanent: bool = False
