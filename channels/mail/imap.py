"""One IMAP mailbox behind aioimaplib, used only in the ways that neither hang nor lose."""

import asyncio
import base64
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import aioimaplib

from channels.mail.lines import Client
from channels.mail.settings import MailboxSettings, tls_context
from channels.mail.source import (
    MONTHS,
    WINDOW,
    Folder,
    FolderRefused,
    LinkLost,
    Listed,
    LoginRefused,
    Refused,
)

HEAD = 65_536  # bytes of the text that are looked at in a mail over the limit
SLICE = 4_000_000  # so that no single command outlasts the watchdog
SLOWEST = 100_000  # bytes a second that a FETCH is granted
NEVER = 3_600.0  # where the library wants a time-out: ours come first

Command = Callable[[Client], Awaitable[Any]]


class ImapMailbox:
    """A MailSource. A client that failed once, in whatever way, is never spoken to again."""

    def __init__(self, settings: MailboxSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._lost: asyncio.Future[None] | None = None
        self._idles = True
        self._takes_seen = True

    async def connect(self) -> Folder:
        self.abort()
        self._dial()
        await self._call("connect", lambda client: client.wait_hello_from_server())
        self._keep_alive()
        await self._log_in()
        # Some servers tell what they can do only when asked after the login.
        await self._call("CAPABILITY", lambda client: client.protocol.capability())
        if self.can("ID"):
            # 163, 126 and yeah.net answer SELECT with "Unsafe Login" to a client without a name.
            await self._call("ID", lambda client: client.id(name="Paidan", version=_version()))
        if self._settings.processed:
            with contextlib.suppress(Refused):  # it exists, most of the time
                await self._ask("CREATE", lambda c: c.create(wire_name(self._settings.processed)))
        return await self._open(self._settings.folder)

    def can(self, capability: str) -> bool:
        return self._client is not None and self._client.has_capability(capability)

    async def search(self, criteria: str) -> list[int]:
        # A charset, even utf-8, is refused by Exchange, Yahoo and Aliyun.
        *lines, _ = await self._ask("SEARCH", lambda c: c.uid_search(criteria, charset=None))
        return sorted({int(word) for line in lines for word in line.split() if word.isdigit()})

    async def sizes(self, uids: Sequence[int]) -> dict[int, Listed]:
        items = await self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE)", expected=0)
        return {
            uid: Listed(uid=uid, size=item.size or 0, arrived_at=item.arrived_at)
            for uid, item in items.items()
        }

    async def fetch(self, listed: Sequence[Listed]) -> dict[int, bytes]:
        if len(listed) == 1 and listed[0].size > SLICE:
            return {listed[0].uid: await self._fetch_sliced(listed[0].uid)}
        items = await self._fetch(
            [mail.uid for mail in listed],
            "(UID BODY.PEEK[])",  # PEEK leaves \Seen alone until we have stored the mail
            expected=sum(mail.size for mail in listed),
        )
        return {uid: item.parts[""] for uid, item in items.items() if "" in item.parts}

    async def fetch_head(self, uid: int) -> bytes | None:
        wanted = f"(UID BODY.PEEK[HEADER] BODY.PEEK[TEXT]<0.{HEAD}>)"
        items = await self._fetch([uid], wanted, expected=2 * HEAD)
        if uid not in items or "HEADER" not in items[uid].parts:
            return None
        return items[uid].parts["HEADER"] + items[uid].parts.get("TEXT", b"")

    async def flag(self, uids: Sequence[int]) -> None:
        if not self._takes_seen:  # Dovecot says OK to a STORE that it then ignores
            raise Refused("STORE", "this account may not mark mail in the folder")
        await self._ask("STORE", lambda c: c.uid("store", uid_set(uids), "+FLAGS", r"(\Seen)"))

    async def move(self, uids: Sequence[int], folder: str) -> None:
        if self.can("MOVE"):
            await self._ask("MOVE", lambda c: c.uid("move", uid_set(uids), wire_name(folder)))
        else:  # COPY and EXPUNGE would do, but nothing here ever expunges
            await self.flag(uids)

    async def wait(self, seconds: float) -> None:
        if not (self._idles and self.can("IDLE")):
            await self._call("pause", lambda _: asyncio.sleep(seconds), seconds)
            return
        seconds = min(seconds, self._settings.pace.idle)
        await self._call("IDLE", lambda client: self._idle(client, seconds), seconds)

    def abort(self) -> None:
        client, self._client = self._client, None
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        if client is None:
            return
        client._client_task.cancel()
        for task in (*client.tasks, *client.protocol.tasks):
            task.cancel()
        if client.protocol.transport is not None:
            client.protocol.transport.abort()

    def _dial(self) -> None:
        s = self._settings
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_lost(_: Exception | None) -> None:
            if not lost.done():
                lost.set_result(None)

        context = tls_context(s.cafile) if s.tls else None
        # None: no time-outs of the library, which leave it in pieces. Ours are in `_call`.
        client = Client(s.host, s.port, timeout=None, conn_lost_cb=on_lost, ssl_context=context)
        self._client, self._lost = client, lost

    def _keep_alive(self) -> None:
        assert self._client is not None
        sock = self._client.protocol.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):  # not on every system
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    async def _log_in(self) -> None:
        s = self._settings
        try:
            if s.token is None:
                # The library quotes the password and sends the name as it is.
                await self._ask("LOGIN", lambda c: c.login(quoted(s.login), s.password))
            else:
                await self._log_in_by_token(await s.token())
        except LoginRefused:
            raise
        except Refused as no:
            # RFC 5530: these are about the server's day, not about our password.
            if re.search(r"\[(UNAVAILABLE|LIMIT|INUSE|SERVERBUG)\]", no.answer):
                raise
            raise LoginRefused(no.command, no.answer) from no

    async def _log_in_by_token(self, token: str) -> None:
        try:
            await self._ask("AUTHENTICATE", lambda c: c.xoauth2(self._settings.login, token))
        except LinkLost as silence:
            if isinstance(silence.__cause__, TimeoutError):
                # A refused token gets a challenge that the library leaves unanswered.
                raise LoginRefused("AUTHENTICATE", "the token was not accepted") from silence
            raise

    async def _open(self, name: str) -> Folder:
        try:
            lines = await self._ask("SELECT", lambda c: c.select(wire_name(name)))
        except Refused as no:
            raise FolderRefused(no.command, no.answer) from no
        text = b"\n".join(lines).decode("ascii", "replace")
        validity, following, exists = (
            re.search(pattern, text)
            for pattern in (r"UIDVALIDITY (\d+)", r"UIDNEXT (\d+)", r"(\d+) EXISTS")
        )
        if validity is None:
            raise FolderRefused("SELECT", "no UIDVALIDITY, so its UIDs mean nothing")
        writable = "[READ-ONLY]" not in text
        permanent = re.search(r"PERMANENTFLAGS \(([^)]*)\)", text)
        self._takes_seen = writable and (permanent is None or r"\Seen" in permanent[1])
        return Folder(
            uidvalidity=int(validity[1]),
            uidnext=int(following[1])
            if following
            else max(await self.search("ALL"), default=0) + 1,
            exists=int(exists[1]) if exists else 0,
            writable=writable,
        )

    async def _fetch(
        self, uids: Sequence[int], wanted: str, *, expected: int
    ) -> dict[int, "FetchedItem"]:
        assert len(uids) <= WINDOW
        lines = await self._ask(
            "FETCH", lambda c: c.uid("fetch", uid_set(uids), wanted), expected / SLOWEST
        )
        return {item.uid: item for item in read_fetch(lines) if item.uid in set(uids)}

    async def _fetch_sliced(self, uid: int) -> bytes:
        """Until a slice comes back short: some servers are wrong about RFC822.SIZE."""
        body = bytearray()
        while True:
            wanted = f"(UID BODY.PEEK[]<{len(body)}.{SLICE}>)"
            items = await self._fetch([uid], wanted, expected=SLICE)
            part = items[uid].parts.get("", b"") if uid in items else b""
            body += part
            if len(part) < SLICE:
                return bytes(body)

    async def _idle(self, client: Client, seconds: float) -> None:
        pushes = client.protocol.idle_queue
        while not pushes.empty():
            pushes.get_nowait()
        try:
            over = await client.idle_start(timeout=NEVER)
        except aioimaplib.Abort:
            self._idles = False  # advertised, yet refused: from now on we only poll
            raise
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not _is_news(await client.wait_server_push(timeout=NEVER)):
                    pass
        client.idle_done()
        await over

    async def _ask(self, name: str, command: Command, extra: float = 0) -> list[bytes]:
        """The answer's lines; the last one is the final one, which has to be OK."""
        response = await self._call(name, command, extra)
        lines: list[bytes] = response.lines or [b""]
        if response.result != "OK":
            raise Refused(name, bytes(lines[-1]).decode("utf-8", "replace"))
        return lines

    async def _call(self, name: str, command: Command, extra: float = 0) -> Any:
        """The only way to the library: bounded in time, ended by a lost link, fatal on failure."""
        client, lost = self._client, self._lost
        if client is None or lost is None:
            raise LinkLost(f"{name}: not connected")
        work = asyncio.ensure_future(command(client))
        try:
            async with asyncio.timeout(self._settings.pace.answer + extra):
                await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() or work.cancelled():
                raise LinkLost(f"{name}: the connection was cut")
            answer = work.result()
            if client.protocol.transport.is_closing():
                raise LinkLost(f"{name}: the connection is closing")
            return answer
        except (LinkLost, asyncio.CancelledError):
            self.abort()
            raise
        except Exception as failure:
            # Whatever it was, the library's parser may now be waiting for another answer's end.
            self.abort()
            raise LinkLost(f"{name}: {type(failure).__name__} {failure}".strip()) from failure
        finally:
            await _end(work)


class FetchedItem:
    """What a FETCH told of one mail, from before and after its literals."""

    def __init__(self, text: str, parts: dict[str, bytes]) -> None:
        self._text = text
        self.parts = parts  # section name such as HEADER, and "" for the whole mail

    @property
    def uid(self) -> int:
        return self._number("UID") or 0

    @property
    def size(self) -> int | None:
        return self._number(r"RFC822\.SIZE")

    @property
    def arrived_at(self) -> datetime | None:
        found = re.search(r'INTERNALDATE "([^"]+)"', self._text)
        return internal_date(found[1]) if found else None

    def _number(self, name: str) -> int | None:
        found = re.search(rf"\b{name} (\d+)", self._text)
        return int(found[1]) if found else None


def read_fetch(lines: Sequence[bytes | bytearray]) -> Iterator[FetchedItem]:
    """Other clients' changes may interleave, so nothing but the UID says whose line it is."""
    text, parts, section = "", dict[str, bytes](), ""
    for line in lines:
        if isinstance(line, bytearray):  # only literals are
            parts[section] = bytes(line)
            continue
        said = line.decode("latin-1")
        if re.match(r"\d+ FETCH \(", said):
            yield FetchedItem(text, parts)
            text, parts = "", {}
        for match in re.finditer(
            r'BODY\[([^\]]*)\](?:<\d+>)? (\{\d+\}$|"((?:[^"\\]|\\.)*)"|NIL)', said
        ):
            section = match[1]
            if not match[2].startswith("{"):  # a short text may come quoted, an empty one as NIL
                parts[section] = re.sub(r"\\(.)", r"\1", match[3] or "").encode("latin-1")
        text += said + " "
    yield FetchedItem(text, parts)


def uid_set(uids: Sequence[int]) -> str:
    """`1:3,7`: runs make a window of a hundred a short line."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{a}:{b}" if a != b else f"{a}" for a, b in runs)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def wire_name(folder: str) -> str:
    """Modified UTF-7 (RFC 3501, 5.1.3), quoted: 已处理 is "&XfJZBHQG-"."""

    def shifted(match: re.Match[str]) -> str:
        coded = base64.b64encode(match[0].encode("utf-16-be")).decode()
        return "&" + coded.rstrip("=").replace("/", ",") + "-"

    return quoted(re.sub(r"[^\x20-\x7e]+", shifted, folder.replace("&", "&-")))


def internal_date(text: str) -> datetime | None:
    """strptime's %b would ask for the month in the server's locale."""
    found = re.fullmatch(
        r" ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", text.strip()
    )
    if found is None or found[2].title() not in MONTHS:
        return None
    day, year, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(-offset if found[7] == "-" else offset)
        month = MONTHS.index(found[2].title()) + 1
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_news(push: Sequence[bytes]) -> bool:
    if any(line.upper().startswith(b"BYE") for line in push):
        raise LinkLost("the server said BYE")
    return any(b"EXISTS" in line or b"RECENT" in line for line in push)


def _version() -> str:
    try:
        return version("paidan")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"


async def _end(work: "asyncio.Future[Any]") -> None:
    """Collect a call that was given up, so that nobody logs an exception without an owner."""
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=1)
    if work.done() and not work.cancelled():
        work.exception()
