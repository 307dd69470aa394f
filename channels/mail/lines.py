"""What an IMAP server says, read once from beginning to end, for the library's commands.

The library itself writes every byte out for a log, copies what is left of a chunk for each line of
it, and looks at all earlier lines of a FETCH for each further one. For a mailbox of thousands that
is half a millisecond a mail.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aioimaplib.aioimaplib import (
    CRLF,
    IMAP4,
    Command,
    FetchCommand,
    IMAP4ClientProtocol,
    literal_data_re,
)

Lost = Callable[[Exception | None], None]


class Client(IMAP4):  # type: ignore[misc]
    """The library's client on these lines, with TLS or without; it tells when the link is lost."""

    def create_client(
        self,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Lost | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        loop = loop or asyncio.get_running_loop()
        self.protocol = _Lines(loop, conn_lost_cb)
        dialling = loop.create_connection(lambda: self.protocol, host, port, ssl=ssl_context)
        self._client_task = loop.create_task(dialling)


class _Lines(IMAP4ClientProtocol):  # type: ignore[misc]
    incomplete_line: bytes
    current_command: Any  # whose answer goes on with what comes next, if anybody's

    def __init__(self, loop: asyncio.AbstractEventLoop, conn_lost_cb: Lost | None) -> None:
        super().__init__(loop, conn_lost_cb)
        self._open = 0  # brackets of the response to a FETCH

    def data_received(self, data: bytes) -> None:
        data, at = self.incomplete_line + data, 0
        self.incomplete_line = b""
        while at < len(data):
            command = self.current_command
            if command is not None and command.wait_literal_data():
                end = at + command._expected_size - len(command._resp_literal_data)
                command.append_literal_data(memoryview(data)[at:end])
                at = min(end, len(data))
                continue
            end = data.find(CRLF, at)
            if end < 0:
                self.incomplete_line = data[at:]
                return
            self._take(data[at:end])
            at = end + len(CRLF)
        if self.pending_sync_command is not None:
            self.pending_sync_command.flush()

    def _take(self, line: bytes) -> None:
        goes_on = self.current_command is not None
        command: Any = self._handle_line(line, self.current_command)
        if literal := literal_data_re.match(line):
            command = command or Command("NIL", "unused")
            command.begin_literal_data(int(literal["size"]))
        if isinstance(command, FetchCommand):
            opened = line.count(b"(") - line.count(b")")
            self._open = opened + (self._open if goes_on else 0)
        waits = literal or (isinstance(command, FetchCommand) and self._open)
        self.current_command = command if waits else None
