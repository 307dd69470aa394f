"""The people's side over HTTP, for a server that runs apart from the tests: `/_ctl/VERB`."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.trial.botapi.people import Group, NotOnScreen, Person, Seen
from bot.trial.botapi.server import BotApi
from bot.trial.botapi.values import Json

Verb = Callable[["Control", Json], Any]


class Clock:
    """A clock that runs by itself and can be put forward."""

    def __init__(self, source: Callable[[], float]) -> None:
        self._source, self._ahead = source, 0.0

    def __call__(self) -> float:
        return self._source() + self._ahead

    def advance(self, seconds: float) -> float:
        self._ahead += seconds
        return self()


@dataclasses.dataclass(slots=True)
class Control:
    api: BotApi
    clock: Clock
    groups: dict[int, Group] = dataclasses.field(default_factory=dict)

    def who(self, body: Json) -> Person:
        return self.api.people[int(body["person"])]

    def where(self, body: Json) -> Group | None:
        return self.groups[int(body["chat"])] if body.get("chat") else None


def _person(control: Control, body: Json) -> Json:
    person = control.api.person(
        int(body["id"]),
        body.get("name", "?"),
        body.get("language", "zh-hans"),
        phone=body.get("phone", ""),
    )
    if body.get("opens"):
        person.opens()
    return person.user


def _group(control: Control, body: Json) -> int:
    members = [control.api.people[int(id)] for id in body.get("members", [])]
    options = {name: body[name] for name in ("kind", "forum", "admin") if name in body}
    group = control.api.group(int(body["id"]), body.get("title", "group"), members, **options)
    control.groups[group.id] = group
    return group.id


def _says(control: Control, body: Json) -> Seen:
    chat, topic = control.where(body), body.get("topic", 0)
    return control.who(body).says(body["text"], body.get("reply_to"), chat=chat, topic=topic)


def _photo(control: Control, body: Json) -> Seen:
    return control.who(body).photo(_bytes(body), body.get("caption", ""), body.get("reply_to"))


def _album(control: Control, body: Json) -> list[Seen]:
    photos = [base64.b64decode(photo) for photo in body["photos"]]
    return control.who(body).album(photos, body.get("caption", ""))


def _document(control: Control, body: Json) -> Seen:
    return control.who(body).document(
        _bytes(body),
        body.get("name", "file.bin"),
        body.get("mime", "application/octet-stream"),
        body.get("caption", ""),
        size=body.get("size"),
    )


def _taps(control: Control, body: Json) -> str:
    chat = control.where(body)
    return control.who(body).taps(body["label"], body.get("message"), chat=chat).query


def _presses(control: Control, body: Json) -> str:
    chat = control.where(body)
    return control.who(body).presses(int(body["message"]), body["data"], chat=chat).query


async def _hears(control: Control, body: Json) -> Seen:
    return await control.who(body).hears(
        body.get("text", ""),
        button=body.get("button", ""),
        timeout=body.get("timeout", 5.0),
        chat=control.where(body),
    )


def _fail(control: Control, body: Json) -> None:
    options = ("times", "retry_after", "before", "description")
    given = {name: body[name] for name in options if name in body}
    control.api.fail(body["method"], body["code"], **given)


def _rates(control: Control, body: Json) -> None:
    control.api.rates.enforced = bool(body["enforced"])


def _calls(control: Control, body: Json) -> list[Json]:
    calls = control.api.calls(body.get("method", ""))[-int(body.get("last", 100)) :]
    return [{"method": c.method, "params": dict(c.params.fields), "at": c.at} for c in calls]


def _bytes(body: Json) -> bytes:
    return base64.b64decode(body["data"])


VERBS: dict[str, Verb] = {
    "person": _person,
    "group": _group,
    "says": _says,
    "photo": _photo,
    "album": _album,
    "document": _document,
    "voice": lambda c, b: c.who(b).voice(_bytes(b), b.get("seconds", 2)),
    "location": lambda c, b: c.who(b).location(b["latitude"], b["longitude"], b.get("accuracy")),
    "contact": lambda c, b: c.who(b).contact(b.get("phone", "")),
    "edits": lambda c, b: c.who(b).edits(int(b["message"]), b["text"], chat=c.where(b)),
    "taps": _taps,
    "presses": _presses,
    "picks": lambda c, b: c.who(b).picks(b["label"]),
    "sees": lambda c, b: c.who(b).sees(c.where(b)),
    "hears": _hears,
    "answers": lambda c, b: [dataclasses.asdict(answer) for answer in c.who(b).answers],
    "menu": lambda c, b: c.who(b).menu(),
    "blocks": lambda c, b: c.who(b).blocks(),
    "unblocks": lambda c, b: c.who(b).unblocks(),
    "fail": _fail,
    "slow": lambda c, b: c.api.slow(b["method"], b["seconds"]),
    "rates": _rates,
    "advance": lambda c, b: c.clock.advance(float(b["seconds"])),
    "pending": lambda c, b: len(c.api.feed),
    "calls": _calls,
}


def routes(api: BotApi, clock: Clock) -> list[Route]:
    control = Control(api, clock)

    async def perform(request: Request) -> Response:
        verb = VERBS.get(request.path_params["verb"])
        if verb is None:
            return JSONResponse({"error": "no such verb", "verbs": sorted(VERBS)}, 404)
        body = await request.json() if await request.body() else {}
        try:
            result = verb(control, body)
            if isinstance(result, Awaitable):
                result = await result
        except (NotOnScreen, TimeoutError) as error:
            return JSONResponse({"error": str(error)}, 409)
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": repr(error)}, 400)
        return JSONResponse({"result": _shown(result)})

    return [Route("/_ctl/{verb}", perform, methods=["POST"])]


def _shown(result: Any) -> Any:
    if isinstance(result, Seen):
        extra = {"version": result.version, "silent": result.silent, "labels": result.labels}
        return {
            "id": result.id,
            "chat": result.chat,
            "text": result.text,
            **extra,
            "raw": result.raw,
        }
    if isinstance(result, list):
        return [_shown(item) for item in result]
    return result
