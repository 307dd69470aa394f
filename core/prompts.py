"""One open question per telephone: which letter may ask now, which waits, what a digit answers.

On a keypad a "1" says nothing about what it answers. So of all letters with choices only one at a
time is a question; its row here is opened in the transaction that starts sending it, and closed in
the transaction that takes the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core import keypad, looks
from core.keypad import LASTS, URGENT, Answered, Digit, Unanswered
from core.lifecycle import Action, possible
from core.messages import Choice
from core.notices import NOTICES
from core.notices.answers import WhichTicket
from core.notices.engineer import WhoseWords
from core.notices.notice import kind_of
from core.numbers import serial_of
from core.ports import Between, Capabilities, Tx
from core.rows import OptOut, OutboxRow, Prompt, TimerRow
from core.ticket import Ticket

TIMER = "question_over"
MOST = 9  # choices that one digit can tell apart
SHOWN = 50  # questions of one telephone that are looked back at
NEEDLESS = frozenset({"survey_asked", "survey_reminder"})
"""What somebody who wants no more than needful is not sent."""

ASKED_BACK = frozenset({kind_of(WhichTicket), kind_of(WhoseWords)})
"""What a text from this very telephone made us ask."""

# These tell something and merely offer what may come next: held back, they would come too late.
TELLING = frozenset({
    "closed_unconfirmed", "desk_not_solved", "job_moved", "job_not_solved", "job_taken",
    "low_score", "message_added", "nobody_accepts", "nobody_to_ask", "remote_agreed",
    "remote_started", "sla_breach", "sla_late_on_attach", "sla_promise_failed", "sla_warning",
})  # fmt: skip

Moot = Callable[[Tx, OutboxRow], bool]
"""Whether the reason for a letter is gone."""

Turn = Literal["ask", "tell", "wait"]
"""Send it with its digits, send it without, or keep it until the telephone is free."""


@dataclass(frozen=True, slots=True)
class Telephone:
    channel: str
    address: str

    @property
    def place(self) -> str:
        return f"{self.channel}:{self.address}"


def is_keypad(can: Capabilities) -> bool:
    """Neither buttons nor threads: nothing but the order of things tells what is answered."""
    return not can.buttons and not can.threads


def numbered(choices: Iterable[Choice]) -> tuple[tuple[int, Choice], ...]:
    """The digit of each choice; a score is its own digit. Too many choices: words must do."""
    offered = tuple(choices)
    if len(offered) > MOST:
        return ()
    return tuple(
        (int(choice.arg) if choice.action == Action.RATE and choice.arg else place, choice)
        for place, choice in enumerate(offered, start=1)
    )


def _answers(row: OutboxRow) -> tuple[tuple[int, str, str, str], ...]:
    choices = (Choice(**choice) for choice in row.choices)  # type: ignore[arg-type]
    return tuple((digit, one.action, one.ticket, one.arg) for digit, one in numbered(choices))


# -- whose turn it is


def take_turn(tx: Tx, row: OutboxRow, now: datetime, moot: Moot) -> Turn:
    """Asked in the transaction that starts sending the letter."""
    answers = _answers(row)
    if not answers:
        return "tell"
    phone = Telephone(row.channel, row.address)
    own = tx.first(Prompt, letter_id=row.id)
    if own is not None and own.state == "open":
        return "ask"  # the same letter once more
    busy = outstanding(tx, phone, now, moot)
    if busy is not None and not _gives_way(busy, row.kind, row.ticket):
        told = row.kind in TELLING
        _note(tx, row, own, answers, "told" if told else "queued", now if told else None)
        return "tell" if told else "wait"
    if busy is not None:
        _close(tx, busy, "told")  # its words still count, its digits no longer
    _note(tx, row, own, answers, "open", now)
    return "ask"


def _note(
    tx: Tx,
    row: OutboxRow,
    own: Prompt | None,
    answers: tuple[tuple[int, str, str, str], ...],
    state: str,
    asked_at: datetime | None,
) -> None:
    until = asked_at + LASTS if asked_at else None
    if state == "open" and until is not None:
        _runs_out(tx, Telephone(row.channel, row.address), until)
    if own is not None:
        tx.update(own, state=state, opened_at=asked_at, expires_at=until)
        return
    tx.insert(
        Prompt(
            channel=row.channel,
            address=row.address,
            letter_id=row.id,
            person_id=row.person_id,
            ticket=row.ticket,
            kind=row.kind,
            answers=answers,
            state=state,
            opened_at=asked_at,
            expires_at=until,
        )
    )


def _runs_out(tx: Tx, phone: Telephone, until: datetime) -> None:
    """The next question is due then, whoever asks or answers what in between."""
    looks.instead(tx, TIMER, f"phone/{phone.place}", until)


def of_timer(timer: TimerRow) -> Telephone:
    _, _, place = timer.subject.partition("/")
    channel, _, address = place.partition(":")
    return Telephone(channel, address)


def _rank(kind: str) -> int:
    """Assignments first; then what the person is just talking about; then questions. Asking back
    cannot wait: until it is answered every digit is in doubt."""
    if kind in ASKED_BACK:
        return 4
    if kind in URGENT:
        return 3
    if kind in TELLING:
        return 0
    return 2 if kind in NOTICES and NOTICES[kind].answer else 1


def _gives_way(busy: Prompt, kind: str, ticket: str) -> bool:
    """A newer question about the same ticket takes the place of the older one."""
    return _rank(kind) > _rank(busy.kind) or (bool(ticket) and busy.ticket == ticket)


def outstanding(tx: Tx, phone: Telephone, now: datetime, moot: Moot) -> Prompt | None:
    """The one question that this telephone may answer; one that is over or moot is closed."""
    prompt = tx.first(Prompt, state="open", channel=phone.channel, address=phone.address)
    if prompt is None:
        return None
    if not prompt.open_at(now):
        _close(tx, prompt, "expired")
        return None
    letter = tx.get(OutboxRow, prompt.letter_id)
    if letter is None or moot(tx, letter) or not _still_possible(tx, prompt):
        _close(tx, prompt, "withdrawn")
        return None
    return prompt


def _still_possible(tx: Tx, prompt: Prompt) -> bool:
    for _, action, number, _ in prompt.answers:
        if not number:
            return True  # it is about no ticket
        serial = serial_of(number)
        ticket = tx.get(Ticket, serial) if serial else None
        if ticket is not None and possible(ticket.status, Action(action)):
            return True
    return False


def _close(tx: Tx, prompt: Prompt, state: str) -> bool:
    return tx.update_where(Prompt, {"id": prompt.id, "state": prompt.state}, state=state) == 1


def unsaid(tx: Tx, row: OutboxRow) -> None:
    """The letter did not go out: nobody can answer what they were not asked."""
    tx.update_where(Prompt, {"letter_id": row.id, "state": "open"}, state="queued", opened_at=None)


def undelivered(tx: Tx, row: OutboxRow) -> None:
    """The letter will not go out, or not this way."""
    tx.update_where(
        Prompt, {"letter_id": row.id, "state": ("open", "queued", "told")}, state="withdrawn"
    )


def call_next(tx: Tx, phone: Telephone, now: datetime, moot: Moot) -> None:
    """Let the most urgent of the waiting letters go, if the telephone is free for it."""
    queued = tx.find(Prompt, state="queued", channel=phone.channel, address=phone.address)
    for prompt in sorted(queued, key=lambda one: (-_rank(one.kind), one.id)):
        busy = outstanding(tx, phone, now, moot)
        if busy is not None and not _gives_way(busy, prompt.kind, prompt.ticket):
            return
        mine = {"id": prompt.letter_id, "state": "waiting"}
        if tx.update_where(OutboxRow, mine, state="pending", next_at=None):
            return
        letter = tx.get(OutboxRow, prompt.letter_id)
        if letter is not None and letter.state in {"pending", "claimed", "sending"}:
            return  # on its way already
        _close(tx, prompt, "withdrawn")


def call_all(tx: Tx, now: datetime, moot: Moot) -> int:
    """Look at every telephone where somebody waits.

    A question that runs out has its timer. One that is moot has none: anything that happens to
    its ticket, on any channel, may have answered it.
    """
    phones = {Telephone(p.channel, p.address) for p in tx.find(Prompt, state="queued")}
    for phone in sorted(phones, key=lambda one: (one.channel, one.address)):
        call_next(tx, phone, now, moot)
    return len(phones)


# -- what was meant


def press(
    tx: Tx,
    phone: Telephone,
    digit: Digit,
    *,
    said_at: datetime,
    now: datetime,
    repeat: bool,
    moot: Moot,
) -> Answered | Unanswered:
    """Take the answer, once. "1 100427" names its ticket and cannot be mistaken."""
    if digit.number is not None:
        return _by_number(tx, phone, digit, now)
    prompt = outstanding(tx, phone, now, moot)
    before = _asked_lately(tx, phone, now)
    others = [one for one in before if prompt is None or one.id != prompt.id]
    told = keypad.answer(prompt, digit, said_at, repeat=repeat, others=bool(others))
    if isinstance(told, Answered) and prompt is not None and not _close(tx, prompt, "answered"):
        return Unanswered("no_prompt")
    return told


def _by_number(tx: Tx, phone: Telephone, digit: Digit, now: datetime) -> Answered | Unanswered:
    for prompt in _asked_lately(tx, phone, now):
        for value, action, number, arg in prompt.answers:
            if prompt.state != "answered" and (value, number) == (digit.value, digit.number):
                _close(tx, prompt, "answered")
                return Answered(prompt.id, number, action, arg)
    return Unanswered("no_prompt")


def _asked_lately(tx: Tx, phone: Telephone, now: datetime) -> list[Prompt]:
    """What this telephone was shown within the last two days, the newest first."""
    shown = Between(after=now - LASTS)
    found = tx.find(
        Prompt,
        order="-opened_at",
        limit=SHOWN,
        channel=phone.channel,
        address=phone.address,
        opened_at=shown,
    )
    return [prompt for prompt in found if prompt.state not in {"queued", "withdrawn"}]


def perhaps_meant(tx: Tx, phone: Telephone, value: int, now: datetime) -> list[Choice]:
    """What this digit may have been an answer to, for asking back."""
    found: Mapping[tuple[str, str, str], Choice] = {
        (action, number, arg): Choice(action=action, ticket=number, arg=arg)
        for prompt in _asked_lately(tx, phone, now)
        if prompt.state != "answered" and _still_possible(tx, prompt)
        for digit, action, number, arg in prompt.answers
        if digit == value
    }
    return list(found.values())[:MOST]


def offered(
    tx: Tx, phone: Telephone, person_id: int, number: str, action: Action, now: datetime
) -> bool:
    """Whether this telephone was asked for that: then typed words are an answer, no mere claim.

    What was asked back because of a text from this number proves nothing: anybody may send that
    text under a false number, and guess the digit.
    """
    return any(
        prompt.person_id == person_id
        and prompt.kind not in ASKED_BACK
        and any((verb, ticket) == (action, number) for _, verb, ticket, _ in prompt.answers)
        for prompt in _asked_lately(tx, phone, now)
    )


# -- who wants less


def opt_out(tx: Tx, phone: Telephone, now: datetime) -> bool:
    """Whether that is news."""
    known = tx.get(OptOut, phone.place) is not None
    tx.put(OptOut(place=phone.place, at=now))
    return not known


def unwanted(tx: Tx, row: OutboxRow) -> bool:
    """A letter that is not needed, to a number that asked for no such letters."""
    phone = Telephone(row.channel, row.address)
    return row.kind in NEEDLESS and tx.get(OptOut, phone.place) is not None
