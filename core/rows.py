"""The tables that carry every feature, as values: inbox, outbox, timers (the journal is Step)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.messages import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One raw event, kept whole. It ends in exactly one of done, ignored and dead."""

    id: int = 0
    channel: str
    account: str
    external_id: str
    order_key: str
    body: bytes
    content_hash: str = ""
    state: str = "new"  # new, done, ignored, dead
    note: str = ""  # why it was ignored or died
    tries: int = 0
    next_at: datetime | None = None  # not before; None: at once
    received_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One letter on its way. pending → claimed → sending → sent, or what became of it; a question
    to a keypad may be waiting for its turn."""

    id: int = 0
    person_id: int | None = None
    channel: str
    account: str = ""
    address: str
    language: str
    zone: str
    kind: str
    params: Mapping[str, Value] = field(default_factory=dict)
    choices: tuple[Mapping[str, Value], ...] = ()
    files: tuple[Mapping[str, Value], ...] = ()  # of ours, by the hash of their content
    loud: bool = True
    must: bool = True  # must reach a person: repeated once when the outcome is unknown
    audience: str = ""  # set where the letter is a card
    ticket_id: int | None = None
    ticket: str = ""
    reference: str
    replaces: str = ""
    reply_to: str = ""
    fallback: bool = True  # on permanent failure try the person's next address
    tried: tuple[str, ...] = ()  # channels tried before this one
    state: str = "pending"  # pending, claimed, sending, sent, delivered, failed, unknown, dropped
    token: str = ""
    lease_until: datetime | None = None
    attempts: int = 0
    repeated: bool = False
    next_at: datetime | None = None
    receipt: str = ""
    error: str = ""
    created_at: datetime
    settled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question to a telephone without buttons. At most one of each telephone is open."""

    id: int = 0
    channel: str = "sms"
    address: str
    letter_id: int = 0
    person_id: int | None = None
    ticket: str  # number; empty where the answers name several
    kind: str  # of the letter
    answers: tuple[tuple[int, str, str, str], ...]  # digit, action, ticket number, arg
    state: str = "queued"  # queued, open, answered, expired, withdrawn, told (only words count)
    opened_at: datetime | None = None
    expires_at: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        return self.state == "open" and self.expires_at is not None and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """Somebody wants no more than needful at this address."""

    place: str  # channel:address
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PinTries:
    """Wrong PINs from one address; with too many of them it is locked for a day."""

    place: str  # channel:address
    wrong: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A letter that a carrier accepted, and when its delivery report is overdue."""

    letter_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRow:
    """A deadline. The sweeper takes what is due; each fires in one transaction, exactly once."""

    id: int = 0
    kind: str
    subject: str  # usually ticket/ID
    due_at: datetime
    payload: Mapping[str, Value] = field(default_factory=dict)
    state: str = "pending"  # pending, fired, cancelled
    tries: int = 0
    fired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Which message of ours in which chat was about which ticket, so that an answer finds it."""

    id: int = 0
    channel: str
    account: str = ""
    address: str
    message_id: str
    ticket_id: int
    about: str = ""  # notice kind
    person_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCursor:
    """How far a mail folder has been read: all up to `uid` is stored (channels/mail/inbox.py)."""

    place: str  # account and folder
    uidvalidity: int
    uid: int
    since: datetime
    listed_to: int
    laps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTraffic:
    """One mail from a sender, or one automatic answer to them: what guards against loops count."""

    id: int = 0
    sender: str  # as the guards name senders: without digits and tags
    way: str  # in, out
    at: datetime
    said: str = ""  # a short name for its words
    after: int | None = None  # seconds from our last answer to its writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A running number, or a fact that every process must agree on."""

    name: str
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """What only one process may do at a time, and which one does it until when."""

    name: str
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A document of the desk's own data: calendar, policy, category, ladder; versioned by name."""

    name: str
    value: Mapping[str, object] = field(default_factory=dict)
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketClocks:
    """The clocks that a ticket carries, as of its last change: which rule, what was fired."""

    ticket_id: int
    policy: str  # version; a ticket keeps the one it was opened under
    states: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    next_at: datetime | None = None  # when the sweeper has to look again


@dataclass(frozen=True, slots=True, kw_only=True)
class Grievance:
    """A complaint (R-067) or a notice of deviation (R-104): it is added to and never deleted."""

    id: int = 0
    kind: str  # complaint, deviation
    ticket_id: int
    person_id: int  # from whom
    about_id: int | None = None  # about whom: whoever had the job
    registered_by: int | None = None
    channel: str
    text: str
    severity: str = "normal"  # normal, serious
    owner_id: int | None = None
    state: str = "open"  # open, answered, closed, withdrawn
    answer: str = ""  # the reply to the complaint, or the plan that mends the deviation
    answered_by: int | None = None
    measure: str = ""  # the cause, and what is done so that it does not come again
    opened_at: datetime
    answered_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """A promise met or broken. Never changed: what is known later is a further row (promise 8)."""

    id: int = 0
    ticket_id: int
    milestone: str
    cycle: int
    outcome: str
    at: datetime
    by_seconds: int
    spent_seconds: int
    target_seconds: int
    target_source: str
    contract: bool
    policy: str
    rule: str
    calendar: str
    calendar_version: str
    claimed_seconds: int
    provisional: bool
    final: bool  # False: broken already, and the seconds still count
    corrects: int | None = None  # id of the row that this one adds to or overrules
    who: str = ""
    why: str = ""
    written_at: datetime
