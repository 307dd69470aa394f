"""The clocks on real tickets: deadlines, warnings, breaches, verdicts (R-058 to R-063)."""

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files

import pytest

from core.lifecycle import ASIDE
from core.ports import Tx
from core.rows import VerdictRow
from core.sla.errors import SlaRefusal
from core.sla.policy import load
from core.sla.verdict import Outcome
from core.ticket import broken_link
from core.verdicts import correct, standing
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


async def test_a_warning_is_a_line_of_the_journal_that_says_who_was_told(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=31)
    number = (await desk.latest()).number
    journal = await desk.journal(number)
    lines = [step for step in journal if step.action == "warn"]
    breach = [step for step in lines if step.detail["alarm"] == "breach"]
    assert [(step.detail["milestone"], step.actor_role) for step in breach] == [
        ("phone_answer", "system")
    ]
    assert "zhao.hong" in str(breach[0].detail["told"]).split()
    assert broken_link(journal, (await desk.ticket(number)).head) is None


async def test_a_wall_clock_put_back_after_a_warning_does_not_turn_the_journal_back(
    desk: Scenario,
) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=31)
    number = (await desk.latest()).number
    desk.moment -= timedelta(hours=1)
    await desk.does("wen.ting", "call", number)
    times = [step.entered_at for step in await desk.journal(number)]
    assert times == sorted(times)


async def test_a_warning_is_no_activity_that_a_new_message_would_join(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    before = (await desk.latest()).changed_at
    await desk.time_passes(minutes=16)
    after = await desk.latest()
    steps = await desk.journal(after.number)
    assert "warn" in [step.action for step in steps]
    done = [step.entered_at for step in steps if step.action not in ASIDE]
    assert after.changed_at == max(done) >= before
    assert steps[-1].action in ASIDE


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


async def rows_of(desk: Scenario, milestone: str) -> list[VerdictRow]:
    return await desk.desk.store.read(
        lambda tx: tx.find(VerdictRow, order="id", milestone=milestone)
    )


async def test_a_late_entry_keeps_both_times_and_counts_from_its_own(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=1)
    said = desk.moment.astimezone(desk.desk.rules.zone)
    await desk.time_passes(hours=4)
    await desk.does(engineer, "arrive", number, f"{said:%H:%M}")
    step = (await desk.journal(number))[-1]
    assert step.at == said.replace(second=0, microsecond=0)
    assert step.entered_at == desk.moment
    last = (await rows_of(desk, "onsite_arrival"))[-1]
    assert last.outcome == "met"
    assert last.claimed_seconds > 4 * 3600 - 60


async def test_a_late_entry_counts_only_once_a_supervisor_accepts_it(desk: Scenario) -> None:
    desk.desk.rules = replace(desk.desk.rules, claims_need_approval=True)
    number, engineer = await accepted(desk)
    said = desk.moment.astimezone(desk.desk.rules.zone) + timedelta(hours=1)
    await desk.time_passes(hours=5)
    await desk.does(engineer, "arrive", number, f"{said:%H:%M}")
    assert (await rows_of(desk, "onsite_arrival"))[-1].outcome == "broken"
    asked = desk.last("zhao.hong", "claim_to_accept")
    await desk.does("zhao.hong", "accept_claim", number, asked.choices[0].arg)
    last = (await rows_of(desk, "onsite_arrival"))[-1]
    assert (last.outcome, last.who, last.why) == ("met", "zhao.hong", "claim")


async def test_nothing_can_have_happened_before_the_report(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    outcome = await desk.does(engineer, "arrive", number, "昨天 17:30")
    assert outcome.kind == "refused_missing"


async def test_a_typed_time_is_the_promise(desk: Scenario) -> None:
    number = await dispatched(desk)
    at = (desk.moment + timedelta(hours=2)).astimezone(desk.desk.rules.zone)
    await desk.does("zhao.hong", "acknowledge", number, f"{at:%H:%M}")
    promised = (await desk.journal(number))[-1].detail["promised"]
    assert datetime.fromisoformat(str(promised)) == at.replace(second=0, microsecond=0)


async def test_a_promise_that_fails_wakes_the_alarm_once(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    await desk.time_passes(minutes=16)
    await desk.does("zhao.hong", "acknowledge", number)
    await desk.time_passes(minutes=31)
    assert desk.heard("zhao.hong").count("sla_promise_failed") == 1


async def test_a_correction_is_a_further_row_that_says_who_and_why(desk: Scenario) -> None:
    await resolved(desk)
    (row,) = await rows_of(desk, "onsite_arrival")

    def turn_round(tx: Tx) -> VerdictRow:
        return correct(tx, row.id, Outcome.BROKEN, who="he.min", why="wrong door", now=desk.moment)

    await desk.desk.store.write(turn_round)
    rows = await rows_of(desk, "onsite_arrival")
    assert rows[0] == row
    assert [(r.outcome, r.who) for r in standing(rows)] == [("broken", "he.min")]


async def test_a_correction_without_a_reason_is_refused(desk: Scenario) -> None:
    await resolved(desk)
    (row,) = await rows_of(desk, "onsite_arrival")
    with pytest.raises(SlaRefusal):
        await desk.desk.store.write(
            lambda tx: correct(tx, row.id, Outcome.MET, who="he.min", why=" ", now=desk.moment)
        )


async def test_a_later_policy_changes_no_verdict(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    before = await rows_of(desk, "onsite_arrival")
    text = files("core.sla").joinpath("data/policy.toml").read_text("utf-8")
    text = text.replace('version = "1"', 'version = "2"').replace('target = "3h"', 'target = "1m"')
    desk.desk.policies = (load(text), *desk.desk.policies)
    await desk.does("tang.wei", "not_solved", number)
    assert await rows_of(desk, "onsite_arrival") == before


async def test_the_call_back_stops_when_the_desk_has_called(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("wen.ting", "callback_done", number)
    assert (await verdicts(desk))[("callback", 1)] == ["met"]


async def test_nobody_is_warned_at_the_moment_of_reopening(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.time_passes(days=1)
    before = desk.heard("zhao.hong").count("sla_breach")
    await desk.does("tang.wei", "not_solved", number)
    assert desk.heard("zhao.hong").count("sla_breach") == before


async def test_a_priority_that_comes_too_late_is_said_once_and_has_no_ladder(
    desk: Scenario,
) -> None:
    await desk.hears("xu.lan", "天河 门店扫描枪扫不到码 请到现场看看")
    await desk.time_passes(minutes=1)
    number = (await desk.latest()).number
    if (await desk.ticket(number)).status == "new":
        await desk.does("wen.ting", "triage", number, "onsite")
    await desk.time_passes(minutes=100)
    await desk.does("wen.ting", "set_priority", number, "P1")
    told = [
        letter.params["milestone"]
        for letter in desk.letters("zhao.hong", "telegram")
        if letter.kind == "sla_late_on_attach"
    ]
    assert told.count("onsite_arrival") == 1
