"""A ticket and what hangs on it, as rows: steps, messages, files, offers, cards, surveys."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson

from core.lifecycle import HELD, OPEN, SIDE, WAITING, Status
from core.messages import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One matter from report to closing."""

    id: int  # the running number
    number: str  # what people say
    status: Status = Status.NEW
    kind: str = "incident"  # incident, service_request, consultation
    requester_id: int
    origin: str  # channel of the report
    symptom: str = ""
    site: str | None = None
    category: str = ""
    device: str = ""
    asset: str | None = None
    severity: str = "P3"  # as understood or set by hand, before a VIP raise
    priority: str = "P3"
    vip: bool = False
    mode: str = ""  # phone, remote, onsite
    tier: int = 1
    assignee_id: int | None = None
    parent_id: int | None = None  # the ticket that it came out of
    duplicate_of: int | None = None  # the one matter of which it is one more report
    emergency: bool = False
    asked: str = ""  # the one slot that was asked, so that it is never asked twice
    settled: bool = False  # the settling time is over, or somebody acted
    close_code: str = ""
    reopened: int = 0
    cycle: int = 1  # counts resolutions: surveys and response clocks belong to one
    opened_at: datetime
    changed_at: datetime
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    due_at: datetime | None = None  # the nearest contract deadline, a projection of the clocks
    version: int = 0  # grows with every step; old buttons are known by it
    head: str = ""  # hash of the last step
    entered_at: datetime | None = None  # of the last step, a warning too

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def follows(self) -> bool:
        """Nothing is done about it by itself: it waits for the result of its matter."""
        return self.duplicate_of is not None and self.status is Status.TRIAGED

    @property
    def is_held(self) -> bool:
        return self.status in HELD

    def still_due(self, now: datetime) -> datetime | None:
        """The deadline while it can be kept: nobody is told to be there in the past."""
        return self.due_at if self.due_at is not None and self.due_at > now else None

    def overdue(self, now: datetime) -> datetime | None:
        """The deadline once it has passed unkept."""
        return self.due_at if self.due_at is not None and self.due_at <= now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a ticket's journal. Append-only and chained by hash (R-037)."""

    id: int = 0
    ticket_id: int
    seq: int
    at: datetime  # when it happened
    entered_at: datetime  # when it was reported
    actor_id: int | None = None  # None: the desk itself
    actor_role: str = "system"
    channel: str = ""
    action: str
    from_status: str
    to_status: str
    detail: Mapping[str, Value] = field(default_factory=dict)
    prev_hash: str = ""
    hash: str = ""


def chained(step: Step, prev_hash: str) -> Step:
    """The step with its place in the chain: taking one out or changing one shows at once."""
    told = (
        step.ticket_id,
        step.seq,
        # a moment that was typed comes in the desk's zone, and is read again in UTC
        step.at.astimezone(UTC).isoformat(),
        step.entered_at.astimezone(UTC).isoformat(),
        step.actor_id,
        step.actor_role,
        step.channel,
        step.action,
        step.from_status,
        step.to_status,
        dict(sorted(step.detail.items())),
        prev_hash,
    )
    text = orjson.dumps(told)
    return replace(step, prev_hash=prev_hash, hash=hashlib.sha256(text).hexdigest())


def broken_link(steps: list[Step], head: str) -> int | None:
    """Number of the first step that does not fit its chain, or None where the journal is whole."""
    before = ""
    for seq, step in enumerate(steps, start=1):
        if step.seq != seq or chained(step, before).hash != step.hash:
            return seq
        before = step.hash
    return None if before == head else len(steps) + 1


def came_from(history: list[Step], status: Status) -> Status:
    """Where a side state returns to: the last state before the ticket stepped aside."""
    passing = WAITING if status in WAITING else SIDE
    steps = (Status(step.to_status) for step in reversed(history))
    return next((was for was in steps if was not in passing), Status.TRIAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something said about a ticket, by whom and where; kept whole, with its former wordings."""

    id: int = 0
    ticket_id: int | None  # None: a contact without a ticket
    person_id: int | None
    direction: str = "in"  # in, out, note
    channel: str
    account: str = ""
    external_id: str = ""  # the carrier's message id
    album: str = ""
    inbox_id: int | None = None
    text: str
    full_text: str = ""
    former: tuple[str, ...] = ()  # earlier wordings, oldest first
    at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a message: wanted until a worker has fetched it into the store of bytes."""

    id: int = 0
    ticket_id: int | None
    message_id: int
    channel: str
    account: str = ""
    kind: str
    name: str = ""
    type: str = ""
    size: int | None = None
    source: str = ""
    sha256: str = ""
    state: str = "wanted"  # wanted, stored, too_big, gone
    attempts: int = 0
    next_at: datetime | None = None
    shown_to: str = ""  # job: whoever works on the ticket; both: the requester, too; empty: nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShown:
    """A file that a person was sent, or that was one too many when they came to the ticket."""

    id: int = 0
    file_id: int
    person_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Who was asked to take a job, until when, and what became of it. Silence is no yes."""

    id: int = 0
    ticket_id: int
    person_id: int
    step: str  # resident, field, backup, escalation_centre, supervisor, remote, manual
    state: str = "open"  # open, accepted, declined, expired, withdrawn
    reason: str = ""
    score: Mapping[str, Value] = field(default_factory=dict)  # parts, for "why Li?"
    passed_over: Mapping[str, str] = field(default_factory=dict)  # person code → objection
    offered_at: datetime
    delivered_at: datetime | None = None
    answer_by: datetime
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The one live message about a ticket in one chat: desired state, redrawn when it differs."""

    id: int = 0
    ticket_id: int
    audience: str  # requester, engineer, desk, supervisor
    person_id: int
    channel: str
    account: str = ""
    address: str
    message_id: str
    drawn_hash: str = ""
    wanted_version: int = 0  # the ticket's version that it should show
    drawn_version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """One question about one resolution. Never sent twice, changeable for a day."""

    id: int = 0
    ticket_id: int
    cycle: int
    person_id: int
    due_at: datetime
    state: str = "planned"  # planned, sent, answered, expired, cancelled
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    score: int | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the desk is waiting for from a person: a dialogue's state, durable."""

    id: int = 0
    person_id: int
    kind: str  # result, reason, appointment, comment
    ticket_id: int
    arg: str = ""
    expires_at: datetime
