"""The server: what api.telegram.org would say to one bot, and what its people see."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.trial.botapi import asking, listening, sending
from bot.trial.botapi.bell import Bell
from bot.trial.botapi.chats import Chat, Kept
from bot.trial.botapi.commands import CommandBook
from bot.trial.botapi.faults import Fault, Faults, Trouble
from bot.trial.botapi.feed import PRESS_LIFETIME, Feed
from bot.trial.botapi.files import Files, StoredFile
from bot.trial.botapi.hook import Hook
from bot.trial.botapi.people import Group, Person
from bot.trial.botapi.rates import Rates
from bot.trial.botapi.values import Json, Params, Refused, Reply, bad

CALLS_KEPT = 20_000
METHODS: dict[str, Callable[[BotApi, Params], Any]] = {
    name.lower(): deed
    for part in (sending, asking, listening)
    for name, deed in part.METHODS.items()
}


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the server's log, for tests that ask what a bot did."""

    method: str
    params: Params
    at: float


@dataclass(slots=True)
class Query:
    """A press that waits for its answer."""

    person: int
    expires: float
    open: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    query: str
    text: str
    alert: bool
    url: str
    version: int


class BotApi:
    """A strict Bot API for one bot. Its memory outlives the bot, as Telegram's does."""

    def __init__(
        self, token: str, username: str, clock: Callable[[], float], *, rates: bool = True
    ) -> None:
        self.token, self.clock = token, clock
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Paidan",
            "username": username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.files = Files(clock)
        self.feed = Feed(clock)
        self.hook = Hook(self.feed, self._perform_named, clock)
        self.feed.on_push = self.hook.wake
        self.commands = CommandBook()
        self.faults = Faults()
        self.rates = Rates()
        self.rates.enforced = rates
        self.queries: dict[str, Query] = {}
        self.version = 0
        self.bell = Bell()
        self.closed = False
        self._log: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._numbers = itertools.count(1)

    # The people's side

    def person(
        self, id: int, name: str, language: str = "zh-hans", *, username: str = "", phone: str = ""
    ) -> Person:
        """Somebody with a telephone. Asking again for the same id brings the same person."""
        if id not in self.people:
            user: Json = {"id": id, "is_bot": False, "first_name": name, "language_code": language}
            chat: Json = {"id": id, "type": "private", "first_name": name}
            if username:
                user["username"] = chat["username"] = username
            self.chats[id] = Chat(chat)
            self.people[id] = Person(self, user, phone or f"86138{id % 10**8:08d}")
        return self.people[id]

    def group(
        self,
        id: int,
        title: str,
        members: Sequence[Person] = (),
        *,
        kind: str = "supergroup",
        forum: bool = False,
        admin: bool = False,
    ) -> Group:
        """A group the bot is in. Unless it is an admin, it hears only what is meant for it."""
        body: Json = {"id": id, "type": kind, "title": title}
        if forum:
            body["is_forum"] = True
        chat = self.chats[id] = Chat(body)
        chat.members = {person.id: "member" for person in members}
        chat.members[self.me["id"]] = "administrator" if admin else "member"
        return Group(self, chat)

    def fail(
        self,
        method: str,
        code: Trouble,
        *,
        times: int = 1,
        retry_after: int | None = None,
        before: bool = True,
        description: str = "",
    ) -> None:
        """The next calls go wrong: a status code, "drop" or "timeout".

        With `before=False` the server does what was asked and only its answer is lost.
        """
        self.faults.plan(method, Fault(code, before, description, retry_after), times)

    def slow(self, method: str, seconds: float) -> None:
        """The deed is done at once, the answer comes late: an impatient client never learns."""
        self.faults.slow(method, seconds)

    def calls(self, method: str = "") -> list[Call]:
        """What the bot asked for, oldest first."""
        wanted = method.lower()
        return [call for call in self._log if not wanted or call.method.lower() == wanted]

    def close(self) -> None:
        """Let go of whoever waits, so that a server can shut down."""
        self.closed = True
        self.feed.release()
        self.hook.aim(None)
        self.bell.ring()

    # The bot's side

    async def call(self, token: str, method: str, params: Params) -> Reply:
        """One request. Raises Dropped and NoAnswer where a fault was planned."""
        self._log.append(Call(method, params, self.clock()))
        try:
            self._know(token)
            fault = self.faults.take(method.lower())
            if fault and fault.before:
                fault.strike()
            result = await self._perform(method, params)
            if delay := self.faults.delay(method.lower()):
                await asyncio.sleep(delay)
            if fault:
                fault.strike()
        except Refused as refusal:
            return Reply.no(refusal)
        return Reply.of(result)

    async def download(self, token: str, path: str) -> StoredFile:
        """A file by the link that getFile gave; its trouble is planned as "download"."""
        self._know(token)
        if fault := self.faults.take("download"):
            fault.strike()
        if delay := self.faults.delay("download"):
            await asyncio.sleep(delay)
        return self.files.download(path)

    def _know(self, token: str) -> None:
        if token != self.token:
            raise Refused(401, "Unauthorized")

    async def _perform(self, method: str, params: Params) -> Any:
        deed = METHODS.get(method.lower())
        if deed is None:
            raise Refused(404, "Not Found: method not found")
        result = deed(self, params)
        return await result if inspect.isawaitable(result) else result

    async def _perform_named(self, method: str, params: Params) -> Reply:
        return await self.call(self.token, method, params)

    # Shared by both

    def next_number(self) -> int:
        return next(self._numbers)

    def changed(self, chat: Chat) -> int:
        """A new version of the world; whoever waits for news is woken."""
        self.version += 1
        chat.version = self.version
        self.bell.ring()
        return self.version

    def chat(self, chat_id: int) -> Chat:
        if chat_id not in self.chats:
            raise bad("chat not found")
        return self.chats[chat_id]

    def keep(self, chat: Chat, author: Json, content: Json) -> Kept:
        """Write a message into a chat; who hears of it is the caller's business."""
        chat.last_id += 1
        body = {
            "message_id": chat.last_id,
            "from": author,
            "chat": chat.body,
            "date": int(self.clock()),
            **content,
        }
        kept = chat.kept[chat.last_id] = Kept(body, self.changed(chat))
        return kept

    def ask(self, person: Person, message: Json, data: str) -> str:
        """A press on its way to the bot; brings the query's id."""
        query = str(7_000_000_000_000 + self.next_number())
        self.queries[query] = Query(person.id, self.clock() + PRESS_LIFETIME)
        body = {
            "id": query,
            "from": person.user,
            "message": message,
            "chat_instance": str(message["chat"]["id"]),
            "data": data,
        }
        self.feed.push("callback_query", body)
        return query

    def answer(self, query_id: str, text: str, *, alert: bool, url: str) -> None:
        query = self.queries.get(query_id)
        if query is None or not query.open or query.expires <= self.clock():
            raise bad("query is too old and response timeout expired or query ID is invalid")
        query.open = False
        person = self.people[query.person]
        version = self.changed(self.chats[person.id])
        person.answers.append(Answer(query_id, text, alert, url, version))
