"""The people's side: somebody with a telephone who writes, taps, reads and waits."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.trial.botapi.chats import Chat, Kept
from bot.trial.botapi.entities import plain
from bot.trial.botapi.files import StoredFile
from bot.trial.botapi.sending import quoted
from bot.trial.botapi.values import Json

if TYPE_CHECKING:
    from bot.trial.botapi.server import Answer, BotApi


class NotOnScreen(LookupError):
    """The person wants to tap or answer something that the telephone does not show."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A message on somebody's screen, as it was at that moment."""

    chat: int
    id: int
    version: int
    silent: bool = field(repr=False)
    raw: Json = field(repr=False)

    @classmethod
    def of(cls, kept: Kept) -> Seen:
        return cls(kept.body["chat"]["id"], kept.id, kept.version, kept.silent, kept.body)

    @property
    def text(self) -> str:
        return str(self.raw.get("text") or self.raw.get("caption") or "")

    @property
    def from_bot(self) -> bool:
        return bool(self.raw["from"]["is_bot"])

    @property
    def buttons(self) -> list[Json]:
        rows = self.raw.get("reply_markup", {}).get("inline_keyboard", [])
        return list(itertools.chain.from_iterable(rows))

    @property
    def labels(self) -> list[str]:
        return [button["text"] for button in self.buttons]

    @property
    def answers(self) -> int | None:
        """The message this one replies to."""
        reply = self.raw.get("reply_to_message")
        return None if reply is None else int(reply["message_id"])


@dataclass(frozen=True, slots=True)
class Tap:
    """A button pressed; the answer comes when the bot gives one."""

    query: str
    person: Person = field(repr=False)

    @property
    def answer(self) -> Answer | None:
        return next((a for a in reversed(self.person.answers) if a.query == self.query), None)

    async def answered(self, timeout: float = 5.0) -> Answer:  # noqa: ASYNC109 (a test says it)
        async with asyncio.timeout(timeout):
            while (answer := self.answer) is None:
                await self.person.api.bell.heard(timeout)
        return answer


class Person:
    def __init__(self, api: BotApi, user: Json, phone: str) -> None:
        self.api, self.user, self.phone = api, user, phone
        self.answers: list[Answer] = []
        self._heard: set[int] = set()  # versions of messages

    @property
    def id(self) -> int:
        return int(self.user["id"])

    @property
    def name(self) -> str:
        return str(self.user["first_name"])

    @property
    def language(self) -> str:
        return str(self.user["language_code"])

    @language.setter
    def language(self, code: str) -> None:
        self.user = {**self.user, "language_code": code}

    def is_called(self, name: str) -> None:
        """A new name in the profile; what was said before keeps the old one."""
        self.user = {**self.user, "first_name": name}

    @property
    def chat(self) -> Chat:
        return self.api.chats[self.id]

    # Writing

    def opens(self) -> None:
        """The chat exists from earlier days: the bot may write, and hears nothing of this."""
        self.chat.started = True

    def starts(self, payload: str = "") -> Seen:
        return self.says(f"/start {payload}".strip())

    def says(
        self,
        text: str,
        reply_to: Seen | int | None = None,
        *,
        chat: Group | None = None,
        topic: int = 0,
    ) -> Seen:
        content = _text_fields("text", "entities", text)
        return self._writes(content, chat, reply_to, topic)

    def photo(
        self,
        data: bytes,
        caption: str = "",
        reply_to: Seen | int | None = None,
        *,
        chat: Group | None = None,
        size: int | None = None,
    ) -> Seen:
        stored = self.api.files.add("photo", data, "photo.jpg", "image/jpeg", size=size)
        return self._sends(stored, caption, chat, reply_to)

    def album(
        self,
        photos: Sequence[bytes],
        caption: str = "",
        reply_to: Seen | int | None = None,
        *,
        chat: Group | None = None,
    ) -> list[Seen]:
        """Several pictures at once: as many updates, one group, the caption on the first."""
        album = {"media_group_id": str(13_000_000_000 + self.api.next_number())}
        seen = []
        for index, data in enumerate(photos):
            stored = self.api.files.add("photo", data, "photo.jpg", "image/jpeg")
            words = _text_fields("caption", "caption_entities", "" if index else caption)
            seen.append(self._writes(stored.content() | words | album, chat, reply_to))
        return seen

    def voice(
        self,
        data: bytes,
        seconds: int = 2,
        reply_to: Seen | int | None = None,
        *,
        chat: Group | None = None,
    ) -> Seen:
        stored = self.api.files.add("voice", data, "voice.oga", "audio/ogg")
        return self._sends(stored, "", chat, reply_to, seconds)

    def video(
        self, data: bytes, caption: str = "", *, seconds: int = 2, size: int | None = None
    ) -> Seen:
        stored = self.api.files.add("video", data, "video.mp4", "video/mp4", size=size)
        return self._sends(stored, caption, None, None, seconds)

    def document(
        self,
        data: bytes,
        name: str,
        mime: str = "application/octet-stream",
        caption: str = "",
        *,
        size: int | None = None,
    ) -> Seen:
        """`size` pretends that the file is larger than its bytes."""
        stored = self.api.files.add("document", data, name, mime, size=size)
        return self._sends(stored, caption, None, None)

    def location(self, latitude: float, longitude: float, accuracy: float | None = None) -> Seen:
        place: Json = {"latitude": latitude, "longitude": longitude}
        if accuracy is not None:
            place["horizontal_accuracy"] = accuracy
        return self._writes({"location": place})

    def contact(self, phone: str = "", of: Person | None = None) -> Seen:
        """The own card, or with `of` somebody else's."""
        owner = of or self
        card = {"phone_number": phone or owner.phone, "first_name": owner.name, "user_id": owner.id}
        return self._writes({"contact": card})

    def forwards(self, message: Seen, *, chat: Group | None = None) -> Seen:
        names = ("text", "entities", "caption", "photo", "document", "voice", "location", "contact")
        content = {name: message.raw[name] for name in names if name in message.raw}
        author = message.raw["from"]
        origin = {"type": "user", "date": message.raw["date"], "sender_user": author}
        return self._writes(content | {"forward_origin": origin}, chat)

    def edits(self, message: Seen | int, text: str, *, chat: Group | None = None) -> Seen:
        place = self._place(chat)
        kept = self._on_screen(place, message)
        if kept.body["from"]["id"] != self.id:
            raise NotOnScreen("only own messages can be edited")
        caption = "text" not in kept.body
        names = ("caption", "caption_entities") if caption else ("text", "entities")
        rest = {name: value for name, value in kept.body.items() if name not in names}
        edited = {"edit_date": int(self.api.clock())}
        kept.body = rest | edited | _text_fields(*names, text)
        kept.version = self.api.changed(place)
        if self._reaches_bot(place, kept.body):
            self.api.feed.push("edited_message", kept.body)
        return Seen.of(kept)

    # Pressing

    def taps(
        self, label: str, message: Seen | int | None = None, *, chat: Group | None = None
    ) -> Tap:
        """The newest button with these words or this data, or the one under `message`."""
        place = self._place(chat)
        shown = [self._on_screen(place, message)] if message is not None else place.newest_first()
        for kept in shown:
            seen = Seen.of(kept)
            for button in seen.buttons:
                if label in (button["text"], button.get("callback_data")):
                    return self.presses(seen, _data(button))
        raise NotOnScreen(f"no button {label!r} in the chat of {self.name}")

    def presses(self, message: Seen | int, data: str, *, chat: Group | None = None) -> Tap:
        """Whatever data a forged client sends, under a message that may be gone by now."""
        number = message if isinstance(message, int) else message.id
        group = message.chat if isinstance(message, Seen) else self._place(chat).id
        place = self.api.chats[group]
        kept = place.kept.get(number)
        gone = {"chat": place.body, "message_id": number, "date": 0}
        return Tap(self.api.ask(self, kept.body if kept else gone, data), self)

    def picks(self, label: str) -> Seen:
        """A key of the reply keyboard."""
        rows = (self.chat.keys or {}).get("keyboard", [])
        key = next((k for k in itertools.chain.from_iterable(rows) if k["text"] == label), None)
        if key is None:
            raise NotOnScreen(f"no key {label!r} in the chat of {self.name}")
        if key.get("request_contact"):
            return self.contact()
        if key.get("request_location"):
            return self.location(23.1291, 113.2644, 15.0)
        return self.says(label)

    # Reading

    def sees(self, chat: Group | None = None) -> list[Seen]:
        return [Seen.of(kept) for kept in self._place(chat).kept.values()]

    async def hears(
        self,
        text: str = "",
        *,
        button: str = "",
        timeout: float = 5.0,  # noqa: ASYNC109 (a test says it)
        chat: Group | None = None,
    ) -> Seen:
        """The bot's oldest message with these words that was not heard in this state before.

        A card counts again after each edit. Raises TimeoutError with the screen in it.
        """
        place = self._place(chat)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while (seen := self._unheard(place, text, button)) is None:
            if not await self.api.bell.heard(deadline - loop.time()) and loop.time() >= deadline:
                screen = "\n".join(f"  {s.id}: {s.text!r} {s.labels}" for s in self.sees(chat)[-8:])
                raise TimeoutError(f"{self.name} did not hear {text or button!r}; saw\n{screen}")
        self._heard.add(seen.version)
        return seen

    def menu(self) -> list[Json]:
        """The commands that the telephone offers."""
        return self.api.commands.menu(self.id, self.language)

    # Coming and going

    def blocks(self) -> None:
        if not self.chat.blocked:
            self.chat.blocked = True
            self._membership("member", "kicked")

    def unblocks(self) -> None:
        if self.chat.blocked:
            self.chat.blocked = False
            self._membership("kicked", "member")

    def _membership(self, old: str, new: str) -> None:
        self.api.changed(self.chat)
        self.api.feed.push(
            "my_chat_member", _member_change(self.api, self.chat, self.user, old, new)
        )

    def _place(self, chat: Group | None) -> Chat:
        return self.chat if chat is None else chat.chat

    def _on_screen(self, place: Chat, message: Seen | int) -> Kept:
        number = message if isinstance(message, int) else message.id
        if number not in place.kept:
            raise NotOnScreen(f"no message {number} in the chat of {self.name}")
        return place.kept[number]

    def _sends(
        self,
        stored: StoredFile,
        caption: str,
        chat: Group | None,
        reply_to: Seen | int | None,
        seconds: int = 0,
    ) -> Seen:
        words = _text_fields("caption", "caption_entities", caption)
        return self._writes(stored.content(seconds) | words, chat, reply_to)

    def _writes(
        self,
        content: Json,
        chat: Group | None = None,
        reply_to: Seen | int | None = None,
        topic: int = 0,
    ) -> Seen:
        place = self._place(chat)
        if chat is None:
            if place.blocked:
                self.unblocks()
            place.started = True
        if reply_to is not None:
            content = content | {"reply_to_message": quoted(self._on_screen(place, reply_to).body)}
        if topic:
            content = content | {"message_thread_id": topic, "is_topic_message": True}
        if place.keys and place.keys.get("one_time_keyboard"):
            place.keys = None
        kept = self.api.keep(place, self.user, content)
        if self._reaches_bot(place, kept.body):
            self.api.feed.push("message", kept.body)
        return Seen.of(kept)

    def _reaches_bot(self, place: Chat, body: Json) -> bool:
        """Privacy mode: in a group a bot hears commands and answers that are meant for it."""
        me = self.api.me
        status = place.members.get(me["id"])
        if place.private or status == "administrator":
            return True
        reply = body.get("reply_to_message")
        if status != "member":
            return False
        if reply is not None and reply["from"]["id"] == me["id"]:
            return True
        return any(to in ("", me["username"].lower()) for to in _addressees(body))

    def _unheard(self, place: Chat, text: str, button: str) -> Seen | None:
        news = (Seen.of(k) for k in place.kept.values() if k.version not in self._heard)
        fits = (s for s in news if s.from_bot and text in s.text and button in ("", *s.labels))
        return min(fits, key=lambda seen: seen.version, default=None)


class Group:
    """A group chat in which the bot may sit."""

    def __init__(self, api: BotApi, chat: Chat) -> None:
        self.api, self.chat = api, chat

    @property
    def id(self) -> int:
        return self.chat.id

    def sees(self) -> list[Seen]:
        return [Seen.of(kept) for kept in self.chat.kept.values()]

    def adds_bot(self, by: Person, *, admin: bool = False) -> None:
        self._bot_becomes("administrator" if admin else "member", by)

    def removes_bot(self, by: Person) -> None:
        self._bot_becomes("kicked", by)

    def migrates(self, by: Person) -> Group:
        """The group becomes a supergroup: another id, and the old one answers with it."""
        new_id = -1_000_000_000_000 - abs(self.id)
        group = self.api.group(new_id, self.chat.body["title"])
        group.chat.members = dict(self.chat.members)
        leaving = self.api.keep(self.chat, by.user, {"migrate_to_chat_id": new_id})
        arriving = self.api.keep(group.chat, by.user, {"migrate_from_chat_id": self.id})
        self.chat.upgraded_to = new_id
        for kept in (leaving, arriving):
            self.api.feed.push("message", kept.body)
        return group

    def deletes_topic(self, thread: int) -> None:
        del self.chat.topics[thread]

    def _bot_becomes(self, status: str, by: Person) -> None:
        me = self.api.me
        old = self.chat.members.get(me["id"], "left")
        self.chat.members[me["id"]] = status
        self.api.changed(self.chat)
        change = _member_change(self.api, self.chat, by.user, old, status)
        self.api.feed.push("my_chat_member", change)


def _data(button: Json) -> str:
    if "callback_data" not in button:
        raise NotOnScreen(f"the button {button['text']!r} asks the bot nothing")
    return str(button["callback_data"])


def _text_fields(text_name: str, entities_name: str, text: str) -> Json:
    marked = plain(text)
    if not marked.text:
        return {}
    fields: Json = {text_name: marked.text}
    if marked.entities:
        fields[entities_name] = marked.entities
    return fields


def _addressees(body: Json) -> Iterator[str]:
    """For each command in a text the bot it names, or nothing."""
    coded = str(body.get("text", "")).encode("utf-16-le")
    for entity in body.get("entities", []):
        if entity["type"] == "bot_command":
            start, length = entity["offset"] * 2, entity["length"] * 2
            command = coded[start : start + length].decode("utf-16-le")
            yield command.partition("@")[2].lower()


def _member_change(api: BotApi, chat: Chat, by: Json, old: str, new: str) -> Json:
    def member(status: str) -> Json:
        until = {"until_date": 0} if status == "kicked" else {}
        return {"status": status, "user": api.me, **until}

    return {
        "chat": chat.body,
        "from": by,
        "date": int(api.clock()),
        "old_chat_member": member(old),
        "new_chat_member": member(new),
    }
