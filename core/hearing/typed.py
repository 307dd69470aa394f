"""What is typed: a word or a digit means the same as a button (promise 5)."""

from dataclasses import replace

from core import keypad, outbox, prompts, typed_answers
from core.actions import ACTIONS, TOLD, available, meant, typed_words
from core.errors import NoSuchTicket
from core.hearing import LIST_LIMIT, Hearing
from core.hearing.adding import add
from core.hearing.answering import help_for, status
from core.in_hand import relations
from core.lifecycle import OPEN, Action, Status
from core.messages import Choice
from core.notices.answers import NoTickets, OptedOut, WhichTicket
from core.numbers import is_number, serial_of
from core.ports import Between
from core.requests import Outcome, Request
from core.rows import OutboxRow
from core.ticket import Ticket

A = Action
SENDING = frozenset({A.TRIAGE, A.DISPATCH, A.REASSIGN})
WORDS = keypad.vocabulary({word: str(action) for word, action in typed_words().items()})


def typed(hearing: Hearing) -> Outcome | None:
    """A typed word is the same action as a button (promise 5)."""
    line = hearing.inbound.detail.get("typed", "")
    if not hearing.text or (hearing.inbound.files and not line):
        return None
    reading = keypad.read(line or hearing.text, WORDS, is_number)
    if line and line != hearing.text and not isinstance(reading, (keypad.Command, keypad.Digit)):
        return None  # "Help!" above a page of trouble is no question for the manual
    match reading:
        case keypad.Command():
            return _command(hearing, reading)
        case keypad.Digit():
            return _press(hearing, reading) if hearing.phone else _digit(hearing, reading.value)
        case keypad.Status():
            return status(hearing, reading.number)
        case keypad.Slip():
            return hearing.refuse(NoSuchTicket(number=reading.number))
        case keypad.Help():
            return hearing.say(help_for(hearing.person))
        case keypad.OptOut() if hearing.phone:
            if prompts.opt_out(hearing.tx, hearing.phone, hearing.now):
                hearing.say(OptedOut())
            return Outcome("opted_out")
        case _:
            return None


def _press(hearing: Hearing, digit: keypad.Digit) -> Outcome:
    """A digit by telephone: the answer to the one open question, or asked back."""
    phone = hearing.phone
    assert phone is not None
    told = prompts.press(
        hearing.tx,
        phone,
        digit,
        said_at=hearing.inbound.occurred_at,
        now=hearing.now,
        repeat="repeat_of" in hearing.inbound.detail,
        moot=outbox.is_stale,
    )
    if isinstance(told, keypad.Unanswered):
        return _ask_back(hearing, phone, digit)
    action = Action(told.action)
    hearing.vouch(told.ticket, action)
    outcome = hearing.perform(Request(action=action, number=told.ticket, arg=told.arg))
    prompts.call_next(hearing.tx, phone, hearing.now, outbox.is_stale)
    return outcome


def _ask_back(hearing: Hearing, phone: prompts.Telephone, digit: keypad.Digit) -> Outcome:
    """Which ticket was meant? With nothing to choose from, a repetition needs no answer."""
    meant = prompts.perhaps_meant(hearing.tx, phone, digit.value, hearing.now)
    if meant:
        return hearing.say(WhichTicket(), choices=meant)
    if "repeat_of" in hearing.inbound.detail:
        return Outcome("repeated")
    return hearing.say(WhichTicket() if hearing.mine() else NoTickets())


def _command(hearing: Hearing, command: keypad.Command) -> Outcome | None:
    action = Action(command.action)
    number = command.number or _only_ticket_for(hearing, action)
    if number is None:
        candidates = _tickets_for(hearing, action)
        if not candidates:
            # Nothing to do it to. Beside other matters it may be meant for those.
            return hearing.say(NoTickets()) if _is_bare(hearing, command) else None
        choices = [Choice(action=action, ticket=t.number, arg=command.arg) for t in candidates]
        return hearing.say(WhichTicket(), choices=choices)
    if (refused := hearing.vouch(number, action, command.pin)) is not None:
        return refused
    arg, own_words = _behind(hearing, action, command.arg)
    if action is A.ADD and own_words:
        return _added(hearing, number, own_words)
    return _typed_request(hearing, Request(action=action, number=number, arg=arg, text=own_words))


def _behind(hearing: Hearing, action: Action, said: str) -> tuple[str, str]:
    """What stands behind the typed word: one of its answers, or words of one's own."""
    if not said:
        return "", ""
    if answer := typed_answers.meant(action, said, hearing.desk.register.open(hearing.tx)):
        return answer, ""
    spec = ACTIONS[action]
    line = hearing.inbound.detail.get("typed") or hearing.text
    own_words = keypad.as_written(line, said)
    if spec.args or spec.asks or action in TOLD:
        return "", own_words
    return typed_answers.half_width(own_words), ""


def _added(hearing: Hearing, number: str, own_words: str) -> Outcome:
    """More about a ticket that is named, however long ago it was talked about."""
    ticket = hearing.ticket_named(number)
    if ticket is None:
        return hearing.refuse(NoSuchTicket(number=number))
    hearing.text = own_words
    return add(hearing, ticket, why="subject_number")


def _is_bare(hearing: Hearing, command: keypad.Command) -> bool:
    """A command and nothing else, from somebody who has nothing going on."""
    return not (command.arg or command.number or " " in hearing.text or hearing.mine())


def _typed_request(hearing: Hearing, request: Request) -> Outcome:
    """What stands below a typed line belongs to it: a result, a reason, a comment."""
    line = hearing.inbound.detail.get("typed", "")
    below = hearing.text.removeprefix(line).strip() if line else ""
    if below or hearing.inbound.files:
        hearing.keep(serial_of(request.number))
    return hearing.perform(
        replace(request, text=below or request.text, files=hearing.inbound.files)
    )


def _only_ticket_for(hearing: Hearing, action: Action) -> str | None:
    replied = hearing.of_thread()
    if replied is not None:
        return replied.number
    found = _tickets_for(hearing, action)
    return found[0].number if len(found) == 1 else None


def _tickets_for(hearing: Hearing, action: Action) -> list[Ticket]:
    """Tickets of this person on which the action is possible now, newest first."""
    found = [ticket for ticket in hearing.mine(tuple(Status)) if _can(hearing, action, ticket)]
    return found or (_waiting_for_the_desk(hearing, action) if action in SENDING else [])


def _waiting_for_the_desk(hearing: Hearing, action: Action) -> list[Ticket]:
    """A dispatcher sends people to what is open, whosever it is."""
    newest = hearing.tx.find(Ticket, order="-id", limit=LIST_LIMIT, status=tuple(OPEN))
    return [ticket for ticket in newest if _can(hearing, action, ticket)]


def _can(hearing: Hearing, action: Action, ticket: Ticket) -> bool:
    roles, ties = hearing.person.roles, relations(hearing.tx, ticket, hearing.person)
    meant_now = meant(action, roles, ties, ticket.status)
    return meant_now in available(ticket.status, roles, ties)


def _digit(hearing: Hearing, digit: int) -> Outcome | None:
    """A bare digit answers the last question that was sent to this address."""
    asked = hearing.tx.find(
        OutboxRow,
        order="-id",
        limit=20,
        channel=hearing.inbound.channel,
        address=hearing.inbound.sender,
        state=("sent", "delivered"),
        created_at=Between(after=hearing.now - hearing.desk.rules.prompt),
    )
    asked.sort(key=lambda letter: letter.receipt not in hearing.inbound.reply_to)
    for letter in asked:
        if not letter.choices:
            continue
        if not 1 <= digit <= len(letter.choices):
            return None
        choice = _chosen(letter, digit)
        return _typed_request(
            hearing,
            Request(
                action=Action(str(choice["action"])),
                number=str(choice["ticket"]),
                arg=str(choice["arg"]),
            ),
        )
    return None


def _chosen(letter: OutboxRow, digit: int) -> dict[str, object]:
    """Choices are numbered in their order; a survey's go by their score."""
    for choice in letter.choices:
        if choice["action"] == A.RATE and choice["arg"] == str(digit):
            return dict(choice)
    return dict(letter.choices[digit - 1])
