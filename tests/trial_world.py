"""A desk of three people and one echo bot: enough world to try the trial page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    ContextTypes,
    MessageHandler,
    filters,
)

from bot.trial.botapi import BotApi
from bot.trial.botapi.wire import InProcess, listen
from bot.trial.world import Language, Seat, Step, TrialLetter, TrialPerson

TOKEN = "4711:token"
STAFF, ENGINEER, SUPERVISOR = 101, 201, 301


def person(id: int, seat: Seat, zh: str, en: str, title_zh: str, title_en: str) -> TrialPerson:
    return TrialPerson(
        telegram_id=id,
        name={"zh": zh, "en": en},
        title={"zh": title_zh, "en": title_en},
        seat=seat,
        language="zh",
    )


class FakePost:
    def __init__(self, now: datetime) -> None:
        self.kept: list[TrialLetter] = []
        self.now = now

    async def letters(self) -> Sequence[TrialLetter]:
        return self.kept

    async def write(self, sender: str, subject: str, text: str) -> None:
        self.kept.append(
            TrialLetter(
                id=str(len(self.kept)),
                sender=sender,
                recipient="desk@example.com",
                subject=subject,
                text=text,
                at=self.now,
                incoming=True,
            )
        )


class DemoWorld:
    def __init__(self) -> None:
        self.people = [
            person(STAFF, "staff", "王芳", "Wang Fang", "顺德 · 三楼财务", "Finance, floor 3"),
            person(102, "staff", "陈总", "Director Chen", "总部 · VIP", "Head office · VIP"),
            person(ENGINEER, "engineer", "李强", "Li Qiang", "顺德驻场", "resident, Shunde"),
            person(202, "engineer", "赵敏", "Zhao Min", "备援", "backup"),
            person(SUPERVISOR, "supervisor", "周敏", "Zhou Min", "服务主管", "supervisor"),
        ]
        self.zone = "Asia/Shanghai"
        self.moment = datetime(2026, 11, 23, 6, 5, tzinfo=UTC)  # 14:05 in Guangzhou
        self.due: datetime | None = self.moment + timedelta(minutes=30)
        self.step: Step = "report"
        self.mail: FakePost | None = None
        self.sms: FakePost | None = None
        self.spoken: Language | None = None

    def now(self) -> datetime:
        return self.moment

    def morning(self) -> datetime:
        return self.moment + timedelta(hours=19, minutes=55)

    async def advance(self, by: timedelta) -> None:
        self.moment += by

    async def next_event(self) -> datetime | None:
        return self.due

    async def story(self) -> Step:
        return self.step

    async def speak(self, language: Language) -> None:
        self.spoken = language


def accept_button(caption: str = "接单") -> InlineKeyboardMarkup:
    buttons = [
        [
            InlineKeyboardButton(caption, callback_data="accept", style="success"),
            InlineKeyboardButton("拒单 ▾", callback_data="decline"),
        ],
        [InlineKeyboardButton("为什么是我？", callback_data="why")],
    ]
    return InlineKeyboardMarkup(buttons)


async def on_text(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    text = update.message.text or "附件"
    await update.message.reply_html(f"<b>收到</b>：{_plain(text)}", do_quote=True)
    await context.bot.send_message(
        ENGINEER, f"<b>派单</b>\n{_plain(text)}", parse_mode="HTML", reply_markup=accept_button()
    )


async def on_press(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    query = update.callback_query
    assert query is not None
    if query.data == "why":
        await query.answer("驻场就在这栋楼", show_alert=True)
        return
    await query.answer("已接单")
    await query.edit_message_text("✅ 已接单")


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def echo_bot(api: BotApi) -> Application:
    builder = ApplicationBuilder().token(TOKEN)
    app = builder.request(InProcess(api)).get_updates_request(InProcess(api)).build()
    app.add_handler(CallbackQueryHandler(on_press))
    app.add_handler(MessageHandler(filters.UpdateType.MESSAGE, on_text))
    return app


@contextlib.asynccontextmanager
async def polling(app: Application) -> AsyncIterator[None]:
    async with app:
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(timeout=20)
        yield
        await app.updater.stop()
        await app.stop()


async def until(true: Callable[[], bool], seconds: float = 3.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 (what is waited for rings no bell)
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def served(routes: Sequence[BaseRoute]) -> AsyncIterator[str]:
    listening = listen()
    config = uvicorn.Config(
        Starlette(routes=list(routes)),
        log_level="critical",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task
