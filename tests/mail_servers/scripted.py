"""An IMAP server in memory that keeps a log and misbehaves on request."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

CAPABILITIES = "IMAP4rev1 IDLE ID MOVE UIDPLUS"


@dataclass
class Mail:
    raw: bytes
    arrived_at: datetime
    flags: set[str] = field(default_factory=set)


@dataclass
class Box:
    uidvalidity: int = 1
    uidnext: int = 1
    mails: dict[int, Mail] = field(default_factory=dict)

    def add(self, raw: bytes, arrived_at: datetime | None = None) -> int:
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.mails[uid] = Mail(raw, arrived_at=arrived_at or datetime.now(UTC))
        return uid


class ScriptedImap:
    """What the tests turn: every knob is a fault that a real server or line has shown."""

    def __init__(self) -> None:
        self.port = 0
        self.boxes = {"INBOX": Box()}
        self.log: list[str] = []
        self.capabilities = CAPABILITIES
        self.refuse: dict[str, str] = {}  # command: the answer, such as "NO [ALERT] Unsafe Login"
        self.flows = asyncio.Event()  # cleared: half-open, nothing ever comes back
        self.flows.set()
        self.cut_at: Callable[[int], int | None] = lambda uid: None  # bytes of that literal
        self.dribble = 0  # bytes per packet
        self.before: dict[str, list[bytes]] = {}  # untagged lines thrown in before an answer
        self.hide: set[int] = set()  # uids that SEARCH finds and FETCH omits
        self.challenges = False  # a token is answered by what was wrong with it
        self._sessions: set[asyncio.StreamWriter] = set()

    @property
    def inbox(self) -> Box:
        return self.boxes["INBOX"]

    def logged(self, pattern: str) -> list[str]:
        return [line for line in self.log if re.search(pattern, line)]

    def deliver(self, raw: bytes) -> int:
        uid = self.inbox.add(raw)
        self.push(b"* %d EXISTS\r\n" % len(self.inbox.mails))
        return uid

    def push(self, lines: bytes) -> None:
        for writer in self._sessions if self.flows.is_set() else ():
            writer.write(lines)

    def cut(self) -> None:
        for writer in list(self._sessions):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions.add(writer)
        session = Session(self, reader, writer)
        try:
            await session.run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(writer)
            writer.close()


class Session:
    def __init__(
        self, server: ScriptedImap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.box = Box()

    async def run(self) -> None:
        await self.say(b"* OK ready\r\n")
        while line := (await self.reader.readline()).decode().rstrip("\r\n"):
            self.server.log.append(line)
            tag, _, rest = line.partition(" ")
            name = re.match(r"(UID )?\w+", rest.upper())[0]  # type: ignore[index]
            for fault in self.server.before.pop(name, []):
                await self.say(fault)
            refusal = self.server.refuse.get(name)
            if "CHARSET" in rest:
                refusal = "NO [BADCHARSET (US-ASCII)] no such charset"
            if refusal:
                await self.say(f"{tag} {refusal}\r\n".encode())
                continue
            await getattr(self, name.replace(" ", "_").lower())(tag, rest[len(name) + 1 :])

    async def say(self, data: bytes) -> None:
        await self.server.flows.wait()
        step = self.server.dribble or len(data) or 1
        for start in range(0, len(data), step):
            self.writer.write(data[start : start + step])
            if self.server.dribble:
                await asyncio.sleep(0)
        await self.writer.drain()

    async def ok(self, tag: str, what: str = "done") -> None:
        await self.say(f"{tag} OK {what}\r\n".encode())

    async def capability(self, tag: str, _: str) -> None:
        await self.say(f"* CAPABILITY {self.server.capabilities}\r\n".encode())
        await self.ok(tag)

    async def login(self, tag: str, rest: str) -> None:
        await self.ok(tag) if rest.endswith('"secret"') else await self.say(
            f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
        )

    async def authenticate(self, tag: str, rest: str) -> None:
        if self.server.challenges:
            await self.say(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")  # and waits for an empty line
            await self.reader.readline()
            return
        await self.ok(tag)

    async def id(self, tag: str, _: str) -> None:
        await self.say(b"* ID NIL\r\n")
        await self.ok(tag)

    async def noop(self, tag: str, _: str) -> None:
        await self.ok(tag)

    async def create(self, tag: str, rest: str) -> None:
        self.server.boxes.setdefault(rest.strip('"'), Box())
        await self.ok(tag)

    async def select(self, tag: str, rest: str) -> None:
        self.box = self.server.boxes[rest.strip('"')]
        await self.say(
            f"* FLAGS (\\Seen)\r\n* {len(self.box.mails)} EXISTS\r\n"
            f"* OK [UIDVALIDITY {self.box.uidvalidity}] ok\r\n"
            f"* OK [UIDNEXT {self.box.uidnext}] ok\r\n".encode()
        )
        await self.ok(tag, "[READ-WRITE] selected")

    def uids(self, text: str) -> Iterator[int]:
        last = max(self.box.mails, default=0)
        for run in text.split(","):
            ends = [last if end == "*" else int(end) for end in run.split(":")]
            yield from (u for u in sorted(self.box.mails) if min(ends) <= u <= max(ends))

    async def uid_search(self, tag: str, rest: str) -> None:
        found = list(self.uids(m[1])) if (m := re.search(r"UID (\S+)", rest)) else [*self.box.mails]
        if since := re.search(r"SINCE (\S+)", rest):
            day = datetime.strptime(since[1] + " +0000", "%d-%b-%Y %z")
            found = [uid for uid in found if self.box.mails[uid].arrived_at >= day]
        await self.say(f"* SEARCH {' '.join(map(str, found))}".encode().rstrip() + b"\r\n")
        await self.ok(tag)

    async def uid_fetch(self, tag: str, rest: str) -> None:
        wanted, _, items = rest.partition(" ")
        for uid in self.uids(wanted):
            if uid not in self.server.hide:
                await self.fetch_one(uid, items)
        await self.ok(tag)

    async def fetch_one(self, uid: int, items: str) -> None:
        mail = self.box.mails[uid]
        moment = mail.arrived_at.strftime("%d-%b-%Y %H:%M:%S +0000")
        head = f"* {sorted(self.box.mails).index(uid) + 1} FETCH (RFC822.SIZE {len(mail.raw)}"
        head += f' INTERNALDATE "{moment}"'
        await self.say(head.encode())
        header, blank, text = mail.raw.partition(b"\r\n\r\n")
        sections = {"": mail.raw, "HEADER": header + blank, "TEXT": text}
        for name, slice_ in re.findall(r"BODY\.PEEK\[(\w*)\](<[\d.]+>)?", items):
            part = sections[name]
            if slice_:
                start, length = map(int, slice_.strip("<>").split("."))
                part = part[start : start + length]
            cut = self.server.cut_at(uid)
            mark = f"<{start}>" if slice_ else ""
            await self.say(f" BODY[{name}]{mark} {{{len(part)}}}\r\n".encode() + part[:cut])
            if cut is not None:
                self.writer.transport.abort()
                raise ConnectionResetError
        await self.say(f" UID {uid})\r\n".encode())

    async def uid_store(self, tag: str, rest: str) -> None:
        for uid in self.uids(rest.split()[0]):
            self.box.mails[uid].flags.add("\\Seen")
            await self.say(f"* 1 FETCH (UID {uid} FLAGS (\\Seen))\r\n".encode())
        await self.ok(tag)

    async def uid_move(self, tag: str, rest: str) -> None:
        wanted, _, name = rest.partition(" ")
        for uid in list(self.uids(wanted)):
            self.server.boxes[name.strip('"')].add(self.box.mails.pop(uid).raw)
            await self.say(b"* 1 EXPUNGE\r\n")
        await self.ok(tag)

    async def idle(self, tag: str, _: str) -> None:
        await self.say(b"+ idling\r\n")
        done = await self.reader.readline()
        self.server.log.append(done.decode().strip())
        await self.ok(tag)


@asynccontextmanager
async def scripted_imap() -> AsyncIterator[ScriptedImap]:
    server = ScriptedImap()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.cut()
