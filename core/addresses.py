"""Changes to people and their addresses that come from the outside."""

from core.desk import Desk
from core.people import Address
from core.ports import Tx
from core.work import settle


async def reachability(
    desk: Desk, channel: str, account: str, value: str, reachable: bool, inbox_id: int
) -> None:
    """The person blocked the desk in a chat, or let it in again."""

    def body(tx: Tx) -> None:
        if not settle(tx, inbox_id, desk.now()):
            return
        tx.update_where(
            Address,
            {"channel": channel, "account": account, "value": value},
            state="ok" if reachable else "blocked",
        )

    await desk.store.write(body)
