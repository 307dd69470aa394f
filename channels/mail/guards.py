"""When the desk stays silent: limits on automatic mail that need no header to work."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from channels.mail.render import ACKNOWLEDGEMENTS
from core.words import fixed_lines

_MACHINES = re.compile(
    r"mailer-daemon|postmaster|(no|do-?not|never)[._-]?reply.*|bounces?([.+_-].*)?|daemon"
)
_ENOUGH = 4_000  # characters of a mail that are compared
_LONG = 15  # characters of a line that nobody else happens to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    per_ticket: int = 1  # acknowledgements to one sender about one ticket, ever
    per_hour: int = 5  # acknowledgements to one sender
    prompt: int = 2  # mails of one sender within an hour, each written right after our answer
    alike: int = 1  # earlier ones that also followed an answer and say the same but for digits
    held_above: int = 20  # mails from one sender within an hour
    desk: int = 200  # automatic mails of the whole desk within ten minutes
    reopens: int = 1  # of one ticket within ten minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What has happened so far, without the mail in question. Senders as `counted` names them."""

    to_sender_on_ticket: int = 0
    to_sender_this_hour: int = 0
    from_sender_this_hour: int = 0
    prompt_this_hour: int = 0  # this one too
    alike_this_hour: int = 0
    echoes: bool = False  # it says what our own acknowledgements say
    by_desk_in_ten_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    acknowledge: bool
    why: str = ""  # the reason for silence
    hold: bool = False  # a person looks at the sender's mails before anything else happens
    storm: bool = False  # the desk's automatic mail is off; the supervisor has to know


def may_acknowledge(
    sender: str, counts: Counts | None, *, automatic: bool, limits: Limits = Limits()
) -> Verdict:
    """Counts that cannot be read come as None and mean silence: a loop is worse than a wait."""
    if counts is None:
        return Verdict(acknowledge=False, why="silent_uncounted")
    if counts.by_desk_in_ten_minutes >= limits.desk:
        return Verdict(acknowledge=False, why="silent_storm", storm=True)
    if counts.from_sender_this_hour >= limits.held_above:
        return Verdict(acknowledge=False, why="silent_flood", hold=True)
    if automatic:
        return Verdict(acknowledge=False, why="silent_automatic")
    if is_machine(sender):
        return Verdict(acknowledge=False, why="silent_machine")
    if counts.echoes:
        return Verdict(acknowledge=False, why="silent_echo")
    if counts.prompt_this_hour >= limits.prompt:
        return Verdict(acknowledge=False, why="silent_prompt")
    if counts.alike_this_hour >= limits.alike:
        return Verdict(acknowledge=False, why="silent_repeated")
    if counts.to_sender_on_ticket >= limits.per_ticket:
        return Verdict(acknowledge=False, why="silent_acknowledged")
    if counts.to_sender_this_hour >= limits.per_hour:
        return Verdict(acknowledge=False, why="silent_often")
    return Verdict(acknowledge=True)


def may_reopen(reopened: int, *, automatic: bool, limits: Limits = Limits()) -> bool:
    """Machine mail never reopens; a person's does, once per ten minutes."""
    return not automatic and reopened < limits.reopens


def counted(address: str) -> str:
    """The name under which a sender is counted.

    One program that answered us changed a digit of its address in every round, so digits do not
    distinguish. They do where they are all there is: 12345678@qq.com is a person's address, and
    ten thousand such people must not be counted as one.
    """
    local, at, domain = address.strip().strip("<>").lower().rpartition("@")
    local = local.partition("+")[0]
    if not local.isdigit():
        local = re.sub(r"\d+", "0", local)
    return f"{local}{at}{domain}"


def is_machine(address: str) -> bool:
    """Addresses behind which nobody reads: an answer would come back, or go nowhere."""
    local = address.strip().strip("<>").lower().rpartition("@")[0]
    return not local or _MACHINES.fullmatch(local) is not None


def echoes(text: str) -> bool:
    """Whether a line is one of our own acknowledgements', which another desk sends back to us."""
    return not _own_lines().isdisjoint(line.strip("> \t") for line in text[:_ENOUGH].splitlines())


@cache
def _own_lines() -> frozenset[str]:
    """ "Thanks!" is everybody's line; a whole sentence is ours."""
    return frozenset(line for line in fixed_lines(ACKNOWLEDGEMENTS, "mail") if len(line) >= _LONG)


def words_of(subject: str, text: str) -> str:
    """A short name for what a mail says, whatever numbers its program fills in; "" for nothing."""
    for said in (text, subject + text):  # "It is broken" says too little by itself
        plain = re.sub(r"[\d\W_]+", "", said[:_ENOUGH]).lower()
        if len(plain) >= _LONG:
            break
    return hashlib.sha256(plain.encode()).hexdigest()[:16] if plain else ""
