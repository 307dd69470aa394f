"""What an operator says about a mailbox and the way out, refused here when it cannot work."""

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from ipaddress import ip_address
from typing import Literal

import structlog

Token = Callable[[], Awaitable[str]]
"""Brings a fresh OAuth 2 access token."""

Alert = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Tells the supervisor: a kind from the catalog and its slots."""


async def log_only(kind: str, params: Mapping[str, str]) -> None:
    """The alert of a program that has no supervisor to tell, such as a check."""
    structlog.get_logger().warning("mail_trouble", kind=kind, **params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often and how long, in seconds. The values are production's; tests run smaller ones."""

    poll: float = 50  # a SEARCH at least this often, whatever IDLE says
    idle: float = 290  # NAT forgets a silent link after five minutes
    answer: float = 30  # for one command
    stale: float = 120  # without any progress for so long the link is cut
    retry_least: float = 1
    retry_most: float = 45  # with a dial that hangs before it, a healed link is used within 90 s
    refused_most: float = 300  # a refused login: hurrying would only get the account locked
    busy_most: float = 30  # between two tries while the database takes no writes
    reopen: float = 300  # a folder in which our marks are refused is opened again


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """One mailbox to read. `password` may be a provider's authorisation code."""

    address: str
    host: str
    port: int = 993
    user: str = ""  # empty: the address
    password: str = field(default="", repr=False)
    token: Token | None = None  # XOAUTH2 instead of a password
    folder: str = "INBOX"
    processed: str = ""  # where stored mail is moved; empty: it stays and becomes \Seen
    history_from: date | None = None  # mail older than the first connection: filed from this day on
    tls: bool = True
    cafile: str = ""  # a private authority
    size_limit: int = 40_000_000
    pace: Pace = Pace()

    def __post_init__(self) -> None:
        if not self.tls and not is_loopback(self.host):
            raise ValueError(f"{self.host}: a mailbox is read over TLS, except on this machine")
        if bool(self.password) == (self.token is not None):
            raise ValueError(f"{self.address}: one of password and token")
        for name in (self.folder, self.processed, self.user):
            if not name.isprintable():
                raise ValueError(f"{self.address}: control characters in {name!r}")

    @property
    def login(self) -> str:
        return self.user or self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The account that mail leaves by. Signing with DKIM is the relay's part."""

    address: str  # From; replies come back to it
    host: str
    port: int = 465
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    user: str = ""
    password: str = field(default="", repr=False)
    token: Token | None = None
    sender_name: str = ""
    plus: bool = True  # the provider delivers desk+anything@ to desk@
    cafile: str = ""
    step: float = 60  # seconds for each step up to DATA
    final_answer: float = 600  # MTAs wait ten minutes too; less makes duplicates
    at_once: int = 2
    per_domain: int = 60  # letters to one domain within a minute
    pause: float = 300  # after 421 or 4.7.x
    login_pause: float = 900  # after a refused login
    attachments_limit: int = 15_000_000

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"{self.host}: mail leaves over TLS, except on this machine")
        if self.password and self.token is not None:
            raise ValueError(f"{self.address}: one of password and token")
        local, _, domain = self.address.rpartition("@")
        if not local or not domain or not re.fullmatch(r"[!-~]+", self.address):
            raise ValueError(f"not a mail address: {self.address!r}")

    @property
    def login(self) -> str:
        return self.user or self.address

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@cache
def tls_context(cafile: str = "") -> ssl.SSLContext:
    """Made once: reading the system's authorities takes longer than a login."""
    return ssl.create_default_context(cafile=cafile or None)
