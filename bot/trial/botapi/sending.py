"""What a bot says: messages, media, edits, deletions and small signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.trial.botapi import markup
from bot.trial.botapi.chats import Chat, Kept
from bot.trial.botapi.entities import CAPTION_LIMIT, TEXT_LIMIT, Formatted, read, units
from bot.trial.botapi.values import Json, Params, Refused, bad

if TYPE_CHECKING:
    from bot.trial.botapi.server import BotApi

DELETABLE_FOR = 48 * 3600
ANSWER_LIMIT = 200
MEDIA = ("photo", "document", "voice", "video", "audio")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location",
}  # fmt: skip


def send_message(api: BotApi, params: Params) -> Json:
    chat = _open(api, params)
    content = _text(params, "text")
    return _post(api, chat, params, content).body


def send_media(kind: str) -> Callable[[BotApi, Params], Json]:
    def send(api: BotApi, params: Params) -> Json:
        chat = _open(api, params)
        stored = api.files.sent(params, kind, kind)
        content = stored.content(params.integer("duration")) | _caption(params)
        return _post(api, chat, params, content).body

    return send


def send_media_group(api: BotApi, params: Params) -> list[Json]:
    media = params.nested("media") or []
    if not 2 <= len(media) <= 10:
        raise bad("wrong number of messages in the album: from 2 to 10 are allowed")
    kinds = {item.get("type") for item in media}
    if len(kinds & {"document", "audio"}) and len(kinds) > 1:
        raise bad("documents and audio files can't be mixed with other media types")
    chat = _open(api, params, cost=len(media))
    album = str(13_000_000_000 + api.next_number())
    contents = []
    for item in media:
        part = params.but(**{"parse_mode": None, **item})
        kind = part.text("type")
        if kind not in MEDIA or kind == "voice":
            raise bad(f"type of the media {kind!r} is not supported in an album")
        stored = api.files.sent(part.but(**{kind: item.get("media")}), kind, kind)
        contents.append({"media_group_id": album} | stored.content() | _caption(part))
    return [_post(api, chat, params.but(reply_markup=None), c).body for c in contents]


def send_location(api: BotApi, params: Params) -> Json:
    latitude, longitude = params.number("latitude"), params.number("longitude")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise bad("wrong location specified")
    place = {"latitude": latitude, "longitude": longitude}
    return _post(api, _open(api, params), params, {"location": place}).body


def forward_message(api: BotApi, params: Params) -> Json:
    source = _source(api, params, "forward")
    origin = {
        "type": "user",
        "date": source.body["date"],
        "sender_user": source.body["from"],
    }
    content = _content_of(source) | {"forward_origin": origin}
    return _post(api, _open(api, params), params, content).body


def copy_message(api: BotApi, params: Params) -> Json:
    source = _source(api, params, "copy")
    kept = _post(api, _open(api, params), params, _content_of(source))
    return {"message_id": kept.id}


def edit_text(api: BotApi, params: Params) -> Json:
    chat, kept = _editable(api, params)
    if "text" not in kept.body:
        raise bad("there is no text in the message to edit")
    return _replace(api, chat, kept, params, _text(params, "text"), ("text", "entities"))


def edit_caption(api: BotApi, params: Params) -> Json:
    chat, kept = _editable(api, params)
    if not any(kind in kept.body for kind in MEDIA):
        raise bad("there is no caption in the message to edit")
    return _replace(api, chat, kept, params, _caption(params), ("caption", "caption_entities"))


def edit_markup(api: BotApi, params: Params) -> Json:
    chat, kept = _editable(api, params)
    return _replace(api, chat, kept, params, {}, ())


def delete_message(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    _delete(api, chat, params.integer("message_id"))
    return True


def delete_messages(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    for number in params.nested("message_ids") or []:
        if int(number) in chat.kept:  # unknown ones are skipped
            _delete(api, chat, int(number))
    return True


def answer_query(api: BotApi, params: Params) -> bool:
    text = params.text("text")
    if units(text) > ANSWER_LIMIT:
        raise bad("MESSAGE_TOO_LONG")
    api.answer(
        params.text("callback_query_id"),
        text,
        alert=params.flag("show_alert"),
        url=params.text("url"),
    )
    return True


def react(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    kept = chat.find(params.integer("message_id"), "react")
    signs = params.nested("reaction") or []
    if len(signs) > 1:
        raise bad("REACTIONS_TOO_MANY")
    if any(not sign.get("emoji") for sign in signs):
        raise bad("REACTION_INVALID")
    kept.reactions = tuple(sign["emoji"] for sign in signs)
    kept.version = api.changed(chat)
    return True


def pin(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    if not chat.private and chat.members.get(api.me["id"]) != "administrator":
        raise bad("not enough rights to manage pinned messages in the chat")
    kept = chat.find(params.integer("message_id"), "pin")
    if kept.id not in chat.pinned:
        chat.pinned.append(kept.id)
    kept.version = api.changed(chat)
    return True


def unpin(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    wanted = params.integer("message_id")
    chat.pinned = [number for number in chat.pinned if wanted and number != wanted]
    api.changed(chat)
    return True


def show_action(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    if params.text("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    chat.action = params.text("action"), api.clock()
    api.changed(chat)
    return True


def create_topic(api: BotApi, params: Params) -> Json:
    chat = _open(api, params)
    if not chat.forum:
        raise bad("the chat is not a forum")
    if chat.members.get(api.me["id"]) != "administrator":
        raise bad("not enough rights to create a topic")
    name = params.text("name")
    if not 1 <= len(name) <= 128:
        raise bad("TOPIC_TITLE_INVALID" if name else "TOPIC_TITLE_EMPTY")
    topic = {"name": name, "icon_color": 7322096}
    kept = api.keep(chat, api.me, {"forum_topic_created": topic})
    chat.topics[kept.id] = name
    return {"message_thread_id": kept.id, **topic}


def _open(api: BotApi, params: Params, cost: int = 1) -> Chat:
    """The chat, if the bot may write there and is not too fast."""
    chat = api.chat(params.integer("chat_id"))
    chat.admit(api.me["id"])
    api.rates.spend(chat.id, group=not chat.private, cost=cost, now=api.clock())
    return chat


def _text(params: Params, name: str) -> Json:
    marked = _marked(params, name, "entities")
    if not marked.text:
        raise bad("message text is empty")
    if units(marked.text) > TEXT_LIMIT:
        raise bad("message is too long")
    return _fields(marked, "text", "entities")


def _caption(params: Params) -> Json:
    marked = _marked(params, "caption", "caption_entities")
    if units(marked.text) > CAPTION_LIMIT:
        raise bad("message caption is too long")
    return _fields(marked, "caption", "caption_entities") if marked.text else {}


def _marked(params: Params, name: str, entities: str) -> Formatted:
    given = params.nested(entities)
    marked = read(params.text(name), "" if given else params.text("parse_mode"))
    return Formatted(marked.text, given) if given else marked


def _fields(marked: Formatted, text: str, entities: str) -> Json:
    fields: Json = {text: marked.text}
    if marked.entities:
        fields[entities] = marked.entities
    return fields


def _post(api: BotApi, chat: Chat, params: Params, content: Json) -> Kept:
    given = params.nested("reply_markup")
    keyboard = markup.inline(given)
    below = markup.below(given, private=chat.private)
    extra = _thread(chat, params) | _reply(chat, params)
    if keyboard:
        extra["reply_markup"] = keyboard
    kept = api.keep(chat, api.me, content | extra)
    kept.below, kept.silent = below, params.flag("disable_notification")
    if below:
        chat.keys = below if "keyboard" in below else None
    chat.action = None
    return kept


def _thread(chat: Chat, params: Params) -> Json:
    thread = params.integer("message_thread_id")
    if not thread:
        return {}
    if thread not in chat.topics:
        raise bad("message thread not found")
    return {"message_thread_id": thread, "is_topic_message": True}


def _reply(chat: Chat, params: Params) -> Json:
    reply = params.nested("reply_parameters") or {}
    wanted = int(reply.get("message_id") or params.integer("reply_to_message_id"))
    if not wanted:
        return {}
    kept = chat.kept.get(wanted)
    if kept is not None:
        return {"reply_to_message": quoted(kept.body)}
    if reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply"):
        return {}
    raise bad("message to be replied not found")


def quoted(body: Json) -> Json:
    """A message inside another one does not carry a third."""
    return {name: value for name, value in body.items() if name != "reply_to_message"}


def _editable(api: BotApi, params: Params) -> tuple[Chat, Kept]:
    chat = _open(api, params)
    kept = chat.find(params.integer("message_id"), "edit")
    # A message that brought a reply keyboard cannot be edited, nor can somebody else's.
    if kept.body["from"]["id"] != api.me["id"] or kept.below:
        raise bad("message can't be edited")
    return chat, kept


def _replace(
    api: BotApi, chat: Chat, kept: Kept, params: Params, new: Json, replaced: tuple[str, ...]
) -> Json:
    """An edit without a keyboard takes the keyboard away."""
    keyboard = markup.inline(params.nested("reply_markup"))
    if keyboard:
        new = new | {"reply_markup": keyboard}
    names = (*replaced, "reply_markup")
    if all(kept.body.get(name) == new.get(name) for name in names):
        raise bad(NOT_MODIFIED)
    rest = {name: value for name, value in kept.body.items() if name not in names}
    kept.body = rest | {"edit_date": int(api.clock())} | new
    kept.version = api.changed(chat)
    return kept.body


def _delete(api: BotApi, chat: Chat, number: int) -> None:
    kept = chat.find(number, "delete")
    own = kept.body["from"]["id"] == api.me["id"]
    admin = chat.members.get(api.me["id"]) == "administrator"
    if not (own or chat.private or admin):
        raise bad("message can't be deleted")
    if kept.body["date"] + DELETABLE_FOR < api.clock() and not admin:
        raise bad("message can't be deleted for everyone")
    chat.erase(number, api.changed(chat))


def _source(api: BotApi, params: Params, purpose: str) -> Kept:
    return api.chat(params.integer("from_chat_id")).find(params.integer("message_id"), purpose)


def _content_of(kept: Kept) -> Json:
    names = ("text", "entities", "caption", "caption_entities", "location", "contact", *MEDIA)
    content = {name: kept.body[name] for name in names if name in kept.body}
    if not content:
        raise Refused(400, "Bad Request: message can't be copied")
    return content


METHODS: dict[str, Callable[[BotApi, Params], Any]] = {
    "sendMessage": send_message,
    **{f"send{kind.title()}": send_media(kind) for kind in MEDIA},
    "sendMediaGroup": send_media_group,
    "sendLocation": send_location,
    "sendChatAction": show_action,
    "forwardMessage": forward_message,
    "copyMessage": copy_message,
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "editMessageReplyMarkup": edit_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_query,
    "setMessageReaction": react,
    "pinChatMessage": pin,
    "unpinChatMessage": unpin,
    "createForumTopic": create_topic,
}
