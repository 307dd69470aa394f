"""`paidan check mail`: proves that the settings carry a mail out and back in."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from channels.mail.imap import ImapMailbox
from channels.mail.layout import Content
from channels.mail.sender import SmtpChannel
from channels.mail.settings import MailboxSettings, SmtpSettings
from channels.mail.source import Folder, FolderRefused, LinkLost, LoginRefused, Refused, windows
from channels.mail.tokens import Signer
from core.errors import Unclear, Undeliverable
from core.messages import Letter
from core.ports import Now

# What stands in a failure, and what its reader can do about it.
ADVICE = {
    "WRONG_VERSION_NUMBER": "this port speaks no TLS",
    "CERTIFICATE_VERIFY_FAILED": "name the server as its certificate does, or set cafile",
    "Connect call failed": "nothing answers there, look at host and port",
    "Name or service not known": "there is no such host",
    "STARTTLS extension not supported": 'try tls = "implicit" and port 465',
    "AUTH extension is not supported": "this server takes no login, or only with TLS",
    "535": "providers want an authorisation code or an app password here",
    "553": "address must be the account's own",
}
LOGIN_ADVICE = (
    "is IMAP switched on, and this the authorisation code or app password where the provider"
    " wants one?"
)


class Finding(NamedTuple):
    step: str
    ok: bool
    detail: str


def _failed(step: str, why: object) -> Finding:
    said = str(why)
    advice = next((advice for sign, advice in ADVICE.items() if sign in said), "")
    return Finding(step, False, f"{said} - {advice}" if advice else said)


async def _unsaid(kind: str, params: Mapping[str, str]) -> None:
    """The finding itself says it."""


async def check(
    mailbox: MailboxSettings,
    smtp: SmtpSettings | None,
    signer: Signer,
    now: Now,
    *,
    patience: float = 60,
) -> AsyncIterator[Finding]:
    """One finding after another, as soon as it is known. The test mails carry our X-Loop, so that
    a desk that runs on the same mailbox meanwhile drops them."""
    source = ImapMailbox(mailbox)
    try:
        folder: Folder | None = None
        async for finding, opened in _open(source, mailbox):
            folder = opened or folder
            yield finding
        if folder is None:
            return
        yield await _idle(source)
        if smtp is None:
            return
        addresses = {"loop": mailbox.address}
        if smtp.plus:
            addresses["plus"] = signer.reply_address(mailbox.address, "0")
        for step, address in addresses.items():
            sent, message_id = await _send(smtp, signer, now, address)
            yield sent
            if not sent.ok:
                return
            async for finding in _comes_back(source, mailbox, folder, step, message_id, patience):
                yield finding
    finally:
        source.abort()


async def _open(
    source: ImapMailbox, settings: MailboxSettings
) -> AsyncIterator[tuple[Finding, Folder | None]]:
    where = f"{settings.host}:{settings.port}"
    try:
        folder = await source.connect()
    except LoginRefused as no:
        yield Finding("connect", True, where), None
        yield Finding("login", False, f"{no} - {LOGIN_ADVICE}"), None
    except FolderRefused as no:
        yield Finding("connect", True, where), None
        yield Finding("login", True, settings.login), None
        yield Finding("folder", False, str(no)), None
    except (LinkLost, Refused) as failure:
        yield _failed("connect", f"{where}: {failure}"), None
    else:
        yield Finding("connect", True, where), None
        yield Finding("login", True, settings.login), None
        detail = f"{settings.folder}: {folder.exists} mails"
        if not folder.writable:
            detail += ", read-only: stored mail cannot be marked"
        yield Finding("folder", folder.writable, detail), folder
        if settings.processed and not source.can("MOVE"):
            yield Finding("processed", False, "no MOVE: mail stays and becomes \\Seen"), None


async def _idle(source: ImapMailbox) -> Finding:
    if not source.can("IDLE"):
        return Finding("idle", True, "not offered: new mail is seen by polling")
    try:
        await source.wait(0.5)
    except LinkLost as failure:
        return Finding("idle", False, str(failure))
    return Finding("idle", True, "new mail is pushed")


async def _send(
    settings: SmtpSettings, signer: Signer, now: Now, address: str
) -> tuple[Finding, str]:
    async def compose(_: Letter) -> Content:
        return Content(subject="Paidan check", paragraphs=("Paidan check mail",))

    channel = SmtpChannel(settings, signer, compose, now, alert=_unsaid)
    letter = Letter(
        id=0,
        person_id=None,
        channel="mail",
        address=address,
        language="en",
        zone="UTC",
        kind="check",
        params={},
        reference=f"check {address} {now().isoformat()}",
    )
    try:
        receipt = await channel.send(letter)
    except (Undeliverable, Unclear) as failure:
        return _failed("send", f"to {address}: {failure}"), ""
    return Finding("send", True, f"to {address} by {settings.host}:{settings.port}"), receipt.id


async def _comes_back(
    source: ImapMailbox,
    settings: MailboxSettings,
    folder: Folder,
    step: str,
    message_id: str,
    patience: float,
) -> AsyncIterator[Finding]:
    began = time.monotonic()
    while (waited := time.monotonic() - began) < patience:
        try:
            if uid := await _uid_of(source, folder, message_id):
                yield Finding(step, True, f"came back after {waited:.1f} s")
                if step == "loop":
                    yield await _mark(source, settings, uid)
                else:
                    await source.flag([uid])
                return
            if settings.processed and await _was_processed(settings, message_id):
                yield Finding(step, True, f"taken by the running desk within {waited:.1f} s")
                return
            await source.wait(1)
        except (LinkLost, Refused) as failure:
            yield _failed(step, failure)
            return
    hint = ": set plus = false" if step == "plus" else ""
    yield Finding(step, False, f"did not come back within {patience:.0f} s{hint}")


async def _mark(source: ImapMailbox, settings: MailboxSettings, uid: int) -> Finding:
    """What the desk does with each mail that it has stored."""
    moves = bool(settings.processed) and source.can("MOVE")
    step = "processed" if moves else "mark"
    try:
        await source.flag([uid])
        if moves:
            await source.move([uid], settings.processed)
    except Refused as no:
        return _failed(step, no)
    return Finding(step, True, settings.processed if moves else "read")


async def _uid_of(source: ImapMailbox, folder: Folder, message_id: str) -> int | None:
    """By looking at heads: many servers search texts badly or not at all."""
    for window in windows(await source.search(f"UID {max(folder.uidnext, 1)}:*")):
        for uid in window:
            head = await source.fetch_head(uid)
            if head and message_id.encode() in head:
                return uid
    return None


async def _was_processed(settings: MailboxSettings, message_id: str) -> bool:
    other = ImapMailbox(replace(settings, folder=settings.processed, processed=""))
    try:
        folder = await other.connect()
        newest = replace(folder, uidnext=max(folder.uidnext - 20, 1))
        return await _uid_of(other, newest, message_id) is not None
    finally:
        other.abort()
