"""Bad input and bad luck: a clear sentence, nothing lost, nothing done that may not be done."""

import pytest

from core import inbox
from core.inbox import Poison
from core.ports import Raw
from core.rows import InboxRow
from tests.scenario import START as MOMENT
from tests.scenario import Scenario

ODD = {
    "html": "<b>打印机</b> <script>alert(1)</script> 卡纸 & 天河",
    "longest": ("打印机卡纸 天河 " * 500)[:4096],
    "right to left": "打印机\u202e卡纸\u202c 天河",
    "emoji": "🖨️🔥 打印机卡纸 天河 👩‍💻",
}


def raw(number: int, body: bytes = b"{}") -> Raw:
    return Raw(
        channel="telegram",
        account="",
        external_id=str(number),
        order_key="telegram:tang.wei",
        body=body,
        received_at=MOMENT,
    )


async def stored(desk: Scenario, body: bytes) -> InboxRow:
    await inbox.keeper(desk.desk, lambda: None)([raw(1, body)])
    (row,) = await inbox.claim(desk.desk)
    return row


async def state(desk: Scenario) -> tuple[str, bytes]:
    row = await desk.desk.store.read(lambda tx: tx.first(InboxRow))
    assert row is not None
    return row.state, row.body


async def unreadable(row: InboxRow) -> None:
    raise Poison("not JSON")


async def test_what_cannot_be_read_is_set_aside_with_its_bytes(desk: Scenario) -> None:
    await inbox.work_on(desk.desk, await stored(desk, b"\xff\x00"), {"telegram": unreadable})
    assert await state(desk) == ("dead", b"\xff\x00")


async def test_the_supervisor_and_the_sender_hear_of_it(desk: Scenario) -> None:
    await inbox.work_on(desk.desk, await stored(desk, b"\xff"), {"telegram": unreadable})
    await desk.settle()
    assert desk.heard("zhao.hong") == ["trouble"]
    assert desk.heard("tang.wei") == ["held"]


async def test_what_was_set_aside_can_be_worked_on_again(desk: Scenario) -> None:
    row = await stored(desk, b"{}")
    await inbox.work_on(desk.desk, row, {"telegram": unreadable})
    assert await inbox.retry(desk.desk, row.id)
    (again,) = await inbox.claim(desk.desk)
    assert (again.id, again.tries, again.body) == (row.id, 1, b"{}")


async def test_a_handler_that_fails_is_tried_again_and_then_given_up(desk: Scenario) -> None:
    async def fails(row: InboxRow) -> None:
        raise RuntimeError("a fault of ours")

    await inbox.keeper(desk.desk, lambda: None)([raw(1)])
    states = []
    for _ in range(inbox.TRIES):
        (row,) = await inbox.claim(desk.desk)
        await inbox.work_on(desk.desk, row, {"telegram": fails})
        states.append((await state(desk))[0])
        await desk.time_passes(minutes=11)
    assert states == ["new"] * (inbox.TRIES - 1) + ["dead"]
    assert desk.heard("tang.wei") == ["held"]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
async def test_odd_words_are_a_report_like_any_other(desk: Scenario, text: str) -> None:
    await desk.hears("xu.lan", text)
    assert [ticket.symptom for ticket in await desk.tickets()] == [text.strip()]


async def test_somebody_elses_ticket_cannot_be_cancelled(desk: Scenario) -> None:
    await desk.hears("tang.wei", "打印机卡纸 珠海香洲店")
    ticket = await desk.latest()
    outcome = await desk.does("xu.lan", "cancel", ticket.number)
    assert (outcome.kind, (await desk.latest()).status) == ("refused_not_allowed", ticket.status)
