"""Letters out by SMTP, with the phases of a delivery told apart: refused, unclear, accepted."""

import asyncio
import contextlib
import re
import ssl
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import aiosmtplib
import structlog

from channels.mail.layout import Content, Envelope, layout
from channels.mail.sessions import Session, Sessions
from channels.mail.settings import Alert, SmtpSettings, log_only, tls_context
from channels.mail.tokens import Signer
from core.errors import Unclear, Undeliverable
from core.messages import Letter, Receipt
from core.ports import Capabilities, Now

log = structlog.get_logger()

Compose = Callable[[Letter], Awaitable[Content]]
"""Words a letter in its reader's language; the sentences are the core's."""

FILES = 20  # attachments of one mail, whatever their size allows

# RFC 3463: no such mailbox, no such domain, bad syntax, moved away, mailbox disabled.
_DEAD = re.compile(r"\b5\.(1\.[0-9]{1,2}|2\.1)\b")
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


class SmtpChannel:
    """core.ports.Channel for one account. One letter is one mail to one recipient."""

    name = "mail"
    can = Capabilities(files=FILES, threads=True)

    def __init__(
        self,
        settings: SmtpSettings,
        signer: Signer,
        compose: Compose,
        now: Now,
        *,
        alert: Alert = log_only,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.can = replace(self.can, at_once=settings.at_once)
        self._settings = settings
        self._signer = signer
        self._compose = compose
        self._now = now
        self._alert = alert
        self._monotonic = monotonic
        self.sessions = Sessions()
        self._slots = asyncio.Semaphore(settings.at_once)
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._paused_until = float("-inf")
        self._paused_why = ""
        self._refused_senders: set[str] = set()
        self._told: set[str] = set()  # kinds of trouble, until a login succeeds again

    @property
    def rests_for(self) -> float:
        """Seconds until the account is used again; 0 in good health."""
        return max(self._paused_until - self._monotonic(), 0.0)

    async def send(self, letter: Letter) -> Receipt:
        self._check_pause()
        recipient = wire_address(letter.address)
        self._check_rate(recipient.rpartition("@")[2])
        content = await self._compose(letter)
        envelope = envelope_of(self._settings, self._signer, letter, recipient, self._now())
        data = layout(content, envelope)
        async with self._slots:
            self._check_pause()  # what stopped the letter before this one stops this one too
            async with self._session() as session:
                self._told.clear()
                await self._hand_over(session, content, envelope, data)
        return Receipt(id=envelope.message_id.strip("<>"))  # as an answer names it

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Connected, encrypted and logged in. Nothing that fails here was accepted by anybody."""
        session = await self.sessions.take() or Session(self._client())
        try:
            if not session.letters:
                await self._open(session.client)
            yield session.client
        except BaseException:
            session.client.close()
            raise
        await self.sessions.put(session)

    def _client(self) -> aiosmtplib.SMTP:
        s = self._settings
        return aiosmtplib.SMTP(
            hostname=s.host,
            port=s.port,
            use_tls=s.tls == "implicit",
            start_tls=s.tls == "starttls",  # True insists; None would go on in clear text
            tls_context=None if s.tls == "none" else tls_context(s.cafile),
            local_hostname=s.domain.encode("idna").decode(),
            timeout=s.step,
        )

    async def _open(self, client: aiosmtplib.SMTP) -> None:
        s = self._settings
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:  # what the server can do is asked for before mail
                await client.ehlo()
            if s.token is not None:
                await client.auth_xoauth2(s.login, await s.token())
            elif s.password:
                await client.login(s.login, s.password)
        except aiosmtplib.SMTPAuthenticationError as no:
            if no.code < 500:
                raise self._refused(no.code, no.message) from no
            await self._stop("smtp_login_refused", f"{no.code} {no.message}")
            raise self._resting() from no
        except aiosmtplib.SMTPResponseException as no:
            raise self._refused(no.code, no.message, ours=True) from no
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            if _is_about_tls(failure):
                await self._stop("smtp_tls_failed", str(failure))
            raise Undeliverable(_said(failure), permanent=False) from failure

    async def _hand_over(
        self,
        session: aiosmtplib.SMTP,
        content: Content,
        envelope: Envelope,
        data: bytes,
    ) -> None:
        recipient = envelope.to
        wide = not data.isascii()  # by an address; all else is encoded
        if wide and not session.supports_extension("smtputf8"):
            raise Undeliverable("the server takes no such address", permanent=True)
        try:
            options = [f"SIZE={len(data)}"] if session.supports_extension("size") else []
            options += ["SMTPUTF8", "BODY=8BITMIME"] if wide else []
            await self._name_sender(session, content, envelope.message_id, options)
            await session.rcpt(recipient, encoding="utf-8" if wide else "ascii")
        except aiosmtplib.SMTPSenderRefused as no:
            if no.code >= 500:
                await self._tell("smtp_sender_refused", f"{no.code} {no.message}")
            raise self._refused(no.code, no.message) from no
        except aiosmtplib.SMTPRecipientRefused as no:
            raise self._refused(no.code, no.message, recipient=True) from no
        except aiosmtplib.SMTPResponseException as no:
            raise self._refused(no.code, no.message) from no
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
            raise Undeliverable(_said(failure), permanent=False) from failure
        await self._deliver(session, data)

    async def _name_sender(
        self, session: aiosmtplib.SMTP, content: Content, message_id: str, options: list[str]
    ) -> None:
        """What comes back is told apart by its address, where the server lets it be another."""
        senders = self._senders(content, message_id)
        for kind, sender in senders.items():
            try:
                await session.mail(sender, options=options)
                return
            except aiosmtplib.SMTPSenderRefused as no:
                if no.code < 500 or not kind:
                    raise
                self._refused_senders.add(kind)  # hosted services often insist on the account
                await session.rset()

    def _senders(self, content: Content, message_id: str) -> dict[str, str]:
        """Acknowledgements bounce to nobody, other letters to an address of their own."""
        s, senders = self._settings, dict[str, str]()
        if content.acknowledgement:
            senders["null"] = ""
        elif s.plus:
            senders["own"] = self._signer.return_address(s.address, message_id)
        kept = {kind: each for kind, each in senders.items() if kind not in self._refused_senders}
        return kept | {"": s.address}

    async def _deliver(self, session: aiosmtplib.SMTP, data: bytes) -> None:
        """The one ambiguous call: a server that falls silent after the final dot has the mail."""
        try:
            await session.data(data, timeout=self._settings.final_answer)
        except aiosmtplib.SMTPResponseException as no:
            if 400 <= no.code < 600:
                raise self._refused(no.code, no.message) from no
            raise Unclear(_said(no)) from no
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as silence:
            raise Unclear(_said(silence)) from silence

    def _refused(
        self, code: int, text: str, *, recipient: bool = False, ours: bool = False
    ) -> Undeliverable:
        """What a reply means. `ours`: it came before anybody was named, and judges nobody."""
        reason = f"{code} {' '.join(text.split())}"
        enhanced = _ENHANCED.search(text)
        if code == 421 or (400 <= code < 500 and enhanced and enhanced[0].startswith("4.7.")):
            self._pause(self._settings.pause, reason)
            return self._resting()
        plainly_unknown = enhanced is None and code in (550, 551, 553)
        return Undeliverable(
            reason,
            permanent=code >= 500 and not ours,
            address_dead=recipient and (bool(_DEAD.search(text)) or plainly_unknown),
        )

    async def _stop(self, kind: str, why: str) -> None:
        """Hurrying on would get the account locked; another try comes after a long rest."""
        self._pause(self._settings.login_pause, why)
        await self._tell(kind, why)

    async def _tell(self, kind: str, why: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            await self._alert(kind, {"account": self._settings.address, "reason": why})

    def _pause(self, seconds: float, why: str) -> None:
        self._paused_until, self._paused_why = self._monotonic() + seconds, why

    def _resting(self) -> Undeliverable:
        return Undeliverable(self._paused_why, permanent=False, retry_after=self.rests_for)

    def _check_pause(self) -> None:
        if self.rests_for:
            raise self._resting()

    def _check_rate(self, domain: str) -> None:
        """Letters are sent back to the outbox, not held here: other domains go on."""
        now, sent = self._monotonic(), self._recent[domain]
        while sent and sent[0] <= now - 60:
            sent.popleft()
        if len(sent) >= self._settings.per_domain:
            rest = sent[0] + 60 - now
            raise Undeliverable(f"enough for {domain}", permanent=False, retry_after=rest)
        sent.append(now)


def envelope_of(
    settings: SmtpSettings, signer: Signer, letter: Letter, recipient: str, at: datetime
) -> Envelope:
    """Everything that leads an answer back to its ticket."""
    s, ticket = settings, letter.ticket
    tokened = bool(s.plus and ticket)
    return Envelope(
        message_id=signer.message_id(ticket, letter.reference),
        at=at,
        sender=s.address,
        sender_name=s.sender_name,
        to=recipient,
        reply_to=signer.reply_address(s.address, ticket) if tokened else s.address,
        instance=signer.instance,
        ticket=ticket,
        thread=signer.thread_id(ticket) if ticket else "",
        in_reply_to=letter.reply_to,
        attachments_limit=s.attachments_limit,
    )


def wire_address(address: str) -> str:
    """As it goes on an SMTP line: one plain mailbox, its domain in ASCII."""
    local, at, domain = address.strip().rpartition("@")
    plain = local.isprintable() and re.fullmatch(r"[^\s<>@,;:\"()\[\]\\]{1,64}", local)
    try:
        domain = domain.lower().encode("idna").decode()
    except UnicodeError:
        plain = None
    if not plain or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", domain):
        raise Undeliverable("not a mail address", permanent=True, address_dead=True)
    return f"{local}{at}{domain}"


def _is_about_tls(failure: BaseException) -> bool:
    """A bad certificate comes bare after STARTTLS, and wrapped on an implicit connection."""
    if isinstance(failure, ssl.SSLError) or isinstance(failure.__cause__, ssl.SSLError):
        return True
    return "STARTTLS" in str(failure)


def _said(failure: Exception) -> str:
    return " ".join(f"{type(failure).__name__} {failure}".split())
