"""What a bot asks about and sets for itself: profile, commands, files, chats, members."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.trial.botapi.values import Json, Params, Refused, bad

if TYPE_CHECKING:
    from bot.trial.botapi.server import BotApi

PROFILE = {"name": 64, "description": 512, "short_description": 120}
ADMIN_RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages",
    "can_manage_video_chats", "can_restrict_members", "can_promote_members", "can_change_info",
    "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip


def get_me(api: BotApi, params: Params) -> Json:
    return api.me


def set_profile(field: str) -> Callable[[BotApi, Params], bool]:
    def set_field(api: BotApi, params: Params) -> bool:
        value = params.text(field)
        if len(value) > PROFILE[field]:
            raise bad(f"{field.replace('_', ' ')} is too long")
        api.commands.profile[field, params.text("language_code")] = value
        return True

    return set_field


def get_profile(field: str) -> Callable[[BotApi, Params], Json]:
    def get_field(api: BotApi, params: Params) -> Json:
        language = params.text("language_code")
        own = api.commands.profile.get((field, language), "")
        return {field: own or api.commands.profile.get((field, ""), "")}

    return get_field


def set_commands(api: BotApi, params: Params) -> bool:
    commands, scope = params.nested("commands") or [], params.nested("scope")
    api.commands.put(commands, scope, params.text("language_code"))
    return True


def get_commands(api: BotApi, params: Params) -> list[Json]:
    return api.commands.get(params.nested("scope"), params.text("language_code"))


def delete_commands(api: BotApi, params: Params) -> bool:
    api.commands.put([], params.nested("scope"), params.text("language_code"))
    return True


def get_file(api: BotApi, params: Params) -> Json:
    return api.files.link(params.text("file_id"))


def get_chat(api: BotApi, params: Params) -> Json:
    chat = api.chat(params.integer("chat_id"))
    if not chat.private:
        chat.admit(api.me["id"])
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    full: Json = {
        **chat.body,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), True),
    }
    if chat.pinned:
        full["pinned_message"] = chat.kept[chat.pinned[-1]].body
    return full


def get_member(api: BotApi, params: Params) -> Json:
    chat, user = api.chat(params.integer("chat_id")), params.integer("user_id")
    known = {api.me["id"]: api.me} | {id: person.user for id, person in api.people.items()}
    if user not in known:
        raise bad("PARTICIPANT_ID_INVALID")
    status = chat.members.get(user, "left")
    member: Json = {"status": status, "user": known[user]}
    if status == "administrator":
        member |= dict.fromkeys(ADMIN_RIGHTS, False)
    if status == "kicked":
        member["until_date"] = 0
    return member


def leave_chat(api: BotApi, params: Params) -> bool:
    chat = api.chat(params.integer("chat_id"))
    if chat.private:
        raise Refused(400, "Bad Request: can't leave a private chat")
    chat.members[api.me["id"]] = "left"
    return True


METHODS: dict[str, Callable[[BotApi, Params], Any]] = {
    "getMe": get_me,
    "setMyName": set_profile("name"),
    "setMyDescription": set_profile("description"),
    "setMyShortDescription": set_profile("short_description"),
    "getMyName": get_profile("name"),
    "getMyDescription": get_profile("description"),
    "getMyShortDescription": get_profile("short_description"),
    "setMyCommands": set_commands,
    "getMyCommands": get_commands,
    "deleteMyCommands": delete_commands,
    "getFile": get_file,
    "getChat": get_chat,
    "getChatMember": get_member,
    "leaveChat": leave_chat,
}
