"""How staff tie an address to themselves: a one-time code or their own contact (design §8)."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from core.desk import Desk
from core.errors import BadCode
from core.messages import Inbound
from core.notices.answers import Bound, refused
from core.people import Address, Binding, Person
from core.ports import Tx
from core.register import amend
from core.requests import Outcome
from core.telling import Reply, tell
from core.ticket import Ticket

VALID = timedelta(hours=24)
_START = re.compile(r"^(?:/start\s+)?v_([A-Za-z0-9_-]{20,64})$")


def new_code(tx: Tx, person: Person, *, made_by: int | None, now: datetime) -> str:
    """A code for one use within a day. Only its hash is stored."""
    code = secrets.token_urlsafe(24)
    tx.add(
        Binding(person_id=person.id, code_hash=_hash(code), made_by=made_by, expires_at=now + VALID)
    )
    return f"v_{code}"


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def try_binding(
    tx: Tx, desk: Desk, inbound: Inbound, stranger: Person, reply: Reply, now: datetime
) -> Outcome | None:
    """Link this address to the person behind the code or the shared number; None: neither came."""
    code = _START.match(inbound.text.strip())
    if code is None and not inbound.phone:
        return None
    try:
        person = _by_code(tx, code[1], now) if code else _by_phone(tx, inbound.phone)
    except BadCode as refusal:
        tell(
            tx,
            desk,
            stranger,
            refused(refusal),
            event=f"bind.{inbound.external_id}",
            now=now,
            reply=reply,
        )
        return Outcome(refusal.kind, refused=True)
    _link(tx, inbound, stranger, person, now)
    tell(
        tx,
        desk,
        person,
        Bound(name=person.name),
        event=f"bind.{inbound.external_id}",
        now=now,
        reply=reply,
    )
    return Outcome("bound")


def _by_code(tx: Tx, code: str, now: datetime) -> Person:
    binding = tx.first(Binding, code_hash=_hash(code))
    if binding is None or binding.expires_at <= now:
        raise BadCode
    used = tx.update_where(Binding, {"id": binding.id, "used_at": None}, used_at=now)
    person = tx.get(Person, binding.person_id)
    if used != 1 or person is None:
        raise BadCode
    return person


def _by_phone(tx: Tx, phone: str) -> Person:
    """The chat vouches that the number is the sender's own; two people with one number: nobody."""
    found = tx.find(Person, phone=phone, provisional=False, active=True)
    if len(found) != 1:
        raise BadCode
    return found[0]


def _link(tx: Tx, inbound: Inbound, stranger: Person, person: Person, now: datetime) -> None:
    tx.update_where(
        Address,
        {"channel": inbound.channel, "account": inbound.account, "value": inbound.sender},
        person_id=person.id,
        verified_at=now,
        state="ok",
    )
    if stranger.provisional and stranger.id != person.id:
        # What was reported from this address before is the person's own.
        tx.update_where(Ticket, {"requester_id": stranger.id}, requester_id=person.id)
    if not person.language and stranger.language:
        amend(tx, person, language=stranger.language)
