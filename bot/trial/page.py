"""The trial page: three telephones, a mail pane and an SMS pane on one clock."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.trial import screen
from bot.trial.botapi import BotApi, NotOnScreen, Person
from bot.trial.botapi.files import picture_type
from bot.trial.guard import LoopbackOnly
from bot.trial.world import Language, TrialPost, TrialWorld

STATIC = Path(__file__).with_name("static")
LONGEST_WAIT = 20.0
TELEGRAM_LANGUAGES: dict[Language, str] = {"zh": "zh-hans", "en": "en"}
Json = dict[str, Any]
Deed = Callable[["Page", Json], Awaitable[Any]]


class Wrong(ValueError):
    """A request that the page would never make."""


def routes(api: BotApi, world: TrialWorld) -> list[BaseRoute]:
    """The page at `/` and `/trial`, and the little API under `/trial/api` that it lives on."""
    page = Page(api, world)
    guard = [Middleware(LoopbackOnly)]
    deeds = [
        Route(f"/trial/api/{name}", page.does(deed), methods=["POST"], middleware=guard)
        for name, deed in DEEDS.items()
    ]
    return [
        Route("/", page.index, middleware=guard),
        Route("/trial", page.index, middleware=guard),
        Route("/trial/api/people", page.people, middleware=guard),
        Route("/trial/api/events", page.events, middleware=guard),
        Route("/trial/api/file/{file_id}", page.file, middleware=guard),
        Route("/trial/api/mail", page.mail, methods=["GET"], middleware=guard),
        Route("/trial/api/sms", page.sms, methods=["GET"], middleware=guard),
        *deeds,
        Mount("/trial/static", StaticFiles(directory=STATIC), middleware=guard),
    ]


class Page:
    def __init__(self, api: BotApi, world: TrialWorld) -> None:
        self.api, self.world = api, world
        self.session = secrets.token_hex(4)  # a page left open over a restart starts afresh
        for somebody in world.people:
            person = api.person(
                somebody.telegram_id,
                somebody.name[somebody.language],
                TELEGRAM_LANGUAGES[somebody.language],
                phone=somebody.phone,
            )
            person.opens()

    # What the page reads

    async def index(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html; charset=utf-8")

    async def people(self, request: Request) -> Response:
        people = [asdict(person) for person in self.world.people]
        return JSONResponse({"people": people, "zone": self.world.zone})

    async def events(self, request: Request) -> Response:
        """What changed after a version, as soon as anything did."""
        try:
            since = int(request.query_params.get("since", 0))
            ids = [int(id) for id in request.query_params.get("phones", "").split(",") if id]
            people = {id: self._who(id) for id in ids}
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        if request.query_params.get("session") != self.session:
            since = 0
        elif since >= self.api.version and not self.api.closed:
            await self.api.bell.heard(LONGEST_WAIT)
        if self.api.closed:  # the desk goes home: nobody may ask its database any more
            return Response(status_code=204)
        version = self.api.version
        phones = {id: screen.phone(person, since) for id, person in people.items()}
        everybody = [each.telegram_id for each in self.world.people]
        loud = {id: screen.loud(self.api.people[id]) for id in everybody}
        news = {"session": self.session, "version": version, "phones": phones, "loud": loud}
        return JSONResponse(news | await self._time())

    async def file(self, request: Request) -> Response:
        """A picture or a voice; anything else would be a page of its own in the browser."""
        stored = self.api.files.find(request.path_params["file_id"])
        if stored is None:
            return Response(status_code=404)
        kind = "audio/ogg" if stored.kind == "voice" else picture_type(stored.data)
        return Response(stored.data, media_type=kind or "application/octet-stream")

    async def mail(self, request: Request) -> Response:
        return await _letters(self.world.mail)

    async def sms(self, request: Request) -> Response:
        return await _letters(self.world.sms)

    # What it does

    def does(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                result = await deed(self, await request.json())
            except NotOnScreen as error:
                return JSONResponse({"error": str(error)}, 409)
            except (KeyError, TypeError, ValueError) as error:
                return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
            return JSONResponse(result if isinstance(result, dict) else {})

        return endpoint

    def who(self, body: Json) -> Person:
        return self._who(int(body["person"]))

    def _who(self, id: int) -> Person:
        if id not in {person.telegram_id for person in self.world.people}:
            raise Wrong("nobody of the example desk")
        return self.api.people[id]

    async def _time(self) -> Json:
        coming = await self.world.next_event()
        return {
            "now": self.world.now().timestamp(),
            "next": coming and coming.timestamp(),
            "story": await self.world.story(),
        }


async def _letters(post: TrialPost | None) -> Response:
    if post is None:
        return JSONResponse({"on": False, "letters": []})
    letters = [{**asdict(each), "at": each.at.timestamp()} for each in await post.letters()]
    return JSONResponse({"on": True, "letters": letters})


async def _say(page: Page, body: Json) -> None:
    text = str(body["text"]).strip()
    if not text:
        raise Wrong("nothing to say")
    page.who(body).says(text, body.get("reply_to"))


async def _edit(page: Page, body: Json) -> None:
    page.who(body).edits(int(body["message"]), str(body["text"]))


async def _tap(page: Page, body: Json) -> Json:
    return {"query": page.who(body).taps(str(body["data"]), int(body["message"])).query}


async def _pick(page: Page, body: Json) -> None:
    page.who(body).picks(str(body["label"]))


async def _photo(page: Page, body: Json) -> None:
    person, caption = page.who(body), str(body.get("caption", ""))
    photos = [_decoded(photo) for photo in body.get("photos", [])]
    if body.get("sample"):
        photos.append((STATIC / "sample.png").read_bytes())
    if len(photos) == 1:
        person.photo(photos[0], caption, body.get("reply_to"))
    elif 2 <= len(photos) <= 10:
        person.album(photos, caption, body.get("reply_to"))
    else:
        raise Wrong("one to ten pictures")


async def _voice(page: Page, body: Json) -> None:
    page.who(body).voice((STATIC / "sample.oga").read_bytes(), 3, body.get("reply_to"))


async def _location(page: Page, body: Json) -> None:
    page.who(body).location(float(body["latitude"]), float(body["longitude"]), 20.0)


async def _block(page: Page, body: Json) -> None:
    person = page.who(body)
    person.blocks() if body["blocked"] else person.unblocks()


async def _language(page: Page, body: Json) -> None:
    language: Language = body["language"]
    if language not in get_args(Language):
        raise Wrong("no such language")
    for somebody in page.world.people:
        person = page.api.people[somebody.telegram_id]
        person.language = TELEGRAM_LANGUAGES[language]
        person.is_called(somebody.name[language])
    await page.world.speak(language)
    page.api.bell.ring()


async def _advance(page: Page, body: Json) -> None:
    now = page.world.now()
    by = await _distance(page.world, body, now)
    if by > timedelta():
        await page.world.advance(by)
    page.api.bell.ring()


async def _distance(world: TrialWorld, body: Json, now: datetime) -> timedelta:
    match body.get("to"):
        case None:
            return timedelta(minutes=min(float(body["minutes"]), 60 * 24 * 31))
        case "next":
            coming = await world.next_event()
            return timedelta() if coming is None else coming - now
        case "workday":
            return world.morning() - now
        case other:
            raise Wrong(f"when is {other!r}?")


async def _write_mail(page: Page, body: Json) -> None:
    await _write(page.world.mail, body)


async def _write_sms(page: Page, body: Json) -> None:
    await _write(page.world.sms, body)


async def _write(post: TrialPost | None, body: Json) -> None:
    if post is None:
        raise Wrong("this channel is not there yet")
    await post.write(str(body["from"]), str(body.get("subject", "")), str(body["text"]))


def _decoded(data: str) -> bytes:
    try:
        photo = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise Wrong("no picture") from error
    if picture_type(photo) is None:
        raise Wrong("no picture")
    return photo


DEEDS: dict[str, Deed] = {
    "say": _say,
    "edit": _edit,
    "tap": _tap,
    "pick": _pick,
    "photo": _photo,
    "voice": _voice,
    "location": _location,
    "block": _block,
    "language": _language,
    "time": _advance,
    "mail": _write_mail,
    "sms": _write_sms,
}
