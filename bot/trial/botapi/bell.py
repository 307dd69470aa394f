"""A bell that wakes everybody who waits, and may be rung where no loop runs."""

from __future__ import annotations

import asyncio


class Bell:
    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def heard(self, seconds: float) -> bool:
        """Whether it rang before the seconds were over."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            done, _ = await asyncio.wait({waiter}, timeout=seconds)
            return bool(done)
        finally:
            self._waiting.discard(waiter)
