"""What we sign into a mail so that its answer finds home: address, Message-ID, action link."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.errors import Stale

_REPLY = re.compile(r"[^@]*\+t([a-z0-9]+)\.([a-z2-7]{12})@[^@]+")
_RETURN = re.compile(r"[^@]*\+b([a-z0-9]*)\.([a-z2-7]{10})\.([a-z2-7]{12})@[^@]+")
_ID = re.compile(r"<?t([a-z0-9]*)\.([a-z2-7]{10})\.([a-z2-7]{12})@([^@<>]+?)>?")

_LENGTHS = {"reply": 12, "message": 12, "link": 26}  # characters of five bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A press on a button in a mail, as far as the signature goes: who may is decided inside."""

    ticket: str
    action: str
    arg: str
    person: int
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The first key signs, all of them verify, so that a key can be changed under open tickets.

    A signature has 60 bits or more: a million guesses find one with a chance of 1 in 10¹². It
    binds the instance, so that of two desks writing to each other none takes the other's numbers
    for its own.
    """

    instance: str  # the right side of our Message-IDs, such as desk.example.com
    keys: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys or min(map(len, self.keys)) < 16:
            raise ValueError("a signing key has at least 16 bytes")
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", self.instance):
            raise ValueError(f"not a host name in lower case: {self.instance!r}")

    def reply_address(self, address: str, ticket: str) -> str:
        """desk@… as desk+t100427.MAC@…, for providers that deliver such addresses."""
        local, _, domain = address.rpartition("@")
        return f"{local}+t{ticket}.{self._sign('reply', ticket)}@{domain}"

    def ticket_of(self, address: str) -> str | None:
        """The ticket of a reply address; relays may have changed its case."""
        found = _REPLY.fullmatch(address.strip().strip("<>").lower())
        if found and self._verify(found[2], "reply", found[1]):
            return found[1]
        return None

    def message_id(self, ticket: str, reference: str) -> str:
        """The same on every try, so that a receiver can tell a repetition."""
        n = _base32(hashlib.sha256(reference.encode()).digest(), 10)
        return f"<t{ticket}.{n}.{self._sign('message', ticket, n)}@{self.instance}>"

    def return_address(self, address: str, message_id: str) -> str:
        """desk@… as desk+b100427.N.MAC@…: whatever comes back there is about that one letter."""
        local, _, domain = address.rpartition("@")
        named = message_id.strip("<>").rpartition("@")[0].removeprefix("t")
        return f"{local}+b{named}@{domain}"

    def returned(self, address: str) -> str | None:
        """The Message-ID, without brackets, of the letter that a return address names."""
        found = _RETURN.fullmatch(address.strip().strip("<>").lower())
        if found is None or not self._verify(found[3], "message", found[1], found[2]):
            return None
        return f"t{found[1]}.{found[2]}.{found[3]}@{self.instance}"

    def thread_id(self, ticket: str) -> str:
        """Never sent as a mail: the ancestor all of a ticket's mails name, so that they thread."""
        return self.message_id(ticket, "thread")

    def ours(self, message_id: str) -> str | None:
        """The ticket of a Message-ID that we issued, "" where it was about none; else None."""
        found = _ID.fullmatch(message_id.strip().lower())
        if found is None or found[4] != self.instance:
            return None
        return found[1] if self._verify(found[3], "message", found[1], found[2]) else None

    def sign_link(self, ticket: str, action: str, arg: str, person: int, expires: datetime) -> str:
        """For the path of a URL. Opening it changes nothing; pressing the button there does."""
        values = [ticket, action, arg, person, int(expires.timestamp())]
        payload = _base64(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())
        return f"{payload}.{self._sign('link', payload)}"

    def verify_link(self, token: str, now: datetime) -> Link:
        """Raises Stale for one that is forged, of another desk or too old."""
        payload, _, mac = token.partition(".")
        if not self._verify(mac, "link", payload):
            raise Stale
        ticket, action, arg, person, until = json.loads(
            base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        )
        expires = datetime.fromtimestamp(until, UTC)
        if now > expires:
            raise Stale
        return Link(ticket=ticket, action=action, arg=arg, person=person, expires=expires)

    def _sign(self, purpose: str, *what: str, key: bytes | None = None) -> str:
        text = "\0".join((self.instance, purpose, *what)).encode()
        return _base32(hmac.digest(key or self.keys[0], text, "sha256"), _LENGTHS[purpose])

    def _verify(self, mac: str, purpose: str, *what: str) -> bool:
        return mac.isascii() and any(
            hmac.compare_digest(self._sign(purpose, *what, key=key), mac) for key in self.keys
        )


def _base32(data: bytes, length: int) -> str:
    """Lower case, as some relays make all addresses."""
    enough = data[: -(-length * 5 // 8)]
    return base64.b32encode(enough).decode().lower()[:length]


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
