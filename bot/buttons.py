"""Button data there and back: at most 64 bytes, signed for the one who was sent the button."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from core.errors import Stale
from core.lifecycle import Action
from core.messages import Choice
from core.numbers import number_of, serial_of

VERSION = "1"  # so that old cards survive a change of the format
LIMIT = 64  # bytes, Telegram's
_MAC = 10  # characters of base64: 60 bits
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Pressed:
    action: Action
    number: str
    arg: str


def pack(choice: Choice, addressee: str, key: bytes) -> str:
    """The data of a button. Raises ValueError where it cannot fit: then it is a bug of ours."""
    serial = serial_of(choice.ticket) or 0
    body = f"{VERSION}{choice.action}.{_base36(serial)}.{choice.arg}"
    data = f"{body}.{_mac(body, addressee, key)}"
    if len(data.encode()) > LIMIT or "\n" in data:
        raise ValueError(f"button data of {len(data.encode())} bytes: {choice}")
    return data


def unpack(data: str, addressee: str, key: bytes) -> Pressed:
    """What was pressed. Raises Stale for whatever this desk did not hand to this addressee."""
    body, _, mac = data.rpartition(".")
    parts = body[1:].split(".", 2)
    if data[:1] != VERSION or len(parts) != 3 or not _same(mac, _mac(body, addressee, key)):
        raise Stale
    name, serial, arg = parts
    try:
        action, ticket = Action(name), int(serial, 36)
    except ValueError as fault:
        raise Stale from fault
    return Pressed(action, number_of(ticket) if ticket else "", arg)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _mac(body: str, addressee: str, key: bytes) -> str:
    digest = hmac.new(key, f"{body}|{addressee}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_MAC]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
