"""`paidan check mail`: proves that the settings carry a mail out and back in."""

import time
from collections.abc import AsyncIterator
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


class Finding(NamedTuple):
    step: str
    ok: bool
    detail: str


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
            if sent.ok:
                yield await _comes_back(source, mailbox, folder, step, message_id, patience)
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
        yield Finding("login", False, str(no)), None
    except FolderRefused as no:
        yield Finding("connect", True, where), None
        yield Finding("login", True, settings.login), None
        yield Finding("folder", False, str(no)), None
    except (LinkLost, Refused) as failure:
        yield Finding("connect", False, f"{where}: {failure}"), None
    else:
        yield Finding("connect", True, where), None
        yield Finding("login", True, settings.login), None
        detail = f"{settings.folder}: {folder.exists} mails"
        if not folder.writable:
            detail += ", read-only: stored mail cannot be marked"
        yield Finding("folder", folder.writable, detail), folder
        if settings.processed:
            moves = source.can("MOVE")
            detail = settings.processed if moves else "no MOVE: mail stays and becomes \\Seen"
            yield Finding("processed", moves, detail), None


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

    channel = SmtpChannel(settings, signer, compose, now)
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
        return Finding("send", False, f"to {address}: {failure}"), ""
    return Finding("send", True, f"to {address} by {settings.host}:{settings.port}"), receipt.id


async def _comes_back(
    source: ImapMailbox,
    settings: MailboxSettings,
    folder: Folder,
    step: str,
    message_id: str,
    patience: float,
) -> Finding:
    began = time.monotonic()
    while (waited := time.monotonic() - began) < patience:
        try:
            if await _is_there(source, folder, message_id):
                return Finding(step, True, f"came back after {waited:.1f} s")
            if settings.processed and await _was_processed(settings, message_id):
                return Finding(step, True, f"taken by the running desk within {waited:.1f} s")
            await source.wait(1)
        except (LinkLost, Refused) as failure:
            return Finding(step, False, str(failure))
    hint = ": set plus = false" if step == "plus" else ""
    return Finding(step, False, f"did not come back within {patience:.0f} s{hint}")


async def _is_there(source: ImapMailbox, folder: Folder, message_id: str) -> bool:
    """By looking at heads: many servers search texts badly or not at all."""
    for window in windows(await source.search(f"UID {max(folder.uidnext, 1)}:*")):
        for uid in window:
            head = await source.fetch_head(uid)
            if head and message_id.encode() in head:
                await source.flag([uid])
                return True
    return False


async def _was_processed(settings: MailboxSettings, message_id: str) -> bool:
    other = ImapMailbox(replace(settings, folder=settings.processed, processed=""))
    try:
        folder = await other.connect()
        newest = replace(folder, uidnext=max(folder.uidnext - 20, 1))
        return await _is_there(other, newest, message_id)
    finally:
        other.abort()
