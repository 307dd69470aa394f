"""The story as a newcomer plays it: the real program, three telephones, both languages."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.trial.botapi import Person, Seen
from bot.trial.desk import TrialProgram
from core.words import label

PATIENCE = 20.0  # seconds, on a machine that is busy with other tests


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


@pytest.mark.parametrize("language", ["zh", "en"])
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
