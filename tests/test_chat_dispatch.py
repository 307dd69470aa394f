"""What dispatchers and engineers do in the chat: the real program and its telephones."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from bot.pictures import fonts
from bot.trial.botapi import Person
from bot.trial.desk import TrialProgram
from core import planning
from core.lifecycle import Status
from core.people import Site
from core.ports import Tx
from core.ticket import Offer, Step, Ticket
from core.words import label
from tests.test_trial_story import PATIENCE, Phones

has_typeface = pytest.mark.skipif(fonts.find() is None, reason="no typeface with Chinese")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trial(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TrialProgram]:
    """One desk for all: each test has its own people and looks at nobody else's."""
    async with TrialProgram(tmp_path_factory.mktemp("trial")) as running:
        running.api.rates.enforced = False
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def empty_desk(tmp_path: Path) -> AsyncIterator[TrialProgram]:
    """A desk of its own, for a test that keeps everybody busy or moves the time."""
    async with TrialProgram(tmp_path) as running:
        running.api.rates.enforced = False
        yield running


REPORT = "{site} 收款机开不了机 黑屏 客人排队 急"


class Visit(NamedTuple):
    engineer: Person
    user: Person
    ticket: Ticket
    site: Site


async def on_the_way(trial: TrialProgram, who: str, place: str) -> Visit:
    """Somebody reported a dead till at that site, and an engineer accepted."""
    phones, accept = Phones(trial), label("accept", "", "zh_CN")
    user = phones.of(who)
    user.says(REPORT.format(site=place))
    async with asyncio.timeout(PATIENCE):
        while True:
            for somebody in trial.world.people:
                person = phones.of(somebody.name["en"])
                card = next((s for s in reversed(person.sees()) if accept in s.labels), None)
                if card is not None and place in card.text:
                    await person.taps(accept, card).answered(PATIENCE)
                    await person.hears(button=label("arrive", "", "zh_CN"), timeout=PATIENCE)
                    found = await held_at(trial, place)
                    return Visit(person, user, *found)
            await asyncio.sleep(0.05)


async def held_at(trial: TrialProgram, place: str) -> tuple[Ticket, Site]:
    def read(tx: Tx) -> tuple[Ticket, Site]:
        site = tx.first(Site, name=place)
        assert site is not None
        ticket = tx.first(Ticket, order="-id", site=site.code)
        assert ticket is not None
        return ticket, site

    return await trial.program.store.read(read)


async def steps(trial: TrialProgram, ticket: Ticket) -> list[Step]:
    return await trial.program.store.read(
        lambda tx: tx.find(Step, order="seq", ticket_id=ticket.id)
    )


# -- pictures


@has_typeface
async def test_the_rota_of_the_week_is_a_picture_beside_who_is_on_now(trial: TrialProgram) -> None:
    boss = Phones(trial).of("Zhao Hong")
    boss.says("/duty")
    assert "赵红" in (await boss.hears("现在在岗", timeout=PATIENCE)).text
    picture = await boss.hears("值班表", timeout=PATIENCE)
    assert max(size["width"] for size in picture.raw["photo"]) > 1000


async def test_who_only_reports_sees_no_rota(trial: TrialProgram) -> None:
    user = Phones(trial).of("Tang Wei")
    user.says("/duty")
    await user.hears("没有权限", timeout=PATIENCE)
    assert not any("photo" in seen.raw for seen in user.sees())


@has_typeface
async def test_a_long_queue_is_a_picture_too(trial: TrialProgram) -> None:
    now = trial.clock.now()
    waiting = Ticket(
        id=0,
        number="",
        status=Status.NEW,
        requester_id=1,
        origin="telegram",
        site="GZ-TH",
        symptom="打印机卡纸",
        opened_at=now,
        changed_at=now,
    )

    def fill(tx: Tx) -> None:
        for n in range(9_001, 9_013):
            tx.add(replace(waiting, id=n, number=f"n{n}"))

    await trial.program.store.write(fill)
    boss = Phones(trial).of("Zhao Hong")
    boss.says("/queue")
    picture = await boss.hears("未完成", timeout=PATIENCE)
    assert "photo" in picture.raw


@has_typeface
async def test_a_sticker_comes_as_a_document_that_prints_sharp(trial: TrialProgram) -> None:
    agent = Phones(trial).of("Wen Ting")
    agent.says("/sticker 番禺营业部")
    sent = await agent.hears("A6", timeout=PATIENCE)
    assert sent.raw["document"]["file_name"] == "GZ-PY.png"


# -- arrival


async def test_a_shared_location_is_the_arrival(trial: TrialProgram) -> None:
    visit = await on_the_way(trial, "Tang Wei", "香洲营业部")
    assert visit.site.lat is not None
    assert visit.site.lon is not None
    visit.engineer.location(visit.site.lat, visit.site.lon + 0.02, 48.0)
    await visit.engineer.hears(button=label("resolve", "", "zh_CN"), timeout=PATIENCE)
    arrival = next(s for s in await steps(trial, visit.ticket) if s.action == "arrive")
    assert arrival.detail["accuracy"] == "48"
    assert 1500 < int(str(arrival.detail["distance"])) < 2500


async def test_the_scanned_sticker_is_the_arrival(trial: TrialProgram) -> None:
    visit = await on_the_way(trial, "Ou Yan", "顺德营业部")
    visit.engineer.starts(f"c_{visit.site.code_on_site}")
    await visit.engineer.hears(button=label("resolve", "", "zh_CN"), timeout=PATIENCE)
    arrival = next(s for s in await steps(trial, visit.ticket) if s.action == "arrive")
    assert arrival.detail["by"] == "sticker"


async def test_the_user_is_told_four_digits_and_the_engineer_types_them(
    trial: TrialProgram,
) -> None:
    visit = await on_the_way(trial, "Lu Bin", "罗湖营业部")
    await visit.engineer.taps(label("depart", "", "zh_CN")).answered(PATIENCE)
    await visit.user.hears(visit.site.spoken_code, timeout=PATIENCE)
    visit.engineer.says(f"到达 {visit.ticket.number} {visit.site.spoken_code}")
    await visit.engineer.hears(button=label("resolve", "", "zh_CN"), timeout=PATIENCE)
    arrival = next(s for s in await steps(trial, visit.ticket) if s.action == "arrive")
    assert arrival.detail["code"] == "site"


# -- the board


async def test_the_board_lives_in_the_group_where_the_desk_puts_it(trial: TrialProgram) -> None:
    phones = Phones(trial)
    boss, user = phones.of("Zhao Hong"), phones.of("Pan Yue")
    group = trial.api.group(-1001, "调度群", [boss, phones.of("Li Wei")])
    boss.says("/board", chat=group)
    shown = await boss.hears("待办", timeout=PATIENCE, chat=group)
    user.says(REPORT.format(site="拱北营业部"))
    edited = await boss.hears("拱北营业部", timeout=PATIENCE, chat=group)
    assert edited.id == shown.id


async def test_who_only_drives_places_no_board(trial: TrialProgram) -> None:
    engineer = Phones(trial).of("Zhou Min")
    group = trial.api.group(-1002, "闲聊", [engineer])
    engineer.says("/board", chat=group)
    engineer.says("/my")
    await engineer.hears(timeout=PATIENCE)
    assert not any(seen.from_bot for seen in group.sees())


# -- the whole backlog


async def test_the_planners_proposal_is_used_with_one_press(
    empty_desk: TrialProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = Phones(empty_desk)
    people = ("Tang Wei", "Xu Lan", "Feng Lei", "Pan Yue", "Ou Yan", "Lu Bin")
    places = ("福田营业部", "南山营业部", "吉大营业部", "禅城营业部", "三水营业部", "端州营业部")
    for who, place in zip(people, places, strict=True):
        phones.of(who).says(f"/new {REPORT.format(site=place)}")
        await phones.of(who).hears(place, timeout=PATIENCE)
    await empty_desk.world.advance(timedelta(minutes=1))
    monkeypatch.setattr(planning, "WORTH", -1e9)  # worth it, whatever the day's figures say
    assert await planning.propose(empty_desk.program.desk)
    boss, use = phones.of("Zhao Hong"), label("apply_plan", "", "zh_CN")
    await boss.hears(button=use, timeout=PATIENCE)
    await boss.taps(use).answered(PATIENCE)
    await empty_desk.world.advance(timedelta(seconds=5))

    def by_hand(tx: Tx) -> int:
        return tx.count(Offer, step="manual", state="open")

    assert await empty_desk.program.store.read(by_hand) >= planning.MANY_JOBS
