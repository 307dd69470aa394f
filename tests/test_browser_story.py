"""A newcomer in a browser: the story on the trial page, and the picture for the README."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.trial.desk import TrialProgram
from core.words import label, say
from tests.browser import chromium, page_in
from tests.extent import EVERYTHING

PICTURE = os.environ.get("PAIDAN_PICTURE")  # where to put the README's picture
PATIENCE = 40_000  # milliseconds, on a machine that is busy with other tests
WORDS = {"zh": "zh_CN", "en": "en"}
REPORTS = {"zh": "打印机卡纸 三楼财务", "en": "Paper jam, finance on floor 3"}
A_RESULT = {"zh": "示例照片", "en": "Sample voice"}
RESULTS = {"zh": "换了搓纸轮，试打三张正常", "en": "New feed roller, three test pages are fine"}
NUMBER = "100014"  # of the first ticket on a fresh desk
CHINESE = re.compile(r"[\u4e00-\u9fff]")

both_or_chinese = pytest.mark.parametrize("language", ["zh", "en"] if EVERYTHING else ["zh"])
both_or_english = pytest.mark.parametrize("language", ["zh", "en"] if EVERYTHING else ["en"])
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


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
        await self.key(seat, action, arg).click()

    async def sees(self, seat: str, action: str, arg: str = "") -> None:
        await self.key(seat, action, arg).wait_for()

    async def loses(self, seat: str, action: str, arg: str = "") -> None:
        """No message on the telephone has that button any more."""
        words = label(action, arg, WORDS[self.language])
        keys = self.shown.locator(f".seat.{seat} .key", has_text=words)
        await keys.first.wait_for(state="detached")

    async def reads(self, seat: str, text: str) -> str:
        """The newest message of the desk that holds these words, whole."""
        found = self.shown.locator(f".seat.{seat} .message:not(.mine)", has_text=text).last
        await found.wait_for()
        return str(await found.inner_text())

    async def hears(self, seat: str, kind: str, **slots: object) -> str:
        """The sentence of that kind up to its first slot that is not given."""
        said = say(kind, {"number": NUMBER, **slots}, language=WORDS[self.language])
        return await self.reads(seat, said.splitlines()[0])

    async def reaches(self, step: str) -> None:
        """The line of steps stands at this one."""
        await self.shown.locator(f"#steps li[data-step={step}].now").wait_for()

    async def moves_on(self, button: str) -> None:
        await self.shown.locator(f".forward {button}").click()
        await self.shown.locator("#clock:not(.moving)").wait_for()

    async def attaches(self, seat: str, tool: str) -> None:
        await self.shown.locator(f".seat.{seat} .tool.attach").click()
        await self.shown.locator(f".seat.{seat} .popover button", has_text=tool).click()

    async def is_shown(self, seat: str, sample: str) -> None:
        """What somebody else attached has come to this telephone."""
        what = ".voice" if sample in {"示例语音", "Sample voice"} else "img.photo"
        await self.shown.locator(f".seat.{seat} .message:not(.mine):has({what})").last.wait_for()

    async def plays(self, seat: str, name: str) -> None:
        """Take up the telephone of somebody else of that seat."""
        picker = self.shown.locator(f".seat.{seat} select")
        option = picker.locator("option", has_text=name)  # its words count what nobody read yet
        await picker.select_option(value=await option.get_attribute("value"))

    async def is_writing(self, seat: str, text: str = "…") -> None:
        """A telephone in use is not taken out of one's hand when another rings."""
        await self.shown.locator(f".seat.{seat} textarea").fill(text)

    async def answers_the_ring(self, seat: str) -> None:
        """Look at whose telephone is said to ring."""
        await self.shown.locator(f".seat.{seat} .rings button").last.click()

    async def is_refused(self, seat: str) -> str:
        """What a press is answered that came too late: it stays until it is read."""
        alert = self.shown.locator(f".seat.{seat} .alert")
        await alert.wait_for()
        words = str(await alert.locator("p").inner_text())
        await alert.locator("button").click()
        return words

    async def presses_are_held(self, until: Callable[[], Awaitable[object]]) -> None:
        """The next press stays on its way until then, as on a poor network."""

        async def on_its_way(route: Any) -> None:
            await until()
            await route.continue_()

        await self.shown.route("**/trial/api/tap", on_its_way, times=1)

    @asynccontextmanager
    async def colleague(self) -> AsyncIterator["Newcomer"]:
        """Somebody at a second screen."""
        page = await self.shown.context.new_page()
        await page.goto(self.shown.url)
        yield Newcomer(page, self.language)
        await page.close()

    def key(self, seat: str, action: str, arg: str = "") -> Any:
        words = label(action, arg, WORDS[self.language])
        return self.shown.locator(f".seat.{seat} .key", has_text=words).last

    async def gets_the_job_started(self) -> None:
        await self.says("staff", REPORTS[self.language])
        await self.sees("staff", "not_a_fault")
        await self.moves_on(".next")
        await self.sees("engineer", "accept")


WhoSpeaks = Callable[[str], AbstractAsyncContextManager[Newcomer]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Any]:
    async with chromium() as started:
        yield started


@pytest.fixture
def newcomer_who_speaks(browser: Any, tmp_path: Path) -> WhoSpeaks:
    """A trial desk of their own, and a browser that never saw it."""

    @asynccontextmanager
    async def newcomer(language: str) -> AsyncIterator[Newcomer]:
        async with (
            TrialProgram(tmp_path) as trial,
            page_in(browser, trial.program.server.address, language) as shown,
        ):
            yield Newcomer(shown, language)

    return newcomer


@both_or_chinese
async def test_a_newcomer_plays_the_story(newcomer_who_speaks: WhoSpeaks, language: str) -> None:
    async with newcomer_who_speaks(language) as newcomer:
        await newcomer.gets_the_job_started()
        await newcomer.presses("engineer", "decline")
        await newcomer.presses("engineer", "decline", "location")
        await newcomer.loses("engineer", "decline", "location")  # another telephone rings instead
        await newcomer.presses("engineer", "accept")
        await newcomer.presses("engineer", "depart")
        picker = newcomer.shown.locator(".seat.engineer select")
        engineer = await picker.input_value()
        await newcomer.reaches("arrive")
        if PICTURE and language == "zh":
            await _picture(newcomer, PICTURE)
        await newcomer.attaches("engineer", {"zh": "示例位置", "en": "Sample location"}[language])
        await newcomer.presses("engineer", "resolve")
        await newcomer.sees("engineer", "resolve", "replaced")
        await newcomer.says("engineer", RESULTS[language])
        assert RESULTS[language] in await newcomer.hears(
            "staff", "resolved_check", result=RESULTS[language]
        )
        await newcomer.loses("engineer", "resolve", "replaced")  # the question is answered
        await newcomer.is_writing("engineer")
        await newcomer.presses("staff", "not_solved")
        await newcomer.hears("staff", "not_solved_received")
        await newcomer.answers_the_ring("engineer")  # the expert's telephone rings, too
        await picker.select_option(value=engineer)
        await newcomer.is_writing("engineer", "")
        await newcomer.presses("engineer", "dispatch", "again")
        await newcomer.presses("engineer", "accept")
        await newcomer.presses("engineer", "arrive")
        await newcomer.presses("engineer", "resolve")
        await newcomer.attaches("engineer", A_RESULT[language])  # says it without a word
        crossing = asyncio.Event()
        await newcomer.presses_are_held(crossing.wait)
        await newcomer.presses("staff", "not_solved")
        await newcomer.presses("staff", "confirm")
        await newcomer.reaches("survey")
        crossing.set()
        closed = {"status": "closed", "action": "not_solved"}
        assert await newcomer.is_refused("staff") == say(
            "refused_illegal_move", closed, language=WORDS[language], context="toast"
        )
        await newcomer.is_shown("staff", A_RESULT[language])
        await newcomer.moves_on("[data-to=workday]")
        await newcomer.presses("staff", "rate", "5")
        await newcomer.shown.locator("#steps li.past").nth(6).wait_for()


TYPED = {
    "zh": {"accept": "接单", "cancel": "取消", "language": "/lang English", "more": "还有异响"},
    "en": {"accept": "accept", "cancel": "cancel", "language": "/lang 中文", "more": "noisy, too"},
}


@both_or_english
async def test_everything_can_be_typed(newcomer_who_speaks: WhoSpeaks, language: str) -> None:
    typed, words = TYPED[language], WORDS[language]
    async with newcomer_who_speaks(language) as newcomer:
        await newcomer.says("staff", "/help")
        await newcomer.reads("staff", "/status 100427")
        await newcomer.says("staff", "1")  # answers nothing, so it is no report
        await newcomer.reads("staff", say("home", {}, language=words).splitlines()[1])
        await newcomer.says("staff", f"/new {REPORTS[language]}")
        await newcomer.sees("staff", "not_a_fault")
        mine = newcomer.shown.locator(".seat.staff .message.mine").last
        await mine.hover()
        await mine.locator(".tools button").nth(1).click()  # a word is put right
        await newcomer.says("staff", f"{REPORTS[language]} {typed['more']}")
        await newcomer.reads("staff", typed["more"])
        await newcomer.moves_on(".next")
        await newcomer.sees("engineer", "accept")
        await newcomer.says("engineer", f"{typed['accept']} {NUMBER}")
        await newcomer.hears("engineer", "job_taken")
        for command in ("/my", f"/status {NUMBER}"):
            await newcomer.says("staff", command)
        await newcomer.says("staff", f"/why {NUMBER}")
        story = await newcomer.hears("staff", "story", lines="…")
        if language == "en":
            assert not CHINESE.search(story), story
        await newcomer.says("staff", typed["language"])  # the card on the telephone follows
        newcomer.language = "en" if language == "zh" else "zh"
        await newcomer.sees("staff", "ask_cancel")
        await newcomer.loses("staff", "not_a_fault")
        await newcomer.says("staff", typed["cancel"])
        await newcomer.hears("staff", "cancel_passed_on")
        newcomer.language = language
        await newcomer.presses("supervisor", "cancel")
        await newcomer.hears("engineer", "job_cancelled")


@both_or_chinese
async def test_while_nobody_accepts_the_supervisor_can_do_something(
    newcomer_who_speaks: WhoSpeaks, language: str
) -> None:
    async with newcomer_who_speaks(language) as newcomer:
        await newcomer.gets_the_job_started()
        await newcomer.moves_on("[data-minutes='30']")
        await newcomer.reads("supervisor", "⚠️")  # the service desk is warned before it is late
        await newcomer.sees("supervisor", "acknowledge")
        await newcomer.answers_the_ring("supervisor")
        picked = newcomer.shown.locator(".seat.supervisor select option:checked")
        assert {"zh": "赵红", "en": "Zhao Hong"}[language] in await picked.inner_text()
        await newcomer.reads("supervisor", "🚨")  # and the supervisor of the breach
        await newcomer.presses("supervisor", "call_engineer")
        number = newcomer.shown.locator(".seat.supervisor a[href^='tel:+86']").last
        # at once: a newer message may be the last one a moment later
        text, href = await number.evaluate("a => [a.innerText, a.getAttribute('href')]")
        assert text == href.removeprefix("tel:")
        await newcomer.presses("supervisor", "acknowledge")
        await newcomer.reads("supervisor", "👌")
        await newcomer.presses("supervisor", "reassign")
        chosen = {"zh": "陈国栋", "en": "Chen Guodong"}[language]
        await newcomer.plays("engineer", chosen)
        await newcomer.shown.locator(".seat.supervisor .key", has_text=chosen).last.click()
        await newcomer.presses("engineer", "accept")
        await newcomer.sees("engineer", "depart")


async def test_of_two_presses_at_once_one_wins_and_the_other_is_told_who(
    newcomer_who_speaks: WhoSpeaks,
) -> None:
    async with newcomer_who_speaks("zh") as newcomer, newcomer.colleague() as colleague:
        await newcomer.says("staff", "天河 打印机卡纸")
        await newcomer.sees("staff", "not_a_fault")
        await newcomer.moves_on(".next")
        await newcomer.says("supervisor", f"启动应急 {NUMBER}")  # rings everybody who is fit
        hands = {"陈国栋": newcomer, "梁志明": colleague}
        pressed = asyncio.Barrier(len(hands))
        for name, hand in hands.items():
            await hand.is_writing("engineer")
            await hand.plays("engineer", name)
            await hand.sees("engineer", "accept")
            await hand.presses_are_held(pressed.wait)
        async with asyncio.TaskGroup() as at_once:
            for hand in hands.values():
                at_once.create_task(hand.presses("engineer", "accept"))
        told = {name: asyncio.create_task(h.is_refused("engineer")) for name, h in hands.items()}
        (late,), _ = await asyncio.wait(told.values(), return_when=asyncio.FIRST_COMPLETED)
        (winner,) = (name for name, task in told.items() if task is not late)
        told[winner].cancel()
        assert winner in await late
        await hands[winner].sees("engineer", "depart")


async def test_a_job_for_the_telephone_rings_the_remote_agent(
    newcomer_who_speaks: WhoSpeaks,
) -> None:
    async with newcomer_who_speaks("zh") as newcomer:
        await newcomer.says("staff", "Outlook 打不开，提示要输入密码")
        await newcomer.sees("staff", "not_a_fault")
        await newcomer.moves_on(".next")
        await newcomer.presses("engineer", "accept")
        picked = newcomer.shown.locator(".seat.engineer select option:checked")
        assert "远程" in await picked.inner_text()
        await newcomer.presses("engineer", "offer_remote")
        await newcomer.presses("staff", "start_remote", "agreed")
        await newcomer.sees("staff", "end_remote")


async def test_a_voice_message_and_an_album_are_reports(newcomer_who_speaks: WhoSpeaks) -> None:
    sample = Path(__file__).parent.parent / "bot/trial/static/sample.png"
    async with newcomer_who_speaks("zh") as newcomer:
        await newcomer.attaches("staff", "示例语音")
        await newcomer.sees("staff", "not_a_fault")
        await newcomer.presses("staff", "cancel")
        await newcomer.loses("staff", "not_a_fault")
        await newcomer.shown.locator(".seat.staff input[type=file]").set_input_files([sample] * 3)
        await newcomer.sees("staff", "not_a_fault")
        assert await newcomer.shown.locator(".seat.staff .message:has(img.photo)").count() == 3
        cards = newcomer.shown.locator(".seat.staff .message:not(.mine)", has_text="✅ 已受理")
        assert await cards.count() == 1


async def test_the_telephone_that_rings_is_shown(newcomer_who_speaks: WhoSpeaks) -> None:
    async with newcomer_who_speaks("zh") as newcomer:
        picker = newcomer.shown.locator(".seat.engineer select")
        before = await picker.input_value()
        await newcomer.plays("staff", "唐薇")
        await newcomer.says("staff", "收款机开不了机 黑屏 客人排队 急")
        await newcomer.sees("engineer", "accept")
        assert await picker.input_value() != before


async def _picture(newcomer: Newcomer, path: str) -> None:
    """Three telephones with something on each: the README shows this."""
    await newcomer.sees("supervisor", "reassign")
    await newcomer.shown.locator(".toast").last.wait_for(state="detached")
    await newcomer.shown.screenshot(path=path)
