"""PINs: who writes, where a number is a mere claim, and how often one may be guessed."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from core.desk import Desk
from core.masking import mask_number
from core.notices.answers import PinGuessed, PinLocked, PinWrong
from core.notices.notice import Notice
from core.people import Address, Person, Role
from core.ports import Tx
from core.register import amend
from core.rows import PinTries
from core.telling import tell

SHORTEST, LONGEST = 4, 8  # digits
TRIES = 5
LOCK = timedelta(hours=24)  # five guesses a day at one of ten thousand
_ROUNDS = 50_000


def pin_hash(pin: str, salt: str | None = None) -> str:
    salt = salt or secrets.token_hex(8)
    spun = hashlib.pbkdf2_hmac("sha256", pin.encode(), bytes.fromhex(salt), _ROUNDS)
    return f"{salt}${spun.hex()}"


def pin_fits(person: Person, pin: str) -> bool:
    salt, _, _ = person.pin_hash.partition("$")
    return bool(salt) and hmac.compare_digest(pin_hash(pin, salt), person.pin_hash)


def set_pin(tx: Tx, person: Person, pin: str) -> None:
    """A new PIN, with all its tries: whoever was locked out may come in again."""
    amend(tx, person, pin_hash=pin_hash(pin))
    for address in tx.find(Address, person_id=person.id):
        tx.delete(PinTries, place=f"{address.channel}:{address.value}")


def prove(
    tx: Tx, desk: Desk, person: Person, place: str, pin: str, now: datetime, event: str
) -> Notice | None:
    """None: the PIN is right. Else what to answer to whoever wrote from that place."""
    tries = tx.get(PinTries, place)
    if tries is not None and tries.since <= now - LOCK:
        tries = None
    if tries is not None and tries.wrong >= TRIES:
        return PinLocked(until=tries.since + LOCK)
    if pin_fits(person, pin):
        tx.delete(PinTries, place=place)
        return None
    wrong = tries.wrong + 1 if tries else 1
    # A lock counts from the last guess, the tries before it from the first.
    since = now if tries is None or wrong == TRIES else tries.since
    tx.put(PinTries(place=place, wrong=wrong, since=since))
    if wrong < TRIES:
        return PinWrong(left=TRIES - wrong)
    _tell_supervisors(tx, desk, person, place, since + LOCK, now, event)
    return PinLocked(until=since + LOCK)


def _tell_supervisors(
    tx: Tx, desk: Desk, person: Person, place: str, until: datetime, now: datetime, event: str
) -> None:
    notice = PinGuessed(
        name=person.name,
        address=mask_number(place.partition(":")[2]),
        tries=TRIES,
        until=until,
    )
    for supervisor in desk.register.open(tx).with_role(Role.SUPERVISOR):
        tell(tx, desk, supervisor, notice, event=f"{event}.pin", now=now)
