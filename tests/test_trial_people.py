"""What stands on whose telephone: numbers, names and languages, and nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.trial.botapi import Person, Seen
from bot.trial.desk import TrialProgram
from core.words import label

PATIENCE = 40.0  # seconds, on a machine that is busy with other tests
STRANGER = "13812345678"


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[TrialProgram]:
    async with TrialProgram(tmp_path) as running:
        running.api.rates.enforced = False
        yield running


async def showing(trial: TrialProgram, button: str, *words: str) -> tuple[Person, Seen]:
    """Whoever sees a message with that button, and these words in it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for person in trial.api.people.values():
                for seen in person.sees():
                    if button in seen.labels and all(word in seen.text for word in words):
                        return person, seen
            await asyncio.sleep(0.05)


async def test_only_who_holds_the_job_sees_a_strangers_number(trial: TrialProgram) -> None:
    assert trial.world.sms is not None
    await trial.world.sms.write(STRANGER, "", "珠海香洲店 收款机开不了机 黑屏")
    engineer, offer = await showing(trial, label("accept"))
    assert STRANGER[:3] + "****" + STRANGER[-4:] in offer.text
    assert STRANGER not in offer.text
    await engineer.taps(label("accept")).answered(PATIENCE)
    _, card = await showing(trial, label("depart"))
    assert STRANGER in card.text


async def test_a_press_on_a_card_is_answered_by_the_card_in_the_readers_language(
    trial: TrialProgram,
) -> None:
    user = trial.api.people[trial.world.people[0].telegram_id]
    user.says("珠海香洲店 收款机开不了机 黑屏 客人排队")
    engineer, _ = await showing(trial, label("accept"))
    await engineer.taps(label("accept")).answered(PATIENCE)
    _, card = await showing(trial, label("depart"))
    assert [seen.text for seen in engineer.sees() if seen.from_bot] == [card.text]
    engineer.says("/lang English")
    person, redrawn = await showing(trial, label("depart", "", "en"))
    assert person is engineer
    assert redrawn.text.splitlines()[0].startswith("🎫 Ticket")
