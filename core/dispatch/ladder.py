"""Whom to ask next, when to remind, when to tell the supervisor: a ladder as data."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from core.kinds import MODES, PRIORITIES, SITE_KINDS

WAYS = (*MODES, "emergency")
ROLES = frozenset(
    {
        "resident_engineer",
        "field_engineer",
        "backup_engineer",
        "system_engineer",
        "remote_agent",
        "desk_agent",
        "escalation_centre",
        "service_supervisor",
        "project_manager",
    }
)


class BadLadder(ValueError):
    """A ladder file that cannot be used; the text says which entry and key."""


@dataclass(frozen=True, slots=True)
class Rung:
    role: str
    tries: int = 1
    together: bool = False  # asked at the same moment as the step before


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    steps: tuple[Rung, ...]
    remind: timedelta
    next: timedelta
    supervisor: timedelta
    broadcast: bool = False

    def __post_init__(self) -> None:
        if not self.steps:
            raise BadLadder("steps: nobody is asked")
        if not timedelta() < self.remind < self.next <= self.supervisor:
            raise BadLadder("remind, next, supervisor: must grow")
        if self.steps[0].together:
            raise BadLadder("steps: there is none before the first to be asked together with")

    def asked_with(self, role: str) -> list[str]:
        """The roles that are asked at the same moment, this one among them."""
        moments: list[list[str]] = []
        for rung in self.steps:
            if rung.together:
                moments[-1].append(rung.role)
            else:
                moments.append([rung.role])
        return next(roles for roles in moments if role in roles)


class Answer(StrEnum):
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One person asked, and what came of it; without an answer it is still open."""

    person: str
    role: str
    made_at: datetime
    reminded: bool = False
    answer: Answer | None = None


class Do(StrEnum):
    OFFER = "offer"  # to one fit person of `role` and of those asked with it; to all in a broadcast
    REMIND = "remind"
    EXPIRE = "expire"
    TELL_SUPERVISOR = "tell_supervisor"
    WAIT = "wait"  # nothing is due before `at`
    STOP = "stop"  # somebody has the job, or nobody is left to be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    do: Do
    role: str | None = None
    person: str | None = None
    at: datetime | None = None


def next_move(
    ladder: Ladder,
    offers: Sequence[Offer],
    now: datetime,
    *,
    roles: Collection[str],
    supervisor_told: bool = False,
) -> Move:
    """The one thing to do now. Ask again after doing it, until the answer is to wait or stop.

    `roles` are those with somebody fit who has not been asked yet. Silence never accepts.
    """
    if any(offer.answer is Answer.ACCEPTED for offer in offers):
        return Move(do=Do.STOP)
    still_open = [offer for offer in offers if offer.answer is None]
    for offer in still_open:
        if now >= offer.made_at + ladder.next:
            return Move(do=Do.EXPIRE, person=offer.person, role=offer.role)
        if now >= offer.made_at + ladder.remind and not offer.reminded:
            return Move(do=Do.REMIND, person=offer.person, role=offer.role)
    if not supervisor_told and offers and now >= offers[0].made_at + ladder.supervisor:
        return Move(do=Do.TELL_SUPERVISOR)
    if still_open:
        return Move(do=Do.WAIT, at=_due(ladder, offers, still_open, supervisor_told))
    role = next_role(ladder, offers, roles)
    if role is not None:
        return Move(do=Do.OFFER, role=role)
    # Nobody is left: the supervisor hears at once, not when the half hour is over.
    return Move(do=Do.STOP if supervisor_told else Do.TELL_SUPERVISOR)


def _due(
    ladder: Ladder, offers: Sequence[Offer], still_open: Sequence[Offer], supervisor_told: bool
) -> datetime:
    moments = [
        offer.made_at + (ladder.next if offer.reminded else ladder.remind) for offer in still_open
    ]
    if not supervisor_told:
        moments.append(offers[0].made_at + ladder.supervisor)
    return min(moments)


def next_role(ladder: Ladder, offers: Sequence[Offer], roles: Collection[str]) -> str | None:
    """The role to be asked; the ladder never goes back down, and None means it is climbed."""
    order = [rung.role for rung in ladder.steps]
    tried = [offer.role for offer in offers if offer.answer is not Answer.WITHDRAWN]
    reached = max((order.index(role) for role in tried if role in order), default=0)
    for rung in ladder.steps[reached:]:
        asked = tried.count(rung.role)
        if rung.role in roles and asked < (1 if ladder.broadcast else rung.tries):
            return rung.role
    return None


# ── The file ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Entry:
    """One ladder of the file and what it is for; None matches everything."""

    ladder: Ladder
    mode: str | None
    site_kind: str | None
    priorities: frozenset[str] | None

    def fits(self, priority: str, mode: str, site_kind: str) -> bool:
        return (
            self.mode in {None, mode}
            and self.site_kind in {None, site_kind}
            and (self.priorities is None or priority in self.priorities)
        )


def steps(
    priority: str, mode: str, site_kind: str = "field", ladders: Sequence[Entry] | None = None
) -> Ladder:
    """The first ladder that matches; the shipped ones unless others are given."""
    for entry in default_ladders() if ladders is None else ladders:
        if entry.fits(priority, mode, site_kind):
            return entry.ladder
    raise BadLadder(f"no ladder for {priority}, {mode}, {site_kind}")


@cache
def default_ladders() -> tuple[Entry, ...]:
    return read(files("core.dispatch").joinpath("data/ladder.toml").read_text("utf-8"))


def read(text: str) -> tuple[Entry, ...]:
    """Ladders from TOML; a wrong one is refused with its place in the file."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadLadder(str(error)) from error
    entries = data.get("ladder")
    if not isinstance(entries, list) or not entries:
        raise BadLadder("ladder: the file has no [[ladder]]")
    return tuple(_entry(raw, f"ladder {number}") for number, raw in enumerate(entries, 1))


KEYS = frozenset(
    {"mode", "site_kind", "priorities", "steps", "remind", "next", "supervisor", "broadcast"}
)


def _entry(raw: Mapping[str, Any], where: str) -> Entry:
    if unknown := sorted(set(raw) - KEYS):
        raise BadLadder(f"{where}, {unknown[0]}: no such key")
    mode, site_kind, priorities = raw.get("mode"), raw.get("site_kind"), raw.get("priorities")
    _known(mode, WAYS, f"{where}, mode")
    _known(site_kind, SITE_KINDS, f"{where}, site_kind")
    for priority in priorities or ():
        _known(priority, PRIORITIES, f"{where}, priorities")
    try:
        ladder = Ladder(
            steps=tuple(_rung(step, where) for step in raw.get("steps", ())),
            remind=_minutes(raw, "remind", where),
            next=_minutes(raw, "next", where),
            supervisor=_minutes(raw, "supervisor", where),
            broadcast=bool(raw.get("broadcast", False)),
        )
    except BadLadder as error:
        raise BadLadder(f"{where}, {str(error).removeprefix(f'{where}, ')}") from error
    return Entry(ladder, mode, site_kind, frozenset(priorities) if priorities else None)


def _rung(raw: Mapping[str, Any], where: str) -> Rung:
    role, tries, together = raw.get("role"), raw.get("tries", 1), raw.get("together", False)
    if role is None:
        raise BadLadder(f"{where}, steps: a step without a role")
    _known(role, ROLES, f"{where}, steps")
    if not isinstance(tries, int) or tries < 1:
        raise BadLadder(f"{where}, tries: {tries!r} is no number of people")
    if not isinstance(together, bool):
        raise BadLadder(f"{where}, together: {together!r} is neither true nor false")
    return Rung(role, tries, together)


def _known(value: object, allowed: Collection[str], where: str) -> None:
    if value is not None and value not in allowed:
        raise BadLadder(f"{where}: {value!r} is none of {', '.join(sorted(allowed))}")


def _minutes(raw: Mapping[str, Any], key: str, where: str) -> timedelta:
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadLadder(f"{where}, {key}: minutes above zero are needed")
    return timedelta(minutes=value)
