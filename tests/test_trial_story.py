"""The story as a newcomer plays it: the real program, three telephones, both languages."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.trial.botapi import Person, Seen
from bot.trial.desk import TrialProgram, next_morning, opening
from core.sla.calendars import shipped
from core.words import label
from tests.extent import EVERYTHING

PATIENCE = 40.0  # seconds, on a machine that is busy with other tests


class Phones:
    """The telephones of the example desk, by English name."""

    def __init__(self, trial: TrialProgram) -> None:
        self.trial = trial

    def of(self, name: str) -> Person:
        found = next(p for p in self.trial.world.people if p.name["en"] == name)
        language = "zh-hans" if found.language == "zh" else "en"
        return self.trial.api.person(found.telegram_id, found.name[found.language], language)

    async def ringing(self, button: str) -> tuple[Person, Seen]:
        """Whoever sees that button now."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for somebody in self.trial.world.people:
                    person = self.of(somebody.name["en"])
                    for seen in reversed(person.sees()):
                        if seen.from_bot and button in seen.labels:
                            return person, seen
                await asyncio.sleep(0.1)


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[TrialProgram]:
    async with TrialProgram(tmp_path) as running:
        running.api.rates.enforced = False
        yield running


REPORTS = {
    "zh": "珠海香洲店 收款机开不了机 黑屏 客人排队 急",
    "en": "till is dead, black screen, customers waiting, Zhuhai Xiangzhou",
}


@pytest.mark.parametrize("language", ["zh", "en"] if EVERYTHING else ["en"])
async def test_from_one_message_to_five_stars(trial: TrialProgram, language: str) -> None:
    phones, words = Phones(trial), {"zh": "zh_CN", "en": "en"}[language]
    await trial.world.speak(language)  # type: ignore[arg-type]
    user = phones.of("Tang Wei")
    user.says(REPORTS[language])
    engineer, card = await phones.ringing(label("accept", "", words))
    assert card.text
    await user.hears(button=label("urge", "", words), timeout=PATIENCE)
    await engineer.taps(label("accept", "", words)).answered(PATIENCE)
    for action in ("depart", "arrive", "resolve"):
        engineer, _ = await phones.ringing(label(action, "", words))
        await engineer.taps(label(action, "", words)).answered(PATIENCE)
    engineer, _ = await phones.ringing(label("resolve", "replaced", words))
    await engineer.taps(label("resolve", "replaced", words)).answered(PATIENCE)
    await user.hears(button=label("confirm", "", words), timeout=PATIENCE)
    await user.taps(label("confirm", "", words)).answered(PATIENCE)
    await trial.world.advance(timedelta(days=4))
    await user.hears(button=label("rate", "5", words), timeout=PATIENCE)
    await user.taps(label("rate", "5", words)).answered(PATIENCE)
    assert await trial.world.story() == "end"


OFFICE = shipped()["working_days"]


def here(wall: str) -> datetime:
    return OFFICE.at(datetime.fromisoformat(wall))


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-23 11:20", "2026-11-23 11:20"),  # a Monday
        ("2026-11-23 03:00", "2026-11-23 10:00"),
        ("2026-11-23 16:30", "2026-11-24 10:00"),
        ("2026-11-27 19:00", "2026-11-30 10:00"),
        ("2026-10-03 12:00", "2026-10-08 10:00"),  # National Day's week
    ],
)
def test_a_trial_begins_while_engineers_are_on(now: str, begins: str) -> None:
    assert opening(OFFICE, here(now)) == here(begins)


def test_the_next_morning_is_never_today() -> None:
    early = here("2026-11-23 03:00")
    assert next_morning(OFFICE, early) == here("2026-11-24 10:00")


async def test_a_waiting_browser_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with TrialProgram(tmp_path) as trial:
        someone = trial.world.people[0].telegram_id
        path = f"{trial.program.server.address}/trial/api/events?phones={someone}"
        async with httpx.AsyncClient(timeout=PATIENCE) as browser:
            news = (await browser.get(path)).json()
            waiting = f"{path}&session={news['session']}&since={news['version'] + 99}"
            poll = asyncio.create_task(browser.get(waiting))
            await asyncio.sleep(0.2)
            trial.api.close()
            assert (await poll).status_code == 204
