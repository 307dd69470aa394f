"""Carries letters to Telegram: new messages, edits of earlier ones, answers to presses, menus."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

import telegram
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from channels.telegram import limits
from channels.telegram.carrying import NO_PREVIEW, carry
from channels.telegram.files import fetch
from channels.telegram.limiter import Limiter
from channels.telegram.limits import Button, ChatMessage, Key, Render, clip, fit, visible
from channels.telegram.verdicts import (
    BAD_MARKUP,
    CANNOT_EDIT,
    CANNOT_HANG_UNDER,
    NOBODY_THERE,
    QUERY_GONE,
    TOKEN_REFUSED,
    UNCHANGED,
    pause,
    says,
    verdict,
)
from core.errors import Undeliverable
from core.messages import File, Letter, Receipt
from core.ports import Capabilities

Trouble = Callable[[str, Mapping[str, str]], None]
Moved = Callable[[str, str], Awaitable[None]]

_T = TypeVar("_T")


class Menu(NamedTuple):
    """The commands behind the menu button, for a part of the chats and a language."""

    commands: tuple[tuple[str, str], ...]  # name, description
    scope: str = "default"  # default, private, groups or a chat's id
    language: str = ""  # two letters; zh covers both scripts


class TelegramChannel:
    """One bot as a way to reach people."""

    name: Final = "telegram"
    can: Final = Capabilities(
        buttons=limits.BUTTONS_IN_A_ROW,
        edits=True,
        text_limit=limits.TEXT,
        files=1,
        album=limits.ALBUM,
        threads=True,
    )

    def __init__(
        self,
        bot: telegram.Bot,
        account: str,
        render: Render,
        limiter: Limiter,
        *,
        trouble: Trouble = lambda kind, detail: None,
        moved: Moved | None = None,
    ) -> None:
        """`trouble` hears what an operator must know, `moved` of groups with a new address."""
        self.account = account
        self.stopped = False  # the token was refused: no other try can help before a restart
        self._bot = bot
        self._render = render
        self._limiter = limiter
        self._trouble = trouble
        self._moved = moved

    async def send(self, letter: Letter) -> Receipt:
        """Edit what the letter replaces, or send a new message."""
        if self.stopped:
            raise Undeliverable("the bot's token was refused", permanent=False)
        chat = _chat_id(letter.address)
        message, cuts = fit(await self._render(letter))
        for cut in cuts:
            self._bug(letter, cut)
        if not visible(message.html).strip() and not message.files:
            self._bug(letter, "empty")
            raise Undeliverable("the message has no text", permanent=True)
        # A picture cannot take the place of a text.
        old = None if message.files else _message_id(letter.replaces)
        try:
            if old is not None and await self._edit(letter, chat, old, message):
                return Receipt(id=letter.replaces)
            old = None
            first, *others = await self._send_new(letter, chat, message)
            return Receipt(id=first, also=tuple(others))
        except TelegramError as error:
            self._report(letter, error)
            raise verdict(error, editing=old is not None) from error

    async def answer(self, callback_query_id: str, text: str = "", *, alert: bool = False) -> None:
        """Stop the spinner of a pressed button. Never fails: the card speaks for itself."""
        try:
            await self._bot.answer_callback_query(
                callback_query_id, clip(limits.whole(text), limits.ANSWER) or None, show_alert=alert
            )
        except TelegramError as error:
            if not says(error, QUERY_GONE):
                self._trouble("telegram_answer_failed", {"error": type(error).__name__})

    async def leave_buttons(
        self, address: str, message_id: str, rows: tuple[tuple[Button, ...], ...]
    ) -> None:
        """Only these stay under an earlier message. Never fails: old buttons are no loss."""
        chat, old = _chat_id(address), _message_id(message_id)
        markup = _inline(rows)
        with suppress(TelegramError):
            await self._in_turn(
                chat, lambda: self._bot.edit_message_reply_markup(chat, old, api_kwargs=markup)
            )

    async def take_back(self, address: str, message_id: str) -> None:
        """An earlier message disappears. Never fails: Telegram lets two days pass, no more."""
        chat, old = _chat_id(address), int(message_id)
        with suppress(TelegramError):
            await self._in_turn(chat, lambda: self._bot.delete_message(chat, old))

    async def download(self, file: File, limit: int = limits.DOWNLOAD) -> bytes:
        """The bytes of something that was sent to us. Raises FileTooLarge or FileVanished."""
        return await fetch(self._bot, file, limit)

    async def set_menus(self, menus: Iterable[Menu]) -> None:
        """Register commands; a chat that is gone does not keep the others from theirs."""
        for menu in menus:
            commands = [
                telegram.BotCommand(name, clip(description, limits.COMMAND_DESCRIPTION))
                for name, description in menu.commands[: limits.COMMANDS]
            ]
            scope, language = _scope(menu.scope), menu.language or None
            try:
                if commands:
                    await self._bot.set_my_commands(commands, scope, language)
                else:  # then the default's are shown
                    await self._bot.delete_my_commands(scope, language)
            except BadRequest as error:
                self._trouble(
                    "telegram_menu_refused", {"scope": menu.scope, "error": error.message}
                )

    async def _edit(self, letter: Letter, chat: int, old: int, message: ChatMessage) -> bool:
        """Whether the old message now shows the letter; False: it is gone, send a new one."""
        markup = _inline(message.buttons)

        async def edit(html: str, mode: str | None) -> None:
            await self._in_turn(
                chat,
                lambda: self._bot.edit_message_text(
                    html,
                    chat,
                    old,
                    parse_mode=mode,
                    api_kwargs=markup,
                    link_preview_options=NO_PREVIEW,
                ),
            )

        try:
            await self._marked_up_or_plain(letter, message.html, edit)
        except BadRequest as error:
            if says(error, UNCHANGED):
                return True
            if says(error, CANNOT_EDIT):
                return False
            raise
        except ChatMigrated:  # sending anew tells where to
            return False
        return True

    async def _send_new(self, letter: Letter, chat: int, message: ChatMessage) -> list[str]:
        hung_under = _reply_to(letter.reply_to)
        while True:
            try:
                return await self._post(letter, chat, message, hung_under)
            except ChatMigrated as error:
                if chat == error.new_chat_id:
                    raise
                if self._moved is not None:
                    await self._moved(str(chat), str(error.new_chat_id))
                # Ids of messages do not survive the move.
                chat, hung_under = error.new_chat_id, None
            except BadRequest as error:
                if hung_under is None or not says(error, CANNOT_HANG_UNDER):
                    raise
                hung_under = None

    async def _post(
        self,
        letter: Letter,
        chat: int,
        message: ChatMessage,
        hung_under: telegram.ReplyParameters | None,
    ) -> list[str]:
        async def post(html: str, mode: str | None) -> Sequence[telegram.Message]:
            return await self._in_turn(
                chat,
                lambda: carry(
                    self._bot,
                    chat,
                    message.files,
                    html,
                    mode,
                    markup=_markup(message),
                    disable_notification=message.silent,
                    reply_parameters=hung_under,
                ),
            )

        try:
            sent = await self._marked_up_or_plain(letter, message.html, post)
        except BadRequest as error:
            plain = tuple(file._replace(kind="document") for file in message.files)
            if plain == message.files or says(error, (*CANNOT_HANG_UNDER, *NOBODY_THERE)):
                raise
            # No picture or voice as Telegram knows them: then the file as it is.
            return await self._post(letter, chat, replace(message, files=plain), hung_under)
        return [str(each.message_id) for each in sent]

    async def _marked_up_or_plain(
        self, letter: Letter, html: str, deliver: Callable[[str, str | None], Awaitable[_T]]
    ) -> _T:
        """A slip in our markup is our bug; the person gets the words all the same."""
        try:
            return await deliver(html, ParseMode.HTML)
        except BadRequest as error:
            if not says(error, BAD_MARKUP):
                raise
            self._bug(letter, "bad_markup")
            return await deliver(visible(html), None)

    async def _in_turn(self, chat: int, request: Callable[[], Awaitable[_T]]) -> _T:
        async with self._limiter.turn(chat):
            try:
                return await request()
            except RetryAfter as error:
                self._limiter.hold(chat, pause(error))
                raise

    def _report(self, letter: Letter, error: TelegramError) -> None:
        if isinstance(error, TOKEN_REFUSED):
            self.stopped = True
            self._trouble("telegram_token_refused", {"account": self.account})
        elif isinstance(error, BadRequest) and not says(error, NOBODY_THERE):
            detail = {"letter": str(letter.id), "kind": letter.kind, "error": error.message}
            self._trouble("telegram_refused", detail)

    def _bug(self, letter: Letter, what: str) -> None:
        self._trouble(
            "letter_malformed", {"letter": str(letter.id), "kind": letter.kind, "what": what}
        )


def _chat_id(address: str) -> int:
    try:
        return int(address)
    except ValueError:
        raise Undeliverable(
            f"{address!r} is no chat id", permanent=True, address_dead=True
        ) from None


def _message_id(id: str) -> int | None:
    """None for nothing, and for an id from another channel: a mail's, say."""
    return int(id) if id.isdecimal() else None


def _reply_to(message_id: str) -> telegram.ReplyParameters | None:
    above = _message_id(message_id)
    if above is None:
        return None
    return telegram.ReplyParameters(above, allow_sending_without_reply=True)


def _markup(message: ChatMessage) -> dict[str, Any]:
    """What hangs under the message, as parameters of the call."""
    if message.reply_keyboard is None:
        return _inline(message.buttons)
    if not message.reply_keyboard:
        return {"reply_markup": telegram.ReplyKeyboardRemove()}
    keys = [[_key(key) for key in row] for row in message.reply_keyboard]
    keyboard = telegram.ReplyKeyboardMarkup(keys, resize_keyboard=True, one_time_keyboard=True)
    return {"reply_markup": keyboard}


def _inline(rows: tuple[tuple[Button, ...], ...]) -> dict[str, Any]:
    """As it goes over the line: the library's objects for it cost as much as the rest of a call."""
    keys = [[_inline_key(button) for button in row] for row in rows]
    return {"reply_markup": {"inline_keyboard": keys}} if keys else {}


def _inline_key(button: Button) -> dict[str, str]:
    style = {"style": button.style} if button.style else {}
    return {"text": button.label, "callback_data": button.data, **style}


def _key(key: Key) -> telegram.KeyboardButton:
    return telegram.KeyboardButton(
        key.label,
        request_contact=key.asks == "contact" or None,
        request_location=key.asks == "location" or None,
    )


def _scope(scope: str) -> telegram.BotCommandScope:
    match scope:
        case "default":
            return telegram.BotCommandScopeDefault()
        case "private":
            return telegram.BotCommandScopeAllPrivateChats()
        case "groups":
            return telegram.BotCommandScopeAllGroupChats()
        case _:
            return telegram.BotCommandScopeChat(int(scope))
