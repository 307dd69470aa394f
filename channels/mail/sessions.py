"""SMTP sessions between two letters: providers count logins, and each takes a handshake or two."""

import asyncio
import contextlib
from dataclasses import dataclass

import aiosmtplib

REST = 5.0  # seconds, twice as much at the most, that a session waits for another letter
LETTERS = 10  # in one session; servers refuse more sooner or later, some of them with 421
PATIENCE = 2.0  # seconds for an answer that does not matter

LOST = (aiosmtplib.SMTPException, OSError, TimeoutError)


@dataclass(slots=True, eq=False)
class Session:
    client: aiosmtplib.SMTP
    letters: int = 0
    rested: bool = False  # since the last look


class Sessions:
    """Kept only while `tend` runs, so that none is left open when the desk stops."""

    def __init__(self) -> None:
        self._waiting: list[Session] | None = None

    async def take(self) -> Session | None:
        """One that still answers: servers close what is silent, and tell nobody."""
        while self._waiting:
            session = self._waiting.pop()
            with contextlib.suppress(*LOST):
                await session.client.rset(timeout=PATIENCE)
                return session
            session.client.close()
        return None

    async def put(self, session: Session) -> None:
        """After a letter that went well."""
        session.letters += 1
        session.rested = False
        if self._waiting is None or session.letters >= LETTERS:
            await _leave(session)
        else:
            self._waiting.append(session)

    async def tend(self) -> None:
        """Until cancelled: sessions that nobody needs any more are closed."""
        waiting = self._waiting = list[Session]()
        try:
            while True:
                await asyncio.sleep(REST)
                for session in [each for each in waiting if each.rested]:
                    waiting.remove(session)
                    await _leave(session)
                for session in waiting:
                    session.rested = True
        finally:
            self._waiting = None
            for session in waiting:
                session.client.close()


async def _leave(session: Session) -> None:
    with contextlib.suppress(*LOST):
        await session.client.quit(timeout=PATIENCE)
    session.client.close()
