"""How a bot hears: by asking again and again, or by a web hook, never both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bot.trial.botapi.hook import target
from bot.trial.botapi.values import Json, Params, Refused

if TYPE_CHECKING:
    from bot.trial.botapi.server import BotApi


async def get_updates(api: BotApi, params: Params) -> list[Json]:
    if api.hook.target:
        raise Refused(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    api.feed.restrict(params.nested("allowed_updates"))
    return await api.feed.poll(
        params.integer("offset"), params.integer("limit", 100), params.integer("timeout")
    )


def set_webhook(api: BotApi, params: Params) -> bool:
    if "url" not in params:
        return delete_webhook(api, params)
    wanted = target(params)
    api.feed.interrupt("terminated by setWebhook request")
    api.feed.restrict(params.nested("allowed_updates"))
    if params.flag("drop_pending_updates"):
        api.feed.drop()
    api.hook.aim(wanted)
    return True


def delete_webhook(api: BotApi, params: Params) -> bool:
    if params.flag("drop_pending_updates"):
        api.feed.drop()
    api.hook.aim(None)
    return True


def webhook_info(api: BotApi, params: Params) -> Json:
    aim = api.hook.target
    info: Json = {
        "url": aim.url if aim else "",
        "has_custom_certificate": False,
        "pending_update_count": len(api.feed),
    }
    if aim:
        info["max_connections"] = aim.connections
    if api.feed.allowed:
        info["allowed_updates"] = sorted(api.feed.allowed)
    if api.hook.last_error:
        info["last_error_date"], info["last_error_message"] = api.hook.last_error
    return info


METHODS: dict[str, Callable[[BotApi, Params], Any]] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": webhook_info,
}
