"""Verdicts, the story behind a deadline, rehearsals and the forecast."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

import pytest

from core.sla.calendar import Calendar, Version
from core.sla.calendars import calendar_of, national_days
from core.sla.clock import Mark, Reading, read
from core.sla.days import DayFact, DayKind, overrides
from core.sla.errors import SlaRefusal
from core.sla.forecast import Needs, Running, forecast
from core.sla.hours import parse_hours
from core.sla.policy import Attached, Facts, load, shipped_policy
from core.sla.rehearse import Case, Differs, Moved, Terms, rehearse
from core.sla.story import tell
from core.sla.verdict import Correction, Outcome, Verdict, standing, verdict

M = TypeVar("M", Moved, Differs)

HOURS = "mon-fri 09:00-12:00 13:30-18:00"
OFFICE = calendar_of(HOURS, "Asia/Shanghai", "CN")
FIELD = Calendar.always("field", "Asia/Shanghai")
CALENDARS = dict.fromkeys(("24x7", "field", "desk"), FIELD)
CALENDARS |= dict.fromkeys(("working_days", "resident"), OFFICE)
POLICY = shipped_policy()
P3 = Facts(zone="B", priority="P3", mode="onsite")


def at(text: str) -> datetime:
    return OFFICE.at(datetime.fromisoformat(f"2026-{text}"))


def mark(when: str, event: str, status: str, role: str = "engineer", **detail: object) -> Mark:
    return Mark(at=at(when), event=event, status=status, actor_role=role, detail=detail)


OFFERED = mark("03-02 09:00", "offer_delivered", "dispatched")


def look(milestone: str, history: Sequence[Mark], now: str) -> tuple[Reading, Attached]:
    attached = POLICY.clocks(P3)[milestone]
    calendar = CALENDARS[attached.clock.calendar]
    return read(history, attached.clock, calendar, at(now)), attached


def judged(milestone: str, history: Sequence[Mark], now: str) -> Verdict | None:
    reading, attached = look(milestone, history, now)
    return verdict(
        reading, attached.clock, policy="1", rule=attached.rule, calendar_version="2026-11-01"
    )


# ── Verdicts ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arrived", "outcome", "by"),
    [
        ("03-02 10:30", Outcome.MET, -1800),
        ("03-02 11:00", Outcome.MET, 0),
        ("03-02 11:00:01", Outcome.BROKEN, 1),
        ("03-02 12:00", Outcome.BROKEN, 3600),
    ],
)
def test_a_verdict_says_by_how_many_seconds(arrived, outcome, by):
    found = judged("onsite_arrival", [OFFERED, mark(arrived, "arrive", "arrived")], "03-03 09:00")
    assert found is not None
    assert (found.outcome, found.by_seconds, found.final) == (outcome, by, True)


def test_there_is_no_verdict_before_the_end():
    assert judged("onsite_arrival", [OFFERED], "03-02 11:00") is None


def test_a_promise_is_broken_before_the_clock_stops():
    found = judged("onsite_arrival", [OFFERED], "03-02 11:30")
    assert found is not None
    assert (found.outcome, found.at, found.by_seconds, found.final) == (
        Outcome.BROKEN,
        at("03-02 11:00"),
        1800,
        False,
    )


def test_a_clock_that_came_to_nothing_has_no_verdict():
    history = [OFFERED, mark("03-02 10:00", "cancel", "cancelled")]
    assert judged("onsite_arrival", history, "03-05 09:00") is None


def test_lateness_is_counted_in_the_clocks_own_calendar():
    history = [mark("03-02 10:00", "report", "new"), mark("03-06 10:00", "resolve", "resolved")]
    found = judged("resolution", history, "03-09 09:00")
    assert found is not None
    assert found.by_seconds == 3600  # due on Thursday at 18:00


def test_a_correction_overrules_a_verdict_and_leaves_it_as_it_was():
    found = judged(
        "onsite_arrival", [OFFERED, mark("03-02 12:00", "arrive", "arrived")], "03-03 09:00"
    )
    assert found is not None
    correction = Correction(found, Outcome.MET, "zhou", "the gate was locked", at("03-04 09:00"))
    assert (standing(found, [correction]), found.outcome) == (Outcome.MET, Outcome.BROKEN)


def test_a_correction_without_a_reason_is_refused():
    found = judged("onsite_arrival", [OFFERED], "03-02 12:00")
    assert found is not None
    with pytest.raises(SlaRefusal):
        Correction(found, Outcome.MET, "zhou", " ", at("03-04 09:00"))


# ── The story ────────────────────────────────────────────────────────────────────────────────────


def test_the_story_names_rule_stretches_and_the_days_that_moved_the_deadline():
    history = [
        mark("02-13 10:00", "report", "new"),
        mark("02-13 17:00", "wait", "waiting_user"),
        mark("02-14 10:00", "resume", "working"),
    ]
    reading, attached = look("resolution", history, "02-14 11:00")
    lines = tell(reading, attached, OFFICE, "1")
    assert [line.kind for line in lines] == [
        "story_rule",
        "story_target_days",
        *[line.kind for line in lines[2:-1]],
        "story_due",
    ]
    spans = [line for line in lines if line.kind in {"story_ran", "story_paused"}]
    assert [line.kind for line in spans] == ["story_ran", "story_paused", "story_ran"]
    assert lines[0].params["reason"] == "priority=P3"
    assert spans[1].params["spent"] == timedelta(hours=2)
    days = [
        (str(line.params["first"]), str(line.params["last"]), line.params["kind"])
        for line in lines
        if line.kind == "story_day"
    ]
    assert days[:2] == [("2026-02-14", "", "makeup"), ("2026-02-15", "2026-02-23", "off")]


def test_the_days_of_a_story_stand_where_they_fall():
    history = [
        mark("02-13 17:00", "report", "new"),
        mark("02-24 10:00", "wait", "waiting_user"),
    ]
    reading, attached = look("resolution", history, "02-24 11:00")
    kinds = [line.kind for line in tell(reading, attached, OFFICE, "1")]
    assert kinds.index("story_day") < kinds.index("story_paused")


@pytest.mark.parametrize(
    ("history", "now", "last"),
    [
        ([], "03-02 10:00", "story_idle"),
        ([OFFERED], "03-02 10:00", "story_due"),
        ([OFFERED], "03-02 11:30", "story_late"),
        ([OFFERED, mark("03-02 10:00", "arrive", "arrived")], "03-02 11:30", "story_met"),
        ([OFFERED, mark("03-02 11:30", "arrive", "arrived")], "03-02 12:30", "story_broken"),
        ([OFFERED, mark("03-02 10:30", "cancel", "cancelled")], "03-02 12:30", "story_void"),
    ],
)  # fmt: skip
def test_the_story_ends_with_how_it_stands(history, now, last):
    reading, attached = look("onsite_arrival", history, now)
    assert tell(reading, attached, FIELD, "1")[-1].kind == last


def test_a_story_of_a_resting_clock_says_what_is_left():
    history = [mark("03-02 09:00", "report", "new"), mark("03-02 18:00", "wait", "waiting_user")]
    reading, attached = look("resolution", history, "03-09 09:00")
    line = tell(reading, attached, OFFICE, "1")[-1]
    assert (line.kind, line.params["left"]) == ("story_resting", timedelta(hours=22, minutes=30))


# ── Rehearsals ───────────────────────────────────────────────────────────────────────────────────

TERMS = Terms(POLICY, CALENDARS)


def stricter() -> Terms:
    text = """
        version = "2"
        valid_from = 2026-03-01
        [clocks.onsite_arrival]
        starts = ["offer_delivered"]
        stops = ["arrive"]
        calendar = "field"
        [[rules]]
        clock = "onsite_arrival"
        target = "1h"
    """
    return Terms(load(text), CALENDARS)


def arrivals(result: Sequence[M]) -> list[M]:
    return [line for line in result if line.milestone == "onsite_arrival"]


def test_a_rehearsal_shows_the_deadlines_that_would_move():
    cases = [Case("100427", P3, [OFFERED])]
    (move,) = arrivals(rehearse(cases, TERMS, stricter(), at("03-02 10:30")).moved)
    assert (move.old_due, move.new_due, move.late_at_once) == (
        at("03-02 11:00"),
        at("03-02 10:00"),
        True,
    )


def test_a_rehearsal_shows_the_verdicts_that_would_have_differed():
    case = Case("100427", P3, [OFFERED, mark("03-02 10:30", "arrive", "arrived")])
    result = rehearse([case], TERMS, stricter(), at("03-03 09:00"))
    (differs,) = arrivals(result.differs)
    assert (differs.was_broken, differs.would_be_broken) == (False, True)
    assert arrivals(result.moved) == []


def test_the_same_terms_change_nothing():
    cases = [Case("100427", P3, [mark("03-02 09:00", "report", "new"), OFFERED])]
    result = rehearse(cases, TERMS, TERMS, at("03-02 10:30"))
    assert (result.moved, result.differs) == ((), ())


def test_a_day_off_by_import_moves_only_the_clocks_that_touch_it():
    closed = overrides("import", DayFact(date=date(2026, 3, 4), kind=DayKind.OFF, source="import"))
    version = Version(week=parse_hours(HOURS), layers=(national_days("CN"), closed))
    site = Calendar("working_days", "Asia/Shanghai", [version])
    new = Terms(POLICY, CALENDARS | {"working_days": site, "resident": site})
    cases = [
        Case("touched", P3, [mark("03-02 09:00", "report", "new")]),
        Case("before", P3, [mark("02-25 09:00", "report", "new")]),
        Case("after", P3, [mark("03-04 19:00", "report", "new")]),
    ]
    moved = rehearse(cases, TERMS, new, at("03-02 10:00")).moved
    moved = tuple(move for move in moved if move.milestone == "resolution")
    assert [(move.subject, move.old_due, move.new_due) for move in moved] == [
        ("touched", at("03-05 18:00"), at("03-06 18:00"))
    ]


def test_a_policy_whose_calendar_is_missing_cannot_be_rehearsed():
    with pytest.raises(SlaRefusal):
        rehearse([Case("1", P3, [OFFERED])], TERMS, Terms(POLICY, {}), at("03-02 10:00"))


# ── The forecast ─────────────────────────────────────────────────────────────────────────────────


def running(subject: str, offered: str, status: str, minutes: int | None) -> Running:
    history = [mark(offered, "offer_delivered", "dispatched")]
    reading, _ = look("onsite_arrival", history, "03-02 10:00")
    travel = None if minutes is None else timedelta(minutes=minutes)
    return Running(subject=subject, reading=reading, status=status, travel=travel)


def test_the_forecast_says_what_to_do_by_when_the_most_urgent_first():
    clocks = [
        running("far", "03-02 09:30", "dispatched", 80),
        running("near", "03-02 09:30", "accepted", 20),
        running("driving", "03-02 09:00", "en_route", 30),
        running("late", "03-02 07:00", "accepted", 30),
        running("tomorrow", "03-03 09:00", "accepted", 30),
    ]
    found = forecast(clocks, at("03-02 10:00"), timedelta(hours=2))
    assert [(line.subject, line.needs, line.act_by) for line in found] == [
        ("late", Needs.NOTHING_HELPS, at("03-02 09:00")),
        ("far", Needs.ACCEPT, at("03-02 10:10")),
        ("driving", Needs.ARRIVE, at("03-02 11:00")),
        ("near", Needs.LEAVE, at("03-02 11:10")),
    ]


def test_a_departure_that_comes_too_late_is_marked():
    (line,) = forecast(
        [running("x", "03-02 08:30", "accepted", 45)], at("03-02 10:00"), timedelta()
    )
    assert (line.act_by, line.missed) == (at("03-02 09:45"), True)
