"""A chat as one telephone shows it: only what the page draws, nothing else."""

from __future__ import annotations

from typing import Any

from bot.trial.botapi import Person
from bot.trial.botapi.chats import Chat, Kept

Json = dict[str, Any]
TYPING_LASTS, MESSAGES_SHOWN, RINGS_SHOWN = 5.0, 200, 20
KINDS = ("photo", "voice", "video", "document", "location", "contact")


def phone(person: Person, since: int) -> Json:
    """Everything that changed after a version; after 0, everything."""
    chat = person.chat
    news = [kept for kept in chat.kept.values() if kept.version > since]
    return {
        "messages": [message(kept, chat) for kept in news[-MESSAGES_SHOWN:]],
        "gone": [number for number, version in chat.gone.items() if version > since],
        "answers": [
            {"version": a.version, "query": a.query, "text": a.text, "alert": a.alert}
            for a in person.answers
            if a.version > since
        ],
        "keys": [[key["text"] for key in row] for row in (chat.keys or {}).get("keyboard", [])],
        "typing": _typing(person),
        "blocked": chat.blocked,
        "language": person.language[:2],
        "menu": person.menu(),
    }


def loud(person: Person) -> list[int]:
    """Which messages made this telephone ring, of those it still shows."""
    heard = [k.id for k in person.chat.kept.values() if k.body["from"]["is_bot"] and not k.silent]
    return heard[-RINGS_SHOWN:]


def message(kept: Kept, chat: Chat) -> Json:
    body = kept.body
    shown: Json = {
        "id": kept.id,
        "version": kept.version,
        "mine": not body["from"]["is_bot"],
        "date": body["date"],
        "text": body.get("text") or body.get("caption") or "",
        "entities": body.get("entities") or body.get("caption_entities") or [],
        "buttons": [[_button(b) for b in row] for row in _rows(body)],
        "edited": "edit_date" in body,
        "silent": kept.silent,
        "pinned": kept.id in chat.pinned,
        "reactions": kept.reactions,
        "forced": bool((kept.below or {}).get("force_reply")),
    }
    return shown | _reply(body) | _media(body)


def _rows(body: Json) -> list[list[Json]]:
    rows: list[list[Json]] = body.get("reply_markup", {}).get("inline_keyboard", [])
    return rows


def _button(button: Json) -> Json:
    return {
        "text": button["text"],
        "data": button.get("callback_data"),
        "url": button.get("url"),
        "copy": button.get("copy_text", {}).get("text"),
        "style": button.get("style"),
    }


def _reply(body: Json) -> Json:
    reply = body.get("reply_to_message")
    if reply is None:
        return {}
    quoted = {
        "id": reply["message_id"],
        "name": reply["from"]["first_name"],
        "text": reply.get("text") or reply.get("caption") or "",
        "kind": next((kind for kind in KINDS if kind in reply), "text"),
    }
    return {"reply": quoted}


def _media(body: Json) -> Json:
    if "photo" in body:
        largest = body["photo"][-1]
        size = {"width": largest["width"], "height": largest["height"]}
        return {"photo": {"file": largest["file_id"], **size}}
    if "voice" in body:
        return {"voice": {"file": body["voice"]["file_id"], "seconds": body["voice"]["duration"]}}
    for kind in ("document", "video", "audio"):
        if kind in body:
            name = body[kind].get("file_name", kind)
            return {"document": {"name": name, "size": body[kind]["file_size"]}}
    return {kind: body[kind] for kind in ("location", "contact") if kind in body}


def _typing(person: Person) -> bool:
    action = person.chat.action
    return action is not None and action[1] + TYPING_LASTS > person.api.clock()
