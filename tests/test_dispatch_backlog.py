"""Jobs that nobody took are asked for again as soon as somebody is free, most urgent first."""

from core import enquiries
from core.messages import Inbound
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


async def test_why_names_the_parts_and_the_passed_over(desk: Scenario) -> None:
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(minutes=1)
    question = Inbound(
        channel="telegram",
        external_id="w1",
        sender="zhao.hong",
        text=(await desk.latest()).number,
        occurred_at=desk.moment,
        received_at=desk.moment,
        trust="proven",
    )
    await enquiries.enquire(desk.desk, "why", question)
    await desk.settle()
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
