"""Jobs that nobody took are asked for again as soon as somebody is free, most urgent first."""

from datetime import timedelta

from core.people import Person
from core.ports import Tx
from core.register import CHANGES
from core.ticket import Offer
from tests.scenario import Scenario
from tests.test_story import DEAD_TILL, PAPER, accepted, asked

NEW = {"new": "yes"}


async def waiting(desk: Scenario, text: str, who: str = "tang.wei") -> str:
    """A report that everybody who could go was silent about."""
    await desk.hears(who, text, detail=NEW)
    return (await desk.latest()).number


async def offers(desk: Scenario) -> list[Offer]:
    return await desk.desk.store.read(lambda tx: tx.find(Offer, order="id"))


async def test_whoever_becomes_free_is_asked_for_the_oldest_deadline_first(desk: Scenario) -> None:
    held, engineer = await accepted(desk)
    await desk.does(engineer, "arrive", held)
    later = await waiting(desk, "珠海香洲店 打印机卡纸")
    urgent = await waiting(desk, DEAD_TILL)
    await desk.time_passes(hours=2)
    while any(offer.state == "open" for offer in await offers(desk)):
        await desk.time_passes(minutes=5)
    before = await offers(desk)
    await desk.does(engineer, "resolve", held, "fixed")
    await desk.time_passes(seconds=1)
    fresh = (await offers(desk))[len(before) :]
    numbers = {(await desk.ticket(n)).id: n for n in (later, urgent)}
    assert [numbers[offer.ticket_id] for offer in fresh] == [urgent, later]


async def test_nobody_is_asked_again_while_nobody_became_free(desk: Scenario) -> None:
    await waiting(desk, DEAD_TILL)
    await desk.time_passes(hours=1)
    before = len(await offers(desk))
    await desk.time_passes(minutes=1)
    assert len(await offers(desk)) == before


async def test_the_choice_is_kept_with_its_parts_and_everybody_passed_over(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(minutes=1)
    offer = (await offers(desk))[-1]
    assert {"routing", "travel", "waiting"} <= set(offer.score)
    assert offer.passed_over["zhou.min"] == "other_place"
    assert await asked(desk, (await desk.latest()).number) not in offer.passed_over


async def test_who_goes_home_between_two_reports_is_passed_over_in_the_second(
    desk: Scenario,
) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    by_day = (await offers(desk))[-1]
    await desk.time_passes(hours=13)
    await desk.hears("xu.lan", DEAD_TILL)
    at_night = (await offers(desk))[-1]
    assert "zhou.min" not in by_day.passed_over
    assert at_night.passed_over["zhou.min"] == "off_duty"


async def test_why_names_the_parts_and_the_passed_over(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(minutes=1)
    await desk.asks("zhao.hong", "why", (await desk.latest()).number)
    told = str(desk.last("zhao.hong", "story").params["lines"])
    assert "周敏" in told
    assert "term." not in told


async def test_a_category_asks_for_the_skill_that_the_desk_knows(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    best = await asked(desk, (await desk.latest()).number)

    def forget(tx: Tx) -> None:
        person = tx.first(Person, code=best)
        assert person is not None
        tx.update(person, skills=("printer",))
        tx.next(CHANGES)

    await desk.desk.store.write(forget)
    await desk.hears("tang.wei", DEAD_TILL, detail=NEW)
    assert (await offers(desk))[-1].passed_over[best] == "lacks_skill"


async def all_night(desk: Scenario) -> list[str]:
    """Who is asked, in turn, from the evening on, while nobody answers."""
    await waiting(desk, DEAD_TILL)
    await desk.time_passes(hours=12)
    staff = await desk.desk.store.read(lambda tx: desk.desk.register.open(tx).staff)
    return [str(staff[offer.person_id].code) for offer in await offers(desk)]


async def test_the_supervisor_hears_once_that_nobody_accepts_and_once_that_nobody_is_left(
    desk: Scenario,
) -> None:
    await all_night(desk)
    heard = desk.heard("zhao.hong")
    assert (heard.count("nobody_accepts"), heard.count("nobody_to_ask")) == (1, 1)


async def test_a_second_pass_asks_everybody_again_in_turn(desk: Scenario) -> None:
    asked_in_turn = await all_night(desk)
    first = asked_in_turn[: asked_in_turn.index(asked_in_turn[0], 1)]
    assert len(first) > 2
    assert set(asked_in_turn[len(first) : 2 * len(first)]) == set(first)


async def test_after_a_pass_in_vain_there_is_a_pause(desk: Scenario) -> None:
    asked_in_turn = await all_night(desk)
    made = await offers(desk)
    second = asked_in_turn.index(asked_in_turn[0], 1)
    silent_until = made[second - 1].answered_at
    assert silent_until is not None
    assert made[second].offered_at - silent_until == timedelta(minutes=10)


async def test_each_step_of_the_ladder_is_stamped_with_who_was_told(desk: Scenario) -> None:
    await all_night(desk)
    told = {
        str(step.detail["alarm"]): step.detail["told"]
        for step in await desk.journal()
        if step.action == "chase"
    }
    assert told.keys() == {"offer_reminder", "nobody_accepts", "nobody_to_ask"}
    assert told["nobody_accepts"] == "zhao.hong"
