"""The durable way in from Telegram: raw updates are committed before Telegram may forget them.

Two directions: `Pump` and `hook_route` bring updates into the inbox; `feed` takes one inbox row
through the bot's handlers and finds out whether it was dealt with.
"""

import asyncio
import hmac
import json
import logging
import warnings
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, TypeVar

import telegram
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram.error import Conflict, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationHandlerStop, TypeHandler

from bot.redact import redact
from channels.telegram.reading import CHANNEL, order_key
from channels.telegram.verdicts import TOKEN_REFUSED, pause
from core.crashpoints import reach
from core.errors import StorageBusy
from core.ports import Keep, Now, Raw

log = logging.getLogger(__name__)

ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "my_chat_member")
POLL_SECONDS: Final = 25
BATCH: Final = 100
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
STAND_BY: Final = 1.0  # seconds between looks whether the process that polls is still there
HANDLING_SECONDS: Final = 30.0
HOOK_BODY_BYTES: Final = 1024 * 1024

RIVALRY: Final = timedelta(minutes=2)
TROUBLES: Final = {
    "second_poller": "another program asks for this bot's updates (409); one must be stopped",
    "storage_busy": "what arrives cannot be stored, and is left there",
    "telegram_token_refused": "the bot's token is refused",
    "telegram_unreachable": "cannot be reached",
    "pump_failed": "a fault of ours",
}

Trouble = Callable[[str, Mapping[str, str]], None]
"""Tells the operator, once per stretch of failures, with the kinds that `_kind` knows."""

AnyApplication = Application[Any, Any, Any, Any, Any, Any]
_T = TypeVar("_T")


class Hook(NamedTuple):
    """Where Telegram shall deliver updates, and the word that shows that it is Telegram."""

    url: str
    secret: str


class _Stopped(Exception):
    """Told to, or the token is refused."""


async def _always() -> bool:
    return True


class Pump:
    """One long poll after another, and a commit between any two."""

    def __init__(
        self,
        bot: telegram.Bot,
        account: str,
        keep: Keep,
        offset: Callable[[], Awaitable[int]],
        now: Now,
        trouble: Trouble,
        *,
        initialize: Callable[[], Awaitable[object]] | None = None,
        hook: Hook | None = None,
        my_turn: Callable[[], Awaitable[bool]] = _always,
        pauses: Sequence[float] = PAUSES,
        poll_seconds: int = POLL_SECONDS,
    ) -> None:
        """`offset`: one more than the newest update stored in the last 7 days, else 0.

        `initialize` is the application's where there is one: the handlers need it, too.
        With a `hook` Telegram is told to call it, and nothing is polled. `my_turn`: whether it is
        this process that polls; asked before each poll.
        """
        self.connected = asyncio.Event()  # Telegram knows the bot, and how it shall deliver
        self.polling = False  # it is this process that asks Telegram
        self.lag = timedelta()  # how late the oldest message of the last answer came
        self.stored = 0
        self.failing = ""  # kind of the present trouble
        self.conflict_at: datetime | None = None  # when another program last polled
        self._said = ""  # by whoever made the trouble
        self._bot = bot
        self._account = account
        self._keep = keep
        self._offset = offset
        self._now = now
        self._trouble = trouble
        self._initialize = initialize or bot.initialize
        self._hook = hook
        self._my_turn = my_turn
        self._pauses = pauses
        self._poll_seconds = poll_seconds
        self._stopping = asyncio.Event()

    def wrong(self) -> list[str]:
        """What is wrong with the chat, for the light at /healthz."""
        if self.failing:
            return [f"telegram: {TROUBLES[self.failing]}: {self._said}"]
        # Two who poll take turns: between its own conflicts each of them seems to be well.
        if self.conflict_at is not None and self._now() - self.conflict_at < RIVALRY:
            return [f"telegram: {TROUBLES['second_poller']}"]
        return []

    def stop(self) -> None:
        """Leave the long poll now; a commit on its way is finished first."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`, or until Telegram refuses the token. Nothing else ends it."""
        # The library recommends its own method, which parses (and loses) whole batches.
        warnings.filterwarnings("ignore", message=r"Please use 'Bot\.getUpdates'")
        try:
            await self._until_it_works(lambda: self._or_stopped(self._connect()))
            self.connected.set()
            if self._hook is not None:
                await self._stopping.wait()
                return
            while True:
                await self._wait_for_my_turn()
                await self._poll_while_it_is_mine()
        except _Stopped:
            return
        finally:
            self.polling = False

    async def _wait_for_my_turn(self) -> None:
        while not await self._until_it_works(self._my_turn):
            self.polling = False
            await self._or_stopped(asyncio.sleep(STAND_BY))
        self.polling = True

    async def _poll_while_it_is_mine(self) -> None:
        offset = await self._until_it_works(self._offset)
        while (updates := await self._poll(offset)) is not None:
            offset = await self._take_in(updates)

    async def _connect(self) -> None:
        await self._initialize()
        if self._hook is not None:
            await self._bot.set_webhook(
                self._hook.url,
                secret_token=self._hook.secret,
                allowed_updates=list(ALLOWED_UPDATES),
                drop_pending_updates=False,
            )
            return
        # A web hook of an earlier setting would answer every poll with a conflict.
        await self._bot.delete_webhook(drop_pending_updates=False)

    async def _poll(self, offset: int) -> list[dict[str, Any]] | None:
        return await self._until_it_works(lambda: self._or_stopped(self._fetch(offset)))

    async def _fetch(self, offset: int) -> list[dict[str, Any]] | None:
        if not await self._my_turn():
            return None
        # After trouble a short poll: whoever looks at the light need not wait for a long one.
        seconds = 0 if self.failing else self._poll_seconds
        fetched: list[Any] = await self._bot.do_api_request(
            "getUpdates",
            api_kwargs={
                "offset": offset,
                "limit": BATCH,
                "timeout": seconds,
                "allowed_updates": list(ALLOWED_UPDATES),
            },
            read_timeout=seconds + 5,
        )
        numbered = [update for update in fetched if _is_numbered(update)]
        if fetched and not numbered:
            raise TelegramError("updates without ids")
        return numbered

    async def _take_in(self, updates: list[dict[str, Any]]) -> int:
        """Store an answer and say which offset the next call may confirm."""
        received_at = self._now()
        self.lag = max((received_at - sent for sent in _dates(updates)), default=timedelta())
        reach("after_fetch")
        if not updates:
            # All that was stored is confirmed. After a quiet week Telegram numbers anew, perhaps
            # lower, so the old offset is dropped; 0 confirms nothing.
            return 0
        rows = [_raw(update, _dump(update), self._account, received_at) for update in updates]
        self.stored += await self._until_it_works(lambda: self._keep(rows))
        reach("after_store")
        # From this answer, not from all time: an offset that was too high corrects itself.
        offset: int = max(update["update_id"] for update in updates) + 1
        reach("before_confirm")
        return offset

    async def _until_it_works(self, step: Callable[[], Awaitable[_T]]) -> _T:
        for wait in chain(self._pauses, repeat(self._pauses[-1])):
            try:
                result = await step()
            except _Stopped:
                raise
            except Exception as error:
                self._report(error)
                if isinstance(error, TOKEN_REFUSED):
                    raise _Stopped from error
                asked = pause(error) if isinstance(error, RetryAfter) else 0.0
                await self._or_stopped(asyncio.sleep(max(wait, asked)))
            else:
                self.failing = ""
                return result
        raise AssertionError("repeat() ended")

    async def _or_stopped(self, work: Awaitable[_T]) -> _T:
        """The result of `work`, or _Stopped as soon as somebody calls `stop`."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise _Stopped
        finally:
            stopping.cancel()
            if task.cancel():
                await asyncio.wait({task}, timeout=0.5)

    def _report(self, error: Exception) -> None:
        kind = _kind(error)
        self._said = redact(f"{type(error).__name__}: {error}").splitlines()[0]
        if kind == "second_poller":
            self.conflict_at = self._now()
        if kind != self.failing:
            self.failing = kind
            self._trouble(kind, {"account": self._account, "error": self._said})


def _kind(error: Exception) -> str:
    match error:
        case Conflict():
            return "second_poller"
        case StorageBusy():
            return "storage_busy"
        case TelegramError():
            refused = isinstance(error, TOKEN_REFUSED)
            return "telegram_token_refused" if refused else "telegram_unreachable"
        case _:
            log.error("the pump failed", exc_info=error)
            return "pump_failed"


def _is_numbered(update: object) -> bool:
    return isinstance(update, dict) and isinstance(update.get("update_id"), int)


def _dump(update: Mapping[str, Any]) -> bytes:
    # ASCII: JSON can carry halves of characters, which UTF-8 cannot.
    return json.dumps(update, separators=(",", ":")).encode("ascii")


def _raw(update: Mapping[str, Any], body: bytes, account: str, received_at: datetime) -> Raw:
    return Raw(
        channel=CHANNEL,
        account=account,
        external_id=str(update["update_id"]),
        order_key=order_key(update),
        body=body,
        received_at=received_at,
    )


def _dates(updates: Sequence[Mapping[str, Any]]) -> Iterator[datetime]:
    for update in updates:
        message = update.get("message")
        date = message.get("date") if isinstance(message, dict) else None
        if isinstance(date, int):
            yield datetime.fromtimestamp(date, UTC)


def hook_route(
    secret: str, keep: Keep, account: str, now: Now, *, path: str = "/hooks/telegram"
) -> Route:
    """Where Telegram delivers updates when it is not polled. 503 makes it try again."""

    async def receive(request: Request) -> Response:
        claimed = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(claimed.encode(), secret.encode()):
            return Response(status_code=403)
        body = await _capped_body(request)
        if body is None:
            return Response(status_code=413)
        try:
            update = json.loads(body)
        except ValueError:
            return Response(status_code=400)
        if not _is_numbered(update):
            return Response(status_code=400)
        try:
            await keep([_raw(update, body, account, now())])
        except StorageBusy:
            return Response(status_code=503)
        return Response(status_code=200)

    return Route(path, receive, methods=["POST"])


async def _capped_body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > HOOK_BODY_BYTES:
            return None
    return bytes(body)


# From here on: one stored row, through the handlers.


class Unreadable(Exception):
    """The library cannot make an Update of the row: trying again cannot help."""


class Unsettled(Exception):
    """No handler dealt with the row, whatever process_update says."""


class NotReady(Exception):
    """Telegram has not answered since the start: the row is not to blame, and no try is used up."""


@dataclass(slots=True)
class Slot:
    """What became of one inbox row: the handlers' word back to the worker."""

    inbox_id: int
    settled: bool = False
    failure: BaseException | None = None

    def settle(self) -> None:
        """The core has committed this row's outcome."""
        self.settled = True


# Not on the Update, which is frozen. Handlers run in the task that feeds them, so rows that are
# worked on side by side do not see each other's slot.
CURRENT: ContextVar[Slot | None] = ContextVar("inbox_slot", default=None)


def current_slot() -> Slot | None:
    """The row that is being handled here; None outside `feed`."""
    return CURRENT.get()


async def report_failure(_update: object, context: Any) -> None:
    """The first error handler: process_update swallows what handlers raise."""
    slot = CURRENT.get()
    if slot is None:
        log.error("an error outside any row", exc_info=context.error)
        return
    slot.failure = context.error
    raise ApplicationHandlerStop  # else later groups still handle the failed update


async def feed(
    app: AnyApplication, slot_id: int, body: bytes, *, seconds: float = HANDLING_SECONDS
) -> None:
    """Take one row through the handlers; returns only if one of them settled it.

    Raises Unreadable (set it aside), NotReady (leave it), what the handler raised, TimeoutError
    or Unsettled (try again). Read the row back before trying again: the core may have committed
    all the same.
    """
    update = _parsed(app.bot, body)
    slot = Slot(slot_id)
    token = CURRENT.set(slot)
    try:
        reach("mid_handling")
        async with asyncio.timeout(seconds):
            await app.process_update(update)
    except RuntimeError as error:  # handlers' errors do not come this way
        raise NotReady(str(error)) from error
    finally:
        CURRENT.reset(token)
    if slot.settled and slot.failure is not None:
        log.warning("row %s was settled, then its handler failed", slot_id, exc_info=slot.failure)
    elif not slot.settled:
        raise slot.failure or Unsettled(f"no handler settled row {slot_id}")


def _parsed(bot: telegram.Bot, body: bytes) -> telegram.Update:
    try:
        update = json.loads(body)
        # A press brings all buttons of the card along: a third of the time to read it, for nobody.
        card = (update.get("callback_query") or {}).get("message") or {}
        card.pop("reply_markup", None)
        return telegram.Update.de_json(update, bot)
    except Exception as error:  # a foreign shape fails anywhere in the library
        raise Unreadable(f"{type(error).__name__}: {error}") from error


class WrongHandlers(Exception):
    """The application would lose or falsely finish rows."""


def check_handlers(app: AnyApplication) -> None:
    """Refuse to start with handlers that `feed` cannot watch."""
    faults = [
        f"{handler!r} in group {group} has block=False"
        for group, handlers in app.handlers.items()
        for handler in handlers
        if not handler.block
    ]
    faults += [
        f"error handler {each!r} has block=False"
        for each, on in app.error_handlers.items()
        if not on
    ]
    defaults = getattr(app.bot, "defaults", None)
    if defaults is not None and not defaults.block:
        faults.append("Defaults has block=False")
    if next(iter(app.error_handlers), None) is not report_failure:
        faults.append("report_failure is not the first error handler")
    if not _has_catch_all(app):
        faults.append("the last group does not end with a TypeHandler for every Update")
    if faults:
        raise WrongHandlers("; ".join(faults))


def _has_catch_all(app: AnyApplication) -> bool:
    last_group = app.handlers[max(app.handlers)] if app.handlers else []
    match last_group:
        case [*_, TypeHandler() as last]:
            return issubclass(telegram.Update, last.type)
        case _:
            return False
