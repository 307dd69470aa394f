"""The clocks on real tickets: deadlines, warnings, breaches, verdicts (R-058 to R-063)."""

from datetime import timedelta

from core.rows import VerdictRow
from tests.scenario import Scenario
from tests.test_story import DEAD_TILL, accepted, asked, dispatched, resolved


async def verdicts(desk: Scenario) -> dict[tuple[str, int], list[str]]:
    rows = await desk.desk.store.read(lambda tx: tx.find(VerdictRow, order="id"))
    found: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        found.setdefault((row.milestone, row.cycle), []).append(row.outcome)
    return found


async def test_the_arrival_clock_starts_when_the_engineers_telephone_has_the_offer(
    desk: Scenario,
) -> None:
    number = await dispatched(desk)
    journal = [step.action for step in await desk.journal(number)]
    assert journal.count("offer_delivered") == 1
    ticket = await desk.ticket(number)
    assert ticket.due_at is not None
    assert ticket.due_at - ticket.opened_at <= timedelta(hours=3)  # zone C, P1


async def test_the_supervisor_is_warned_before_the_promise_is_broken(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(hours=4)
    told = [kind for kind in desk.heard("zhao.hong") if kind.startswith("sla_")]
    assert "sla_breach" in told
    assert "sla_warning" in [k for k in desk.heard("wen.ting") if k.startswith("sla_")]


async def test_a_warning_is_sent_once(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(hours=2)
    before = desk.heard("wen.ting").count("sla_warning")
    await desk.time_passes(minutes=1)
    assert desk.heard("wen.ting").count("sla_warning") == before


async def test_an_arrival_in_time_is_a_verdict(desk: Scenario) -> None:
    await resolved(desk)
    assert (await verdicts(desk))[("onsite_arrival", 1)] == ["met"]


async def test_a_late_arrival_was_broken_and_stays_so(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number)
    assert (await verdicts(desk))[("onsite_arrival", 1)] == ["broken", "broken"]


async def test_a_human_answer_that_arrived_stops_the_response_clock(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "relay", number, text="马上到")
    assert (await verdicts(desk))[("phone_answer", 1)] == ["met"]


async def test_an_automatic_answer_stops_nothing(desk: Scenario) -> None:
    await accepted(desk)
    assert ("phone_answer", 1) not in await verdicts(desk)


async def test_an_acknowledgement_with_a_promise_silences_all_levels(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=16)
    number = (await desk.latest()).number
    await desk.does("zhao.hong", "acknowledge", number)
    heard = len([k for k in desk.heard("zhao.hong") if k.startswith("sla_")])
    await desk.time_passes(minutes=20)
    assert len([k for k in desk.heard("zhao.hong") if k.startswith("sla_")]) == heard


async def test_a_downtime_is_followed_by_one_late_warning(desk: Scenario) -> None:
    await dispatched(desk)
    desk.moment += timedelta(hours=5)  # the desk was off
    await desk.settle()
    late = [x for x in desk.letters("zhao.hong", "telegram") if x.kind == "sla_breach"]
    assert len({x.params["milestone"] for x in late}) == len(late)
    assert all(x.params["late"] for x in late)


async def test_higher_priority_keeps_the_start_and_brings_the_deadline_nearer(
    desk: Scenario,
) -> None:
    await desk.hears("xu.lan", "天河 门店扫描枪扫不到码 请到现场看看")
    await desk.time_passes(minutes=1)
    ticket = await desk.latest()
    if ticket.status == "new":
        await desk.does("wen.ting", "triage", ticket.number, "onsite")
    before = (await desk.latest()).due_at
    await desk.does("wen.ting", "set_priority", ticket.number, "P1")
    after = (await desk.latest()).due_at
    assert before is not None
    assert after is not None
    assert before - after == timedelta(minutes=30)  # zone B: two hours, urgent ninety minutes
    assert await asked(desk, ticket.number)
