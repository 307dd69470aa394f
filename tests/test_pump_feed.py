"""What the worker learns about a row after the handlers had it: the table of the field notes."""

import asyncio
import json
from typing import Any

import pytest
from telegram import Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    CallbackContext,
    ContextTypes,
    Defaults,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.pump import (
    AnyApplication,
    NotReady,
    Unreadable,
    Unsettled,
    WrongHandlers,
    check_handlers,
    current_slot,
    feed,
    report_failure,
)
from bot.trial.botapi import BotApi
from bot.trial.botapi.wire import InProcess

TOKEN = "700001:test-token"


def row(text: str = "打印机卡纸", update_id: int = 1) -> bytes:
    person = {"id": 42, "is_bot": False, "first_name": "李娜"}
    chat = {"id": 42, "type": "private", "first_name": "李娜"}
    message = {"message_id": 1, "date": 1_770_000_000, "chat": chat, "from": person, "text": text}
    return json.dumps({"update_id": update_id, "message": message}).encode()


def settle() -> None:
    slot = current_slot()
    assert slot is not None
    slot.settle()


async def settles(_update: Update, _context: Any) -> None:
    settle()


async def fails(_update: Update, _context: Any) -> None:
    raise LookupError("no such ticket")


async def ignores(_update: object, _context: Any) -> None:
    pass


def builder() -> Any:
    api = BotApi(TOKEN, "desk_bot", lambda: 1_770_000_000.0)
    wire = InProcess(api)
    start = Application.builder().token(TOKEN).request(wire).get_updates_request(wire)
    return start.updater(None).job_queue(None)


async def app_with(*callbacks: Any, report: bool = True, ready: bool = True) -> AnyApplication:
    """An application with one group per callback."""
    app: AnyApplication = builder().build()
    for group, callback in enumerate(callbacks):
        app.add_handler(TypeHandler(Update, callback), group)
    if report:
        app.add_error_handler(report_failure)
    if ready:
        await app.initialize()
    return app


async def test_a_settled_row_is_done() -> None:
    await feed(await app_with(settles), 1, row())


async def test_a_failing_handler_is_heard() -> None:
    with pytest.raises(LookupError, match="no such ticket"):
        await feed(await app_with(fails), 1, row())


async def test_a_row_that_every_handler_ignores_is_unsettled() -> None:
    with pytest.raises(Unsettled):
        await feed(await app_with(ignores), 1, row())


async def test_a_row_without_a_handler_is_unsettled() -> None:
    with pytest.raises(Unsettled):
        await feed(await app_with(), 1, row())


async def test_without_an_error_handler_a_failure_is_still_no_success() -> None:
    with pytest.raises(Unsettled):
        await feed(await app_with(fails, report=False), 1, row())


async def test_a_context_that_cannot_be_built_is_no_success() -> None:
    class Broken(CallbackContext[Any, Any, Any, Any]):
        @classmethod
        def from_update(cls, update: object, application: Any) -> Any:
            raise LookupError

    app: AnyApplication = builder().context_types(ContextTypes(context=Broken)).build()
    app.add_handler(TypeHandler(Update, settles))
    await app.initialize()
    with pytest.raises(Unsettled):
        await feed(app, 1, row())


async def test_a_handler_may_stop_the_others_after_settling() -> None:
    async def settles_and_stops(_update: Update, _context: Any) -> None:
        settle()
        raise ApplicationHandlerStop

    await feed(await app_with(settles_and_stops, fails), 1, row())


async def test_later_groups_do_not_see_a_failed_row() -> None:
    seen: list[int] = []

    async def sees(update: Update, _context: Any) -> None:
        seen.append(update.update_id)
        settle()

    with pytest.raises(LookupError):
        await feed(await app_with(fails, sees), 1, row())
    assert seen == []


async def test_a_row_that_failed_after_its_commit_is_done() -> None:
    async def settles_then_fails(_update: Update, _context: Any) -> None:
        settle()
        raise LookupError

    await feed(await app_with(settles_then_fails), 1, row())


async def test_a_handler_that_hangs_is_given_up() -> None:
    async def hangs(_update: Update, _context: Any) -> None:
        await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await feed(await app_with(hangs), 1, row(), seconds=0.02)


async def test_a_handlers_own_time_out_is_its_failure() -> None:
    async def gives_up(_update: Update, _context: Any) -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await feed(await app_with(gives_up), 1, row())


async def test_a_cancelled_worker_hears_nothing_and_the_row_stays() -> None:
    started = asyncio.Event()

    async def hangs(_update: Update, _context: Any) -> None:
        started.set()
        await asyncio.sleep(60)

    work = asyncio.create_task(feed(await app_with(hangs), 1, row()))
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"update_id": 1, "message": {"date": "never"}}', b"\xff"]
)
async def test_poison_is_named(body: bytes) -> None:
    with pytest.raises(Unreadable):
        await feed(await app_with(settles), 1, body)


async def test_before_telegram_answers_no_row_is_to_blame() -> None:
    with pytest.raises(NotReady):
        await feed(await app_with(settles, ready=False), 1, row())


async def test_a_runtime_error_of_a_handler_is_its_failure() -> None:
    async def breaks(_update: Update, _context: Any) -> None:
        raise RuntimeError("dictionary changed size")

    with pytest.raises(RuntimeError, match="dictionary"):
        await feed(await app_with(breaks), 1, row())


async def test_rows_side_by_side_do_not_see_each_others_slot() -> None:
    async def judges(update: Update, _context: Any) -> None:
        await asyncio.sleep(0)
        slot = current_slot()
        assert slot is not None
        assert slot.inbox_id == update.update_id
        if update.update_id % 2:
            raise LookupError(update.update_id)
        settle()

    app = await app_with(judges)
    outcomes = await asyncio.gather(
        *(feed(app, number, row(update_id=number)) for number in range(60)),
        return_exceptions=True,
    )
    failed = [number for number, outcome in enumerate(outcomes) if outcome is not None]
    assert failed == list(range(1, 60, 2))
    assert current_slot() is None


# The start-up check


async def right_app() -> AnyApplication:
    return await app_with(ignores, settles, ready=False)


async def test_the_right_handlers_pass() -> None:
    check_handlers(await right_app())


async def test_a_handler_that_does_not_block_is_refused() -> None:
    app = await right_app()
    app.add_handler(MessageHandler(filters.TEXT, ignores, block=False))
    with pytest.raises(WrongHandlers, match="block=False"):
        check_handlers(app)


async def test_an_error_handler_that_does_not_block_is_refused() -> None:
    app = await right_app()
    app.add_error_handler(ignores, block=False)
    with pytest.raises(WrongHandlers, match="block=False"):
        check_handlers(app)


async def test_defaults_that_do_not_block_are_refused() -> None:
    app: AnyApplication = builder().defaults(Defaults(block=False)).build()
    app.add_error_handler(report_failure, block=True)
    app.add_handler(TypeHandler(Update, settles))
    with pytest.raises(WrongHandlers, match="Defaults"):
        check_handlers(app)


async def test_another_error_handler_may_not_come_first() -> None:
    app = await app_with(settles, report=False, ready=False)
    app.add_error_handler(ignores)
    app.add_error_handler(report_failure)
    with pytest.raises(WrongHandlers, match="report_failure"):
        check_handlers(app)


async def test_a_missing_catch_all_is_refused() -> None:
    app = await right_app()
    app.add_handler(MessageHandler(filters.TEXT, ignores), group=99)
    with pytest.raises(WrongHandlers, match="TypeHandler"):
        check_handlers(app)
