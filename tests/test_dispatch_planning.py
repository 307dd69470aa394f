"""A backlog is planned as a whole, and nothing moves before somebody says yes."""

from dataclasses import replace

from core import planning
from core.dispatch.planner import plan
from core.rows import Setting
from core.ticket import Offer, Ticket
from tests.scenario import Scenario

SITES = ("珠海香洲店", "珠海香洲店", "深圳福田店", "深圳南山店", "珠海拱北店", "深圳罗湖店")
PEOPLE = ("tang.wei", "xu.lan", "feng.lei", "pan.yue", "ou.yan", "lu.bin")


async def storm(desk: Scenario) -> list[Ticket]:
    for who, site in zip(PEOPLE, SITES, strict=True):
        await desk.hears(who, f"{site} 收款机开不了机 黑屏 客人排队 急")
    return [ticket for ticket in await desk.tickets() if ticket.status == "dispatched"]


async def proposed(desk: Scenario) -> Setting:
    kept = await desk.desk.store.read(lambda tx: tx.get(Setting, planning.NAME))
    assert kept is not None
    return kept


async def open_offers(desk: Scenario) -> dict[int, int]:
    found = await desk.desk.store.read(lambda tx: tx.find(Offer, state="open"))
    return {offer.ticket_id: offer.person_id for offer in found}


async def test_a_backlog_becomes_jobs_and_engineers(desk: Scenario) -> None:
    tickets = await storm(desk)
    backlog = await desk.desk.store.read(lambda tx: planning.read(tx, desk.desk, desk.moment))
    assert backlog is not None
    assert {job.number for job in backlog.jobs} == {ticket.number for ticket in tickets}
    best, saved = planning.reckon(backlog)
    greedy = plan(
        backlog.jobs, backlog.engineers, backlog.at, backlog.minutes, backlog.rules,
        enough=lambda: True, effort=0,
    )  # fmt: skip
    assert saved == greedy.late_minutes - best.late_minutes
    assert best.cost <= greedy.cost


async def test_a_few_jobs_need_no_plan(desk: Scenario) -> None:
    await desk.hears("tang.wei", "珠海香洲店 收款机开不了机 黑屏 客人排队 急")
    assert not await planning.propose(desk.desk)


async def worth_it(desk: Scenario) -> list[Ticket]:
    """A proposal, whatever the day's figures say."""
    tickets = await storm(desk)
    before, planning.WORTH = planning.WORTH, -1e9
    try:
        assert await planning.propose(desk.desk)
    finally:
        planning.WORTH = before
    await desk.settle()
    return tickets


async def test_a_proposal_moves_nothing_before_the_supervisor_agrees(desk: Scenario) -> None:
    await storm(desk)
    before = await open_offers(desk)
    await worth_it(desk)
    assert await open_offers(desk) == before
    assert "plan_proposed" in desk.heard("zhao.hong")


async def test_one_press_asks_whom_the_plan_names(desk: Scenario) -> None:
    await worth_it(desk)
    button = desk.last("zhao.hong", "plan_proposed").choices[0]
    await desk.does("zhao.hong", button.action, button.ticket, button.arg)
    await desk.time_passes(seconds=1)
    visits = (await proposed(desk)).value["visits"]
    assert isinstance(visits, dict)
    asked = await open_offers(desk)
    people = {code: (await desk.person(code)).id for code in visits.values()}
    for number, code in visits.items():
        assert asked[(await desk.ticket(number)).id] == people[code]


async def test_a_job_that_was_taken_meanwhile_stays_with_its_taker(desk: Scenario) -> None:
    tickets = await worth_it(desk)
    button = desk.last("zhao.hong", "plan_proposed").choices[0]
    taken = tickets[0]
    taker = (await open_offers(desk))[taken.id]
    code = await desk.desk.store.read(lambda tx: desk.desk.register.open(tx).staff[taker].code)
    await desk.does(str(code), "accept", taken.number)
    await desk.does("zhao.hong", button.action, button.ticket, button.arg)
    await desk.time_passes(seconds=1)
    assert (await desk.ticket(taken.number)).assignee_id == taker


async def test_the_same_backlog_is_not_proposed_again_at_once(desk: Scenario) -> None:
    await worth_it(desk)
    assert await desk.desk.store.read(lambda tx: planning.read(tx, desk.desk, desk.moment)) is None


async def test_a_planner_that_runs_by_itself_asks_at_once_and_tells_the_supervisor(
    desk: Scenario,
) -> None:
    desk.desk.rules = replace(desk.desk.rules, plan_by_itself=True)
    await worth_it(desk)
    visits = (await proposed(desk)).value["visits"]
    assert isinstance(visits, dict)
    asked = await open_offers(desk)
    for number, code in visits.items():
        assert asked[(await desk.ticket(number)).id] == (await desk.person(code)).id
    told = desk.last("zhao.hong", "plan_proposed")
    assert told.choices == ()
    assert told.params["saved"] is not None
