"""Reads Telegram's updates: a message, an edit or a press becomes an Inbound."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import telegram
from telegram.constants import ChatMemberStatus, ChatType

from channels.telegram.limits import whole
from core.messages import File, Inbound, Location

CHANNEL: Final = "telegram"
LOCATION_IS_OLD_AFTER: Final = timedelta(minutes=10)

_CARRIERS = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")


def inbound(update: telegram.Update, account: str, received_at: datetime) -> Inbound | None:
    """What a person wrote or pressed; None for service messages, bots and changes of membership."""
    if update.callback_query is not None:
        return _press(update, update.callback_query, account, received_at)
    message = update.message or update.edited_message
    if message is None or message.is_automatic_forward:
        return None
    sender = message.from_user
    if sender is None or sender.is_bot:
        return None
    files, detail = tuple(_files(message)), _detail(message)
    location, phone = _location(message, received_at, detail), _own_phone(message, detail)
    text = message.text or message.caption or _card_of_another(message, phone)
    if not (text or files or location or phone or detail.keys() & {"location", "contact"}):
        if message.effective_attachment is None:
            return None
        detail["unsupported"] = telegram.helpers.effective_message_type(message) or "unknown"
    edited = update.edited_message is not None
    return Inbound(
        channel=CHANNEL,
        account=account,
        external_id=str(update.update_id),
        sender=str(sender.id),
        sender_name=whole(sender.full_name),
        language=sender.language_code or "",
        text=whole(text),
        occurred_at=((message.edit_date if edited else None) or message.date).astimezone(UTC),
        received_at=received_at,
        message_id=str(message.message_id),
        reply_to=_answered(message),
        album=message.media_group_id or "",
        edited_of=str(message.message_id) if edited else "",
        trust="proven",
        files=files,
        location=location,
        phone=phone,
        detail=detail,
    )


def reachability(update: telegram.Update) -> tuple[str, bool] | None:
    """Who started or blocked the bot in private, and whether a letter can reach them now."""
    change = update.my_chat_member
    if change is None or change.chat.type != ChatType.PRIVATE:
        return None
    return str(change.chat.id), change.new_chat_member.status == ChatMemberStatus.MEMBER


def order_key(raw: Mapping[str, Any]) -> str:
    """`chat:user` of a raw update: what one person does in one chat is worked on in order.

    Takes anything: an update that nobody can read is stored like every other.
    """
    for carrier in _CARRIERS:
        body = raw.get(carrier)
        if isinstance(body, Mapping):
            chat = _id(body, "message", "chat") or _id(body, "chat")
            user = _id(body, "from") or _id(body, "user")
            if chat or user:
                return f"{chat}:{user}"
    return f"update:{raw.get('update_id')}"


def _id(body: Mapping[str, Any], *path: str) -> str:
    inner: Any = body
    for step in (*path, "id"):
        inner = inner.get(step) if isinstance(inner, Mapping) else None
    return "" if inner is None else str(inner)


def _press(
    update: telegram.Update, query: telegram.CallbackQuery, account: str, received_at: datetime
) -> Inbound | None:
    if query.data is None:  # a game's button
        return None
    detail = {"callback_query_id": query.id}
    if query.message is not None:  # perhaps an InaccessibleMessage: its ids are all there is
        detail |= {"chat": str(query.message.chat.id), "chat_type": query.message.chat.type}
    return Inbound(
        channel=CHANNEL,
        account=account,
        external_id=str(update.update_id),
        sender=str(query.from_user.id),
        sender_name=whole(query.from_user.full_name),
        language=query.from_user.language_code or "",
        occurred_at=received_at,  # Telegram does not date presses
        received_at=received_at,
        reply_to=(str(query.message.message_id),) if query.message else (),
        button=query.data,
        trust="proven",
        detail=detail,
    )


def _detail(message: telegram.Message) -> dict[str, str]:
    detail = {"chat": str(message.chat.id), "chat_type": message.chat.type}
    if message.forward_origin is not None:
        detail["forwarded"] = message.forward_origin.type
    if message.sticker is not None and message.sticker.emoji:
        detail["emoji"] = message.sticker.emoji
    return detail


def _files(message: telegram.Message) -> Iterator[File]:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        yield File(kind="photo", type="image/jpeg", size=largest.file_size, source=largest.file_id)
    if message.sticker is not None:
        yield File(kind="sticker", size=message.sticker.file_size, source=message.sticker.file_id)
    if message.video_note is not None:
        note = message.video_note
        yield File(kind="video_note", type="video/mp4", size=note.file_size, source=note.file_id)
    if message.voice is not None:
        voice = message.voice
        yield File(
            kind="voice", type=voice.mime_type or "", size=voice.file_size, source=voice.file_id
        )
    # An animation is sent along as a document, too.
    named = ("animation",) if message.animation else ("document", "video", "audio")
    for kind in named:
        media = getattr(message, kind)
        if media is not None:
            yield File(
                kind=kind,
                name=whole(media.file_name or ""),
                type=media.mime_type or "",
                size=media.file_size,
                source=media.file_id,
            )


def _location(
    message: telegram.Message, received_at: datetime, detail: dict[str, str]
) -> Location | None:
    """Where the sender is, as far as a phone can be believed; `detail` says why not."""
    place = message.location
    if place is None:
        return None
    if message.forward_origin is not None:
        detail["location"] = "forwarded"
    elif message.venue is not None:
        detail["location"] = "chosen_place"
    elif received_at - (message.edit_date or message.date) > LOCATION_IS_OLD_AFTER:
        detail["location"] = "old"
    else:
        return Location(
            latitude=place.latitude,
            longitude=place.longitude,
            accuracy=place.horizontal_accuracy,
        )
    return None


def _own_phone(message: telegram.Message, detail: dict[str, str]) -> str:
    """The sender's own number: only a card that names the sender, straight from its owner."""
    contact = message.contact
    if contact is None:
        return ""
    assert message.from_user is not None
    if message.forward_origin is not None:
        detail["contact"] = "forwarded"
    elif contact.user_id != message.from_user.id:
        detail["contact"] = "another_person"
    else:
        return _e164(contact.phone_number)
    return ""


def _card_of_another(message: telegram.Message, own_phone: str) -> str:
    """Somebody else's card is part of what was said: "call him"."""
    contact = message.contact
    if contact is None or own_phone:
        return ""
    names = (contact.first_name, contact.last_name, contact.phone_number)
    return " ".join(name for name in names if name)


def _e164(number: str) -> str:
    """Telegram's numbers are international, with or without the plus."""
    import phonenumbers  # fifty modules, for the contact that is shared once

    digits = "".join(char for char in number if char.isdecimal())
    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _answered(message: telegram.Message) -> tuple[str, ...]:
    replied = message.reply_to_message
    # In a topic every message formally answers the one that opened it.
    if replied is None or replied.forum_topic_created is not None:
        return ()
    return (str(replied.message_id),)
