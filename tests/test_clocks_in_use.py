"""The contract's clocks as people meet them: who hears of what, when, and what makes it stop."""

from datetime import UTC, datetime, time

import pytest

from core import clocks
from core.errors import Undeliverable
from core.in_hand import InHand
from core.people import Person
from core.ports import Tx
from core.register import CHANGES
from core.rows import OutboxRow
from core.ticket import Ticket
from tests.scenario import Scenario
from tests.test_clocks_of_tickets import rows_of, verdicts
from tests.test_pauses import arrived
from tests.test_story import DEAD_TILL, accepted, dispatched, resolved

DEEP_NIGHT = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # three in the morning, Wednesday
RESIDENT = "珠江新城 打印机卡纸 请来看看"


def local(desk: Scenario, moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(desk.desk.rules.zone):%m-%d %H:%M}"


def told_of(desk: Scenario, who: str, milestone: str) -> list[str]:
    """Kinds of the alarms about one clock that reached somebody, in order."""
    return [
        letter.kind
        for letter in desk.letters(who, "telegram")
        if letter.params.get("milestone") == milestone
    ]


async def reading(desk: Scenario, number: str, milestone: str) -> clocks.Running:
    def read(tx: Tx) -> clocks.Running:
        ticket = tx.first(Ticket, number=number)
        assert ticket is not None
        hand = InHand(tx, desk.desk, ticket, now=desk.moment)
        return next(c for c in clocks.readings(hand) if c.milestone == milestone)

    return await desk.desk.store.read(read)


async def without_duty(desk: Scenario, *codes: str) -> None:
    """These people are on duty on Monday mornings only."""

    def body(tx: Tx) -> None:
        for code in codes:
            person = tx.first(Person, code=code)
            assert person is not None
            tx.update(person, duty=("mon 09:00-12:00",), on_call=())
        tx.next(CHANGES)

    await desk.desk.store.write(body)


# -- who is awake


async def test_at_night_with_nobody_on_duty_the_escalation_centre_hears_of_it(
    desk: Scenario,
) -> None:
    await without_duty(desk, "wen.ting", "shao.peng", "zhao.hong", "qin.yu")
    desk.moment = DEEP_NIGHT
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=16)
    assert told_of(desk, "cai.zhen", "phone_answer") == ["sla_warning"]


async def test_while_somebody_is_on_duty_the_escalation_centre_sleeps(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=16)
    assert told_of(desk, "wen.ting", "phone_answer") == ["sla_warning"]
    assert told_of(desk, "cai.zhen", "phone_answer") == []


async def test_the_escalation_centre_may_acknowledge_what_it_is_woken_for(desk: Scenario) -> None:
    await without_duty(desk, "wen.ting", "shao.peng", "zhao.hong", "qin.yu")
    desk.moment = DEEP_NIGHT
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=16)
    outcome = await desk.does("cai.zhen", "acknowledge")
    assert not outcome.refused


async def test_a_clock_that_never_rests_wakes_whoever_it_names(desk: Scenario) -> None:
    await without_duty(desk, "zhao.hong")
    desk.moment = DEEP_NIGHT
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.time_passes(minutes=31)
    assert told_of(desk, "zhao.hong", "phone_answer") == ["sla_breach"]


async def test_a_warning_of_a_resting_clock_waits_for_its_receivers_hours(desk: Scenario) -> None:
    """The resolution's half time falls on a Tuesday, when this engineer is not there."""
    number, engineer = await arrived(desk)
    await desk.does("wen.ting", "set_priority", number, "P3")
    await without_duty(desk, engineer)
    half = (await reading(desk, number, "resolution")).planned[0].at
    await desk.time_passes(seconds=(half - desk.moment).total_seconds() + 60)
    assert told_of(desk, engineer, "resolution") == []
    waiting = await _deferred(desk, engineer)
    assert [local(desk, row.next_at) for row in waiting] == ["11-30 09:00"]
    await desk.time_passes(days=7)
    assert "sla_warning" in told_of(desk, engineer, "resolution")


async def _deferred(desk: Scenario, who: str) -> list[OutboxRow]:
    person = await desk.person(who)
    rows = await desk.desk.store.read(
        lambda tx: tx.find(OutboxRow, order="id", person_id=person.id, state="pending")
    )
    return [row for row in rows if row.params.get("milestone") == "resolution"]


async def test_a_deferred_warning_is_dropped_once_it_is_no_longer_true(desk: Scenario) -> None:
    number, engineer = await arrived(desk)
    await desk.does("wen.ting", "set_priority", number, "P3")
    await without_duty(desk, engineer)
    half = (await reading(desk, number, "resolution")).planned[0].at
    await desk.time_passes(seconds=(half - desk.moment).total_seconds() + 60)
    assert await _deferred(desk, engineer)
    await desk.does(engineer, "resolve", number, "replaced")
    assert await _deferred(desk, engineer) == []
    await desk.time_passes(days=7)
    assert "sla_warning" not in told_of(desk, engineer, "resolution")


# -- where it is counted


async def visit_at(desk: Scenario, hour: int, minute: int = 0) -> str:
    """A visit to the resident's site, reported at this hour of a Tuesday."""
    day = datetime(2026, 11, 24, tzinfo=UTC).date()
    desk.moment = datetime.combine(day, time(hour, minute), desk.desk.rules.zone).astimezone(UTC)
    await desk.hears("xu.lan", RESIDENT)
    await desk.time_passes(minutes=2)
    ticket = await desk.latest()
    assert ticket.site == "GZ-ZJXC"
    return ticket.number


@pytest.mark.parametrize(
    ("hour", "rule", "calendar"), [(10, "A", "resident"), (7, "B", "field"), (20, "B", "field")]
)
async def test_the_residents_site_is_zone_a_in_the_residents_hours_and_zone_b_outside(
    desk: Scenario, hour: int, rule: str, calendar: str
) -> None:
    number = await visit_at(desk, hour)
    clock = await reading(desk, number, "onsite_arrival")
    assert (clock.attached.rule, clock.attached.clock.calendar) == (rule, calendar)


async def test_the_zone_is_that_of_the_hour_in_which_the_clock_began(desk: Scenario) -> None:
    """Reported in the resident's hours, and still open when they are over."""
    number = await visit_at(desk, 17, 50)
    await desk.time_passes(hours=2)
    assert (await reading(desk, number, "onsite_arrival")).attached.rule == "A"


# -- appointments


async def test_an_appointment_outside_the_calendars_hours_is_due_when_it_is(
    desk: Scenario,
) -> None:
    number = await visit_at(desk, 16)
    await desk.does("wen.ting", "set_appointment", number, "20:30")
    clock = await reading(desk, number, "onsite_arrival")
    assert local(desk, clock.reading.due) == "11-24 20:30"
    await desk.time_passes(hours=4, minutes=20)
    assert "sla_breach" not in told_of(desk, "zhao.hong", "onsite_arrival")
    await desk.time_passes(minutes=20)
    assert "sla_breach" in told_of(desk, "zhao.hong", "onsite_arrival")


async def test_an_appointment_that_was_kept_is_a_promise_that_was_kept(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.hears(engineer, f"约定 {number} 明天 20:30")
    assert "appointment_set" in desk.heard("tang.wei")
    await desk.time_passes(hours=34)
    await desk.does(engineer, "arrive", number)
    (row,) = await rows_of(desk, "onsite_arrival")
    assert (row.outcome, row.target_source) == ("met", "appointment")


# -- after the breach


async def test_reminders_of_a_broken_promise_have_an_end(desk: Scenario) -> None:
    await accepted(desk)
    await desk.time_passes(days=2)
    kinds = told_of(desk, "zhao.hong", "onsite_arrival")
    assert kinds == ["sla_breach"] * 4  # the breach itself, and three reminders


# -- the first human answer


async def answered(desk: Scenario) -> bool:
    return ("phone_answer", 1) in await verdicts(desk)


async def test_neither_an_assignment_nor_a_state_is_a_first_answer(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.does(engineer, "depart", number)
    await desk.does(engineer, "arrive", number)
    assert {"ticket_opened", "engineer_assigned", "engineer_en_route"} <= set(
        desk.heard("tang.wei")
    )
    assert not await answered(desk)


async def test_an_answer_counts_when_it_is_delivered_and_not_when_it_is_written(
    desk: Scenario,
) -> None:
    number, engineer = await accepted(desk)
    desk.channels["telegram"].refuses["tang.wei"] = Undeliverable("away", permanent=False)
    await desk.does(engineer, "relay", number, text="马上到")
    assert not await answered(desk)
    del desk.channels["telegram"].refuses["tang.wei"]
    await desk.time_passes(minutes=10)
    assert await answered(desk)


async def test_a_logged_answered_call_is_a_first_answer(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.does("wen.ting", "call", number, text="已电话说明")
    assert await answered(desk)


async def test_the_requesters_own_words_are_no_answer(desk: Scenario) -> None:
    number = await dispatched(desk)
    await desk.hears("tang.wei", "有人吗", thread=number)
    assert not await answered(desk)


# -- promises of people


async def test_a_typed_promise_stops_every_level_until_its_hour(desk: Scenario) -> None:
    number, _ = await accepted(desk)
    await desk.time_passes(minutes=16)
    await desk.hears("zhao.hong", f"知悉 {number} 16:00")
    assert "acknowledged" in desk.heard("zhao.hong")
    alarms = {who: _alarms(desk, who) for who in ("zhao.hong", "wen.ting", "qin.yu")}
    await desk.time_passes(hours=5, minutes=40)  # four minutes to four, with two breaches between
    assert {who: _alarms(desk, who) for who in alarms} == alarms
    await desk.time_passes(minutes=10)
    assert desk.heard("zhao.hong").count("sla_promise_failed") == 1


async def test_a_promise_that_was_kept_wakes_nobody(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(minutes=16)
    await desk.hears("zhao.hong", f"知悉 {number} 12:00")
    await desk.does(engineer, "relay", number, text="路上")
    await desk.does(engineer, "arrive", number)
    await desk.does(engineer, "resolve", number, "fixed")
    await desk.time_passes(hours=3)
    assert "sla_promise_failed" not in desk.heard("zhao.hong")


def _alarms(desk: Scenario, who: str) -> int:
    return sum(kind.startswith("sla_") for kind in desk.heard(who))


# -- a word to the user, and the day after


async def test_whoever_holds_the_job_is_reminded_to_tell_the_user_how_it_stands(
    desk: Scenario,
) -> None:
    number, engineer = await arrived(desk)
    await desk.does(engineer, "relay", number, text="正在查")
    await desk.time_passes(minutes=31)  # a P1 is owed a word every hour
    assert told_of(desk, engineer, "user_update") == ["sla_warning"]
    await desk.does(engineer, "relay", number, text="换电源")
    cycle = (await reading(desk, number, "user_update")).reading.cycle
    await desk.time_passes(minutes=20)
    assert told_of(desk, engineer, "user_update") == ["sla_warning"]
    assert cycle >= 2


async def test_the_desk_is_reminded_of_the_call_back_and_the_supervisor_hears_of_a_missed_one(
    desk: Scenario,
) -> None:
    await resolved(desk)
    await desk.time_passes(days=1, hours=12)
    desk_agents = told_of(desk, "wen.ting", "callback") + told_of(desk, "shao.peng", "callback")
    assert "sla_warning" in desk_agents
    await desk.time_passes(hours=6)
    assert "sla_breach" in told_of(desk, "zhao.hong", "callback")


async def test_the_reminder_of_a_call_back_can_be_answered_with_done(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=1, hours=12)
    letters = desk.letters("wen.ting") + desk.letters("shao.peng")
    reminder = next(x for x in letters if x.params.get("milestone") == "callback")
    assert "callback_done" in [choice.action for choice in reminder.choices]
    await desk.does("wen.ting", "callback_done", number)
    assert (await verdicts(desk))[("callback", 1)] == ["met"]


async def test_a_score_is_a_call_back_too(desk: Scenario) -> None:
    number, _ = await resolved(desk)
    await desk.does("tang.wei", "confirm", number)
    await desk.time_passes(days=1)
    await desk.does("tang.wei", "rate", number, "5")
    assert (await verdicts(desk))[("callback", 1)] == ["met"]


# -- what people say of the past


async def test_a_typed_arrival_with_an_earlier_time_counts_from_it(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    await desk.time_passes(hours=4)
    await desk.hears(engineer, f"到达 {number} 11:05")
    step = (await desk.journal(number))[-1]
    assert local(desk, step.at) == "11-23 11:05"
    assert local(desk, step.entered_at) == local(desk, desk.moment)
    assert (await rows_of(desk, "onsite_arrival"))[-1].outcome == "met"
