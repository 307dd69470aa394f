"""Arrival is proven where it can be, and never refused for want of a proof."""

from core import arriving
from core.messages import Inbound, Location
from core.people import Site
from core.requests import Outcome
from tests.scenario import Scenario
from tests.test_story import accepted


def said(desk: Scenario, who: str, text: str = "", place: Location | None = None) -> Inbound:
    return Inbound(
        channel="telegram",
        external_id=f"{who}{text}",
        sender=who,
        text=text,
        occurred_at=desk.moment,
        received_at=desk.moment,
        trust="proven",
        location=place,
    )


async def site_of(desk: Scenario, number: str) -> Site:
    code = (await desk.ticket(number)).site
    found = await desk.desk.store.read(lambda tx: tx.get(Site, code or ""))
    assert found is not None
    return found


async def shares(desk: Scenario, who: str, place: Location) -> Outcome | None:
    outcome = await arriving.at_location(desk.desk, said(desk, who, place=place))
    await desk.settle()
    return outcome


async def test_a_shared_location_is_the_arrival_with_its_distance_and_accuracy(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    site = await site_of(desk, number)
    assert site.lat is not None
    assert site.lon is not None
    await shares(desk, engineer, Location(latitude=site.lat, longitude=site.lon, accuracy=35.4))
    step = (await desk.journal(number))[-1]
    assert (step.action, step.detail["distance"], step.detail["accuracy"]) == ("arrive", "0", "35")


async def test_a_location_far_away_is_kept_and_blocks_nothing(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await shares(desk, engineer, Location(latitude=23.13, longitude=113.26))
    assert (await desk.ticket(number)).status == "arrived"
    assert int(str((await desk.journal(number))[-1].detail["distance"])) > 10_000


async def test_a_location_without_a_job_is_a_message_like_any_other(desk: Scenario) -> None:
    here = Location(latitude=23.13, longitude=113.26)
    assert await shares(desk, "zhou.min", here) is None
    assert await shares(desk, "tang.wei", here) is None


async def test_the_sites_sticker_is_the_arrival_there_and_nowhere_else(desk: Scenario) -> None:
    await desk.desk.store.write(arriving.give_codes)
    number, engineer = await accepted(desk)
    other = await desk.desk.store.read(lambda tx: tx.get(Site, "GZ-TH"))
    assert other is not None
    wrong = said(desk, engineer, f"/start c_{other.code_on_site}")
    assert await arriving.at_sticker(desk.desk, wrong) is None
    code = (await site_of(desk, number)).code_on_site
    await arriving.at_sticker(desk.desk, said(desk, engineer, f"/start c_{code}"))
    assert (await desk.ticket(number)).status == "arrived"


async def test_the_spoken_code_works_as_a_typed_word(desk: Scenario) -> None:
    await desk.desk.store.write(arriving.give_codes)
    number, engineer = await accepted(desk)
    code = (await site_of(desk, number)).spoken_code
    wrong = f"{(int(code) + 1) % 10_000:04}"
    assert (await desk.hears(engineer, f"到达 {number} {wrong}")).refused
    await desk.hears(engineer, f"到达 {number} {code}")
    assert (await desk.ticket(number)).status == "arrived"


async def test_codes_are_given_once_and_stay(desk: Scenario) -> None:
    first = await desk.desk.store.write(arriving.give_codes)
    codes = await desk.desk.store.read(lambda tx: [s.spoken_code for s in tx.find(Site)])
    assert first == len(codes)
    assert await desk.desk.store.write(arriving.give_codes) == 0
    assert all(len(code) == 4 and code.isdigit() for code in codes)
