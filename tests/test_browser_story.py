"""A newcomer in a browser: the story on the trial page, and the picture for the README."""

import os
from pathlib import Path
from typing import Any

import pytest

from bot.trial.desk import TrialProgram
from core.words import label
from tests.browser import chromium_page

PICTURE = os.environ.get("PAIDAN_PICTURE")  # where to put the README's picture
PATIENCE = 40_000  # milliseconds, on a machine that is busy with other tests
WORDS = {"zh": "zh_CN", "en": "en"}
REPORTS = {"zh": "打印机卡纸 三楼财务", "en": "Paper jam, finance on floor 3"}


class Newcomer:
    """Somebody who plays all three telephones by reading what is on their buttons."""

    def __init__(self, shown: Any, language: str) -> None:
        self.shown, self.language = shown, language
        shown.set_default_timeout(PATIENCE)

    async def says(self, seat: str, text: str) -> None:
        box = self.shown.locator(f".seat.{seat} textarea")
        await box.fill(text)
        await box.press("Enter")

    async def presses(self, seat: str, action: str, arg: str = "") -> None:
        """The newest button of that name, once the telephone shows one."""
        await self._key(seat, action, arg).click()

    async def sees(self, seat: str, action: str) -> None:
        await self._key(seat, action).wait_for()

    async def reaches(self, step: str) -> None:
        """The line of steps stands at this one."""
        await self.shown.locator(f"#steps li[data-step={step}].now").wait_for()

    async def moves_on(self, button: str) -> None:
        await self.shown.locator(f".forward {button}").click()
        await self.shown.locator("#clock:not(.moving)").wait_for()

    def _key(self, seat: str, action: str, arg: str = "") -> Any:
        words = label(action, arg, WORDS[self.language])
        return self.shown.locator(f".seat.{seat} .key", has_text=words).last


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_newcomer_plays_the_story(tmp_path: Path, language: str) -> None:
    async with (
        TrialProgram(tmp_path) as trial,
        chromium_page(trial.program.server.address, language) as shown,
    ):
        newcomer = Newcomer(shown, language)
        await newcomer.says("staff", REPORTS[language])
        await newcomer.sees("staff", "not_a_fault")
        await newcomer.moves_on(".next")
        await newcomer.presses("engineer", "accept")
        await newcomer.presses("engineer", "depart")
        await newcomer.reaches("arrive")
        if PICTURE and language == "zh":
            await _picture(newcomer, PICTURE)
        await newcomer.presses("engineer", "arrive")
        await newcomer.presses("engineer", "resolve")
        await newcomer.presses("engineer", "resolve", "replaced")
        await newcomer.presses("staff", "confirm")
        await newcomer.reaches("survey")
        await newcomer.moves_on("[data-to=workday]")
        await newcomer.presses("staff", "rate", "5")
        await shown.locator("#steps li.past").nth(6).wait_for()


@pytest.mark.browser
async def test_the_telephone_that_rings_is_shown(tmp_path: Path) -> None:
    async with (
        TrialProgram(tmp_path) as trial,
        chromium_page(trial.program.server.address, "zh") as shown,
    ):
        newcomer = Newcomer(shown, "zh")
        picker = shown.locator(".seat.engineer select")
        before = await picker.input_value()
        await shown.locator(".seat.staff select").select_option(label="唐薇 · 报修人 · 香洲营业部")
        await newcomer.says("staff", "收款机开不了机 黑屏 客人排队 急")
        await newcomer.sees("engineer", "accept")
        assert await picker.input_value() != before


async def _picture(newcomer: Newcomer, path: str) -> None:
    """Three telephones with something on each: the README shows this."""
    await newcomer.says("supervisor", "/queue")
    await newcomer.shown.locator(
        ".seat.supervisor .message:not(.mine) .text", has_text="📋"
    ).last.wait_for()
    await newcomer.shown.locator(".toast").last.wait_for(state="detached")
    await newcomer.shown.screenshot(path=path)
