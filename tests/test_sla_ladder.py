"""Warnings: in calendar time, up the ladder, each once, and silent while a promise holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sla.calendar import Calendar
from core.sla.calendars import calendar_of
from core.sla.clock import Clock, Mark, read
from core.sla.ladder import (
    Kind,
    Warning,
    moment_in,
    promise_in,
    read_line,
    to_send,
    warnings,
    written,
)
from core.sla.policy import Facts, shipped_policy

OFFICE = calendar_of("mon-fri 09:00-12:00 13:30-18:00", "Asia/Shanghai", "CN")
FIELD = Calendar.always("field", "Asia/Shanghai")
CLOCKS = shipped_policy().clocks(Facts(zone="B", priority="P3", mode="onsite"))
ARRIVAL = CLOCKS["onsite_arrival"].clock  # two hours
RESOLUTION = replace(CLOCKS["resolution"].clock, target=timedelta(hours=15))
DEVIATION = CLOCKS["deviation_plan"].clock


def at(text: str) -> datetime:
    return OFFICE.at(datetime.fromisoformat(f"2026-{text}"))


def mark(when: str, event: str, status: str = "dispatched", **detail: object) -> Mark:
    return Mark(at=at(when), event=event, status=status, actor_role="engineer", detail=detail)


OFFERED = mark("03-02 09:00", "offer_delivered")


def plan(
    history: list[Mark],
    clock: Clock = ARRIVAL,
    calendar: Calendar = FIELD,
    now: str = "03-02 09:00",
    attached_at: datetime | None = None,
) -> list[Warning]:
    reading = read(history, clock, calendar, at(now), attached_at=attached_at)
    return warnings(reading, clock, calendar, promise_in(history, reading))


def table(planned: list[Warning]) -> list[str]:
    return [f"{OFFICE.local(w.at):%m-%d %H:%M} {w.kind} {'+'.join(w.audience)}" for w in planned]


def test_the_ladder_of_an_arrival():
    assert table(plan([OFFERED])) == [
        "03-02 10:00 soon engineer",
        "03-02 10:36 soon engineer+desk",
        "03-02 11:00 breach engineer+supervisor",
        "03-02 12:00 after_breach manager",
        "03-02 12:00 after_breach supervisor",
        "03-02 13:00 after_breach supervisor",
        "03-02 14:00 after_breach supervisor",
    ]


def test_fractions_are_of_open_time_and_not_of_the_days_between():
    reported = mark("03-06 13:30", "report", "new")  # 4.5 h on Friday, then the weekend
    assert table(plan([reported], RESOLUTION, OFFICE, "03-06 14:00")) == [
        "03-09 12:00 soon engineer",
        "03-09 18:00 soon engineer+desk",
        "03-10 12:00 breach supervisor",
        "03-11 12:00 after_breach manager",
    ]


def test_a_pause_moves_the_warnings_that_are_still_to_come():
    history = [
        mark("03-02 09:00", "report", "new"),
        mark("03-03 09:00", "wait", "waiting_user"),
        mark("03-04 09:00", "resume", "working"),
    ]
    assert table(plan(history, RESOLUTION, OFFICE, "03-04 09:00"))[:2] == [
        "03-02 18:00 soon engineer",
        "03-04 15:00 soon engineer+desk",
    ]


def test_a_clock_that_rests_has_no_warnings_to_come():
    history = [mark("03-02 09:00", "report", "new"), mark("03-02 10:00", "wait", "waiting_user")]
    assert plan(history, RESOLUTION, OFFICE, "03-09 10:00") == []


def test_a_deviation_plan_is_reminded_of_on_the_mornings_of_day_3_4_and_5():
    notice = mark("02-13 10:00", "deviation_notice", "")
    assert table(plan([notice], DEVIATION, OFFICE, "02-13 10:00")) == [
        "02-25 09:00 soon supervisor",
        "02-26 09:00 soon supervisor",
        "02-27 09:00 soon supervisor+manager",
        "02-27 18:00 breach manager",
    ]


def test_nothing_is_planned_from_the_moment_of_arrival():
    history = [OFFERED, mark("03-02 10:36", "arrive", "arrived")]
    assert table(plan(history, now="03-02 12:00")) == ["03-02 10:00 soon engineer"]


def test_after_a_downtime_only_the_last_one_is_sent_and_marked_late():
    warning, settled = to_send(plan([OFFERED]), {"rung1"}, at("03-02 11:30"))
    assert warning is not None
    assert (warning.kind, warning.late) == (Kind.BREACH, True)
    assert settled == ["rung2", "rung3"]


def test_a_warning_in_time_is_not_called_late():
    warning, settled = to_send(plan([OFFERED]), (), at("03-02 10:00"))
    assert warning is not None
    assert (warning.name, warning.late, settled) == ("rung1", False, ["rung1"])


def test_when_everything_is_settled_there_is_nothing_to_send():
    planned = plan([OFFERED])
    names = {warning.name for warning in planned}
    assert to_send(planned, names, at("03-09 09:00")) == (None, [])


def test_warnings_that_were_written_down_are_read_back_whole():
    promised = mark("03-02 10:10", "acknowledge", promised=at("03-02 11:20").isoformat())
    for planned in (plan([OFFERED]), plan([OFFERED, promised])):
        lines = written(planned)
        assert [read_line(line, 1) for line in lines] == planned
        assert [moment_in(line) for line in lines] == [warning.at for warning in planned]


# ── Late on attach, reopening ────────────────────────────────────────────────────────────────────


def test_a_clock_that_is_late_when_attached_has_one_notice_and_no_ladder():
    planned = plan([OFFERED], now="03-02 15:00", attached_at=at("03-02 14:00"))
    assert table(planned) == ["03-02 14:00 late_on_attach engineer+supervisor"]


def test_a_target_that_comes_after_the_arrival_warns_of_nothing():
    history = [OFFERED, mark("03-02 12:30", "arrive", "arrived")]
    assert plan(history, now="03-02 15:00", attached_at=at("03-02 14:00")) == []


def test_a_target_attached_in_time_keeps_the_ladder():
    planned = plan([OFFERED], now="03-02 15:00", attached_at=at("03-02 10:30"))
    assert [warning.kind for warning in planned][:3] == [Kind.SOON, Kind.SOON, Kind.BREACH]


@pytest.mark.parametrize("resolved", ["03-03 09:00", "03-03 14:00", "03-05 10:00"])
def test_nobody_is_warned_at_the_moment_of_reopening(resolved):
    history = [
        mark("03-02 09:00", "report", "new"),
        mark(resolved, "resolve", "resolved"),
        mark("03-06 10:00", "reopen", "reopened"),
    ]
    before = plan(history[:2], RESOLUTION, OFFICE, "03-06 09:00")
    fired = {warning.name for warning in before}
    planned = plan(history, RESOLUTION, OFFICE, "03-06 10:00")
    assert to_send(planned, fired, at("03-06 10:00")) == (None, [])


# ── Promises ─────────────────────────────────────────────────────────────────────────────────────


def promised(until: str) -> list[Mark]:
    return [OFFERED, mark("03-02 10:40", "acknowledge", promised=at(until).isoformat())]


def test_an_acknowledgement_with_a_promise_silences_every_level():
    planned = plan(promised("03-02 12:30"), now="03-02 12:29")
    assert to_send(planned, (), at("03-02 12:29")) == (None, [])


def test_a_promise_that_fails_wakes_the_ladder():
    assert table(plan(promised("03-02 12:30"), now="03-02 12:30")) == [
        "03-02 12:30 promise_failed engineer+supervisor+manager",
        "03-02 13:00 after_breach supervisor",
        "03-02 14:00 after_breach supervisor",
    ]


def test_a_promise_that_holds_is_never_mentioned():
    history = [*promised("03-02 12:30"), mark("03-02 12:20", "arrive", "arrived")]
    assert plan(history, now="03-02 13:00") == []


def test_a_new_promise_replaces_the_one_before():
    history = [
        *promised("03-02 12:30"),
        mark("03-02 12:31", "acknowledge", promised=at("03-02 16:00")),
    ]
    assert table(plan(history, now="03-02 13:00")) == ["03-02 16:00 promise_failed supervisor"]


def test_an_acknowledgement_without_a_time_silences_nothing():
    history = [OFFERED, mark("03-02 10:40", "acknowledge")]
    assert len(plan(history, now="03-02 10:41")) == 7


# ── Properties ───────────────────────────────────────────────────────────────────────────────────

calmly = settings(deadline=None, max_examples=60)
minutes = st.integers(0, 60 * 24 * 4)


@calmly
@given(
    st.lists(minutes, min_size=1, max_size=30),
    st.sampled_from([(ARRIVAL, FIELD, "offer_delivered"), (RESOLUTION, OFFICE, "report")]),
)
def test_however_often_and_late_one_looks_each_warning_is_sent_at_most_once(looks, which):
    """Failed when only the sent warning was settled, and not those below it."""
    clock, calendar, event = which
    history = [mark("03-02 09:00", event)]
    fired: list[str] = []
    sent: list[datetime] = []
    for minute in sorted(looks):
        now = at("03-02 09:00") + timedelta(minutes=minute)
        planned = warnings(read(history, clock, calendar, now), clock, calendar)
        warning, settled = to_send(planned, fired, now)
        assert not set(settled) & set(fired)
        fired += settled
        if warning is not None:
            sent.append(warning.at)
    assert sent == sorted(sent)
    last = at("03-02 09:00") + timedelta(minutes=max(looks))
    reached = [
        w for w in warnings(read(history, clock, calendar, last), clock, calendar) if w.at <= last
    ]
    assert set(fired) == {warning.name for warning in reached}


@calmly
@given(minutes, minutes)
def test_warnings_do_not_move_while_nothing_happens(first, second):
    """Failed when moments were counted from now on."""
    history = [mark("03-02 09:00", "report")]
    plans = [
        warnings(read(history, RESOLUTION, OFFICE, now), RESOLUTION, OFFICE)
        for now in (at("03-02 09:00") + timedelta(minutes=m) for m in (first, second))
    ]
    assert plans[0] == plans[1]


def test_two_levels_of_one_moment_both_hear_of_it_once() -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    planned = [
        Warning(at, "rung4", ("manager",), Kind.AFTER_BREACH),
        Warning(at, "repeat1", ("supervisor",), Kind.AFTER_BREACH),
    ]
    sent, names = to_send(planned, (), at)
    assert sent is not None
    assert sent.audience == ("manager", "supervisor")
    assert names == ["rung4", "repeat1"]
