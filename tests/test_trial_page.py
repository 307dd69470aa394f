"""The trial page: its API, who may use it, and what a browser shows."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
from starlette.applications import Starlette

from bot.trial import page
from bot.trial.botapi import BotApi
from bot.trial.botapi.values import Params
from bot.trial.world import Step
from tests.browser import chromium, page_in
from tests.trial_world import (
    ENGINEER,
    STAFF,
    TOKEN,
    DemoWorld,
    FakePost,
    accept_button,
    echo_bot,
    polling,
    served,
)

PNG = (page.STATIC / "sample.png").read_bytes()


@pytest.fixture
def world() -> DemoWorld:
    return DemoWorld()


@pytest.fixture
def api(world: DemoWorld) -> BotApi:
    return BotApi(TOKEN, "demo_bot", lambda: world.moment.timestamp(), rates=False)


@pytest.fixture
async def browser(api: BotApi, world: DemoWorld) -> AsyncIterator[httpx.AsyncClient]:
    """A client that behaves as the page does."""
    app = Starlette(routes=page.routes(api, world))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


async def events(browser: httpx.AsyncClient, *phones: int, since: dict | None = None) -> dict:
    since = since or {"version": 0, "session": ""}
    query = {
        "since": since["version"],
        "session": since["session"],
        "phones": ",".join(map(str, phones)),
    }
    response = await browser.get("/trial/api/events", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def bot_says(api: BotApi, chat: int, text: str, **fields: object) -> None:
    reply = await api.call(TOKEN, "sendMessage", Params({"chat_id": chat, "text": text, **fields}))
    assert reply.status == 200, reply.body


# What it tells and does


async def test_a_sentence_typed_into_a_phone_reaches_the_bot(browser, api):
    response = await browser.post("/trial/api/say", json={"person": STAFF, "text": "打印机卡纸"})
    assert response.status_code == 200
    assert [seen.text for seen in api.people[STAFF].sees()] == ["打印机卡纸"]
    assert len(api.feed) == 1


async def test_news_come_as_soon_as_they_happen(browser, api):
    first = await events(browser, STAFF)
    waiting = asyncio.create_task(events(browser, STAFF, since=first))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await bot_says(api, STAFF, "<b>收到</b>", parse_mode="HTML")
    news = await asyncio.wait_for(waiting, 15)
    (shown,) = news["phones"][str(STAFF)]["messages"]
    assert (shown["text"], shown["entities"]) == (
        "收到",
        [{"type": "bold", "offset": 0, "length": 2}],
    )


async def test_only_what_changed_is_told_again(browser, api):
    await bot_says(api, STAFF, "一")
    before = await events(browser, STAFF)
    await bot_says(api, STAFF, "二")
    after = await events(browser, STAFF, since=before)
    assert [m["text"] for m in after["phones"][str(STAFF)]["messages"]] == ["二"]


async def test_a_deleted_message_goes_from_the_screen(browser, api):
    await bot_says(api, STAFF, "一")
    before = await events(browser, STAFF)
    await api.call(TOKEN, "deleteMessage", Params({"chat_id": STAFF, "message_id": 1}))
    after = await events(browser, STAFF, since=before)
    assert after["phones"][str(STAFF)]["gone"] == [1]


async def test_a_page_open_over_a_restart_starts_afresh(browser, api):
    await bot_says(api, STAFF, "一")
    news = await events(browser, STAFF, since={"version": 99, "session": "yesterday"})
    assert len(news["phones"][str(STAFF)]["messages"]) == 1


async def test_a_tap_brings_its_query_and_later_the_answer(browser, api):
    markup = accept_button().to_json()
    await bot_says(api, ENGINEER, "派单", reply_markup=markup)
    before = await events(browser, ENGINEER)
    body = {"person": ENGINEER, "message": 1, "data": "accept"}
    query = (await browser.post("/trial/api/tap", json=body)).json()["query"]
    await api.call(
        TOKEN, "answerCallbackQuery", Params({"callback_query_id": query, "text": "已接单"})
    )
    after = await events(browser, ENGINEER, since=before)
    (answer,) = after["phones"][str(ENGINEER)]["answers"]
    assert before["version"] < answer.pop("version") <= after["version"]
    assert answer == {"query": query, "text": "已接单", "alert": False}


async def test_a_button_that_is_not_there_cannot_be_tapped(browser, api):
    await bot_says(api, ENGINEER, "派单")
    body = {"person": ENGINEER, "message": 1, "data": "accept"}
    assert (await browser.post("/trial/api/tap", json=body)).status_code == 409


@pytest.mark.parametrize(("count", "sent"), [(1, 1), (3, 3), (0, 0), (11, 0)])
async def test_one_to_ten_pictures_can_be_sent(browser, api, count, sent):
    photos = [base64.b64encode(PNG).decode()] * count
    await browser.post("/trial/api/photo", json={"person": STAFF, "photos": photos})
    assert len(api.people[STAFF].sees()) == sent


async def test_a_picture_comes_back_as_a_picture(browser, api):
    await browser.post("/trial/api/photo", json={"person": STAFF, "sample": True})
    file_id = api.people[STAFF].sees()[0].raw["photo"][-1]["file_id"]
    response = await browser.get(f"/trial/api/file/{file_id}")
    assert (response.headers["content-type"], response.content) == ("image/png", PNG)


async def test_a_document_never_comes_back_as_a_page(browser, api):
    sent = api.people[STAFF].document(b"<script>alert(1)</script>", "x.html", "text/html")
    response = await browser.get(f"/trial/api/file/{sent.raw['document']['file_id']}")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("body", "moved"),
    [
        ({"minutes": 5}, timedelta(minutes=5)),
        ({"to": "next"}, timedelta(minutes=30)),
        ({"to": "workday"}, timedelta(hours=19, minutes=55)),
        ({"minutes": -5}, timedelta()),
    ],
)
async def test_time_moves_forward_only(browser, world, body, moved):
    before = world.now()
    await browser.post("/trial/api/time", json=body)
    assert world.now() - before == moved


async def test_the_language_switch_tells_every_phone(browser, api, world):
    await browser.post("/trial/api/language", json={"language": "en"})
    assert {person.language for person in api.people.values()} == {"en"}
    assert world.spoken == "en"


async def test_a_pane_is_off_until_its_channel_is_there(browser, world):
    assert (await browser.get("/trial/api/mail")).json() == {"on": False, "letters": []}
    body = {"from": "a@example.com", "subject": "空调", "text": "不冷"}
    assert (await browser.post("/trial/api/mail", json=body)).status_code == 400
    world.mail = FakePost(datetime(2026, 11, 23, tzinfo=UTC))
    assert (await browser.post("/trial/api/mail", json=body)).status_code == 200
    shown = (await browser.get("/trial/api/mail")).json()
    assert (shown["on"], shown["letters"][0]["subject"]) == (True, "空调")


async def test_only_people_of_the_example_desk_can_be_played(browser, api):
    api.person(999, "别人")
    response = await browser.post("/trial/api/say", json={"person": 999, "text": "x"})
    assert response.status_code == 400
    assert (await browser.get("/trial/api/events?phones=999")).status_code == 400


# Who may use it


async def test_another_host_name_is_refused(browser):
    response = await browser.get("/trial/api/people", headers={"host": "rebound.example.com"})
    assert response.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example.com"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"content-type": "text/plain"},
    ],
)
async def test_another_page_cannot_act(browser, api, headers):
    body = b'{"person": 101, "text": "x"}'
    headers = {"content-type": "application/json", **headers}
    response = await browser.post("/trial/api/say", content=body, headers=headers)
    assert response.status_code == 403
    assert api.people[STAFF].sees() == []


async def test_the_own_page_may_act(browser):
    response = await browser.post(
        "/trial/api/say",
        json={"person": STAFF, "text": "x"},
        headers={"origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"},
    )
    assert response.status_code == 200


async def test_no_script_from_elsewhere_runs_on_the_page(browser):
    response = await browser.get("/")
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "://" not in response.text


def test_the_scripts_build_elements_and_never_parse_text():
    for script in page.STATIC.glob("*.js"):
        text = script.read_text()
        for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert risky not in text, (script.name, risky)


def words_of_the_page() -> list[set[str]]:
    text = re.sub(r'"[^"\n]*"', '""', (page.STATIC / "words.js").read_text())
    languages = text.partition("\n  en: {")[::2]
    return [set(re.findall(r'(\w+): (?:""|\[)', language)) for language in languages]


def test_both_languages_of_the_page_have_the_same_words():
    chinese, english = words_of_the_page()
    assert chinese == english != set()


def test_every_word_that_the_page_asks_for_is_there():
    sources = [
        path.read_text() for path in page.STATIC.iterdir() if path.suffix in {".js", ".html"}
    ]
    asked = re.compile(r'(?:say\(|data-(?:word|label|hint)"?[=:] ?)"(\w+)"')
    assert {word for source in sources for word in asked.findall(source)} <= words_of_the_page()[0]


def test_every_step_of_the_story_has_its_hint():
    hints = {word.removeprefix("hint_") for word in words_of_the_page()[0] if "hint_" in word}
    assert hints == set(get_args(Step))


# In a real browser


@pytest.mark.browser
async def test_a_person_reports_in_one_phone_and_an_engineer_accepts_in_another(api, world):
    routes = page.routes(api, world)
    async with (
        polling(echo_bot(api)),
        served(routes) as url,
        chromium() as browser,
        page_in(browser, url) as shown,
    ):
        await shown.locator(".seat.staff textarea").fill("打印机 <img src=x onerror=alert(1)> 卡纸")
        await shown.locator(".seat.staff textarea").press("Enter")
        reply = shown.locator(".seat.staff .message:not(.mine) .text")
        await reply.wait_for()
        assert await reply.inner_text() == "收到：打印机 <img src=x onerror=alert(1)> 卡纸"
        assert await shown.locator(".seat .text img").count() == 0

        await shown.locator(".seat.engineer .key", has_text="接单").first.click()
        await shown.locator(".seat.engineer .toast", has_text="已接单").wait_for()
        await shown.locator(".seat.engineer .text", has_text="✅ 已接单").wait_for()
        assert await shown.locator(".seat.engineer .key").count() == 0

        await shown.locator("[data-language=en]").click()
        await shown.locator("#hint", has_text="left phone").wait_for()
        api.close()


@pytest.mark.browser
async def test_an_answer_that_comes_while_another_telephone_is_taken_up_is_read(api, world):
    answered = asyncio.Event()

    async def held(route: Any) -> None:
        await answered.wait()
        await route.continue_()

    async with (
        served(page.routes(api, world)) as url,
        chromium() as browser,
        page_in(browser, url) as shown,
    ):
        await bot_says(api, ENGINEER, "派单", reply_markup=accept_button().to_json())
        async with shown.expect_response("**/trial/api/tap") as tapped:
            await shown.locator(".seat.engineer .key", has_text="接单").first.click()
        query = (await (await tapped.value).json())["query"]
        await shown.route("**/trial/api/events?**", held, times=1)
        await shown.locator(".seat.staff select").dispatch_event("change")  # another is chosen
        said = {"callback_query_id": query, "text": "已被接走", "show_alert": "true"}
        await api.call(TOKEN, "answerCallbackQuery", Params(said))
        answered.set()
        await shown.locator(".seat.engineer .alert", has_text="已被接走").wait_for()
        api.close()
