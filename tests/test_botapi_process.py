"""The server in a process of its own, which outlives the bot and is driven over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden, NetworkError

from bot.trial.botapi.__main__ import TOKEN


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "bot.trial.botapi", "--port", "0", "--no-rates"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


class Control:
    """The people's side, said over HTTP."""

    def __init__(self, address: str) -> None:
        self.client = httpx.Client(base_url=f"{address}/_ctl/", trust_env=False)

    def __call__(self, verb: str, **body: Any) -> Any:
        response = self.client.post(verb, json=body)
        response.raise_for_status()
        return response.json()["result"]


@pytest.fixture
def control(address: str) -> Iterator[Control]:
    made = Control(address)
    yield made
    made.client.close()


async def test_updates_outlive_the_bot_that_was_killed(address, control):
    control("person", id=1, name="小王")
    base = f"{address}/bot"
    async with Bot(TOKEN, base_url=base) as killed:
        await killed.delete_webhook(drop_pending_updates=True)
        control("says", person=1, text="打印机卡纸")
        (seen,) = await killed.get_updates()
    async with Bot(TOKEN, base_url=base) as restarted:
        (again,) = await restarted.get_updates()
        assert again.update_id == seen.update_id
        await restarted.get_updates(again.update_id + 1)
    assert control("pending") == 0


async def test_people_hear_and_tap_over_http(address, control):
    control("person", id=2, name="小李", opens=True)
    async with Bot(TOKEN, base_url=f"{address}/bot") as bot:
        button = InlineKeyboardButton("接单", callback_data="1")
        await bot.send_message(2, "派单", reply_markup=InlineKeyboardMarkup([[button]]))
        card = control("hears", person=2, text="派单")
        assert card["labels"] == ["接单"]
        query = control("taps", person=2, label="接单")
        await bot.answer_callback_query(query, "好的")
        assert control("answers", person=2)[0]["text"] == "好的"


async def test_trouble_can_be_planned_over_http(address, control):
    control("person", id=3, name="小赵", opens=True)
    control("fail", method="sendMessage", code="drop", before=False)
    async with Bot(TOKEN, base_url=f"{address}/bot") as bot:
        with pytest.raises(NetworkError):
            await bot.send_message(3, "一次")
    assert [seen["text"] for seen in control("sees", person=3)] == ["一次"]


async def test_its_time_can_be_put_forward(address, control):
    control("person", id=4, name="小钱", opens=True)
    query = control("presses", person=4, message=1, data="x")
    control("advance", seconds=150)
    async with Bot(TOKEN, base_url=f"{address}/bot") as bot:
        with pytest.raises(BadRequest, match="Query is too old"):
            await bot.answer_callback_query(query)


async def test_somebody_can_block_over_http(address, control):
    control("person", id=5, name="小孙", opens=True)
    control("blocks", person=5)
    async with Bot(TOKEN, base_url=f"{address}/bot") as bot:
        with pytest.raises(Forbidden):
            await bot.send_message(5, "x")


def test_an_unknown_verb_lists_the_known_ones(control):
    response = control.client.post("dance", json={})
    assert response.status_code == 404
    assert "hears" in response.json()["verbs"]
