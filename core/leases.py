"""What only one of several processes may do: a row says which, and when another may take over."""

import secrets
from datetime import datetime, timedelta

from core.desk import Desk
from core.ports import Between, Tx
from core.rows import LeaseRow

HELD = timedelta(seconds=8)  # after that a process that says nothing counts as gone
RENEW = 2.0  # seconds


class Lease:
    """One task and one process that asks for it.

    The moments are the processes' own. Where their clocks differ by more than the lease, two may
    hold it for a while: whoever relies on it must bear that, as Telegram's 409 and the unique keys
    of the inbox do.
    """

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk, self._name = desk, name
        self._me = secrets.token_hex(8)
        self._until: datetime | None = None

    async def hold(self) -> bool:
        """Take it, or keep it; False: another process has it. Costs a commit only when it must."""
        if self._until is None or self._until - self._desk.now() < HELD / 2:
            return await self.renew()
        return True

    async def renew(self) -> bool:
        now = self._desk.now()
        until = now + HELD
        held = await self._desk.store.write(lambda tx: self._take(tx, now, until))
        self._until = until if held else None
        return held

    def _take(self, tx: Tx, now: datetime, until: datetime) -> bool:
        mine = {"name": self._name, "holder": self._me}
        if tx.update_where(LeaseRow, mine, until=until):
            return True
        over = {"name": self._name, "until": Between(before=now)}
        if tx.update_where(LeaseRow, over, holder=self._me, until=until):
            return True
        return tx.add_new([LeaseRow(**mine, until=until)], key=("name",)) == 1

    async def let_go(self) -> None:
        """So that the next process need not wait until it is over."""
        self._until = None
        mine = {"name": self._name, "holder": self._me}
        await self._desk.store.write(lambda tx: tx.delete(LeaseRow, **mine))


async def end_all(desk: Desk) -> None:
    """At the start of the only process: nobody else can hold anything."""
    await desk.store.write(lambda tx: tx.delete(LeaseRow))
