"""Two SMTP servers: aiosmtpd as a strict one, and a scripted one that misbehaves."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Sink:
    """Records what aiosmtpd accepted."""

    port: int = 0
    got: list[Envelope] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        return "250 2.0.0 queued"

    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(e.content, policy=default) for e in self.got]  # type: ignore[arg-type]


@asynccontextmanager
async def smtp_sink(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False, login: bool = False
) -> AsyncIterator[Sink]:
    sink = Sink()

    def authenticate(
        server: object, session: object, e: object, how: str, data: object
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == b"secret"
        return AuthResult(success=good, handled=False)

    def protocol() -> SMTP:
        starttls = {"tls_context": tls, "require_starttls": True} if tls and not implicit else {}
        return SMTP(
            sink,
            hostname="localhost",  # or it asks the name server for ours, each time
            enable_SMTPUTF8=True,
            authenticator=authenticate if login else None,
            auth_required=login,
            auth_require_tls=not implicit and bool(tls),
            loop=asyncio.get_running_loop(),
            **starttls,  # type: ignore[arg-type]
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=tls if implicit else None
    )
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


class ScriptedSmtp:
    """Says what the test wrote down for a verb, and 250 to everything else.

    Instead of a reply, "cut" drops the connection. `END` is what follows the final dot.
    """

    def __init__(self) -> None:
        self.port = 0
        self.replies: dict[str, list[str]] = {}
        self.extensions = ["SIZE 1000000", "AUTH PLAIN"]
        self.log: list[str] = []
        self.accepted: list[bytes] = []
        self.delay = 0.0  # before the answer to the final dot

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._say(writer, self._next("CONNECT", "220 ready"))
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            self.log.append(line)
            verb = line.split()[0].upper()
            usual = {"EHLO": "\r\n250-".join(["250-here", *self.extensions]) + "\r\n250 HELP"}
            usual |= {"DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}
            reply = self._next(verb, usual.get(verb, "250 ok"))
            self._say(writer, reply)
            if verb == "DATA" and reply.startswith("354"):
                body = await reader.readuntil(b"\r\n.\r\n")
                end = self._next("END", "250 2.0.0 queued")
                if not end.startswith(("4", "5")):
                    self.accepted.append(body)
                await asyncio.sleep(self.delay)
                self._say(writer, end)

    def _next(self, verb: str, usual: str) -> str:
        waiting = self.replies.get(verb)
        return waiting.pop(0) if waiting else usual

    def _say(self, writer: asyncio.StreamWriter, reply: str) -> None:
        if reply == "cut":
            writer.transport.abort()
            raise ConnectionResetError
        writer.write(reply.encode() + b"\r\n")


@asynccontextmanager
async def scripted_smtp() -> AsyncIterator[ScriptedSmtp]:
    server = ScriptedSmtp()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
