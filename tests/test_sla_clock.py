"""The contract's clocks: tables of histories, and properties that hold for any history."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sla.calendar import Calendar
from core.sla.calendars import calendar_of
from core.sla.clock import Clock, Mark, Reading, Source, State, read, read_all
from core.sla.errors import NaiveMoment
from core.sla.hours import WorkingDays, parse_amount
from core.sla.policy import Facts, shipped_policy

OFFICE = calendar_of("mon-fri 09:00-12:00 13:30-18:00", "Asia/Shanghai", "CN")
FIELD = Calendar.always("field", "Asia/Shanghai")
CALENDARS = {
    "24x7": FIELD,
    "field": FIELD,
    "desk": FIELD,
    "working_days": OFFICE,
    "resident": OFFICE,
}
POLICY = shipped_policy()


def clock(milestone: str, **facts: object) -> Clock:
    usual = {"zone": "B", "priority": "P3", "mode": "remote"} | facts
    return POLICY.clocks(Facts(**usual))[milestone].clock  # type: ignore[arg-type]


def at(text: str) -> datetime:
    """Month, day and time in Guangzhou, in 2026."""
    return OFFICE.at(datetime.fromisoformat(f"2026-{text}"))


def mark(when: str, event: str, status: str, role: str = "engineer", **detail: object) -> Mark:
    return Mark(at=at(when), event=event, status=status, actor_role=role, detail=detail)


def look(history: list[Mark], clock: Clock, now: str, **how: object) -> Reading:
    return read(history, clock, CALENDARS[clock.calendar], at(now), **how)  # type: ignore[arg-type]


def shown(moment: datetime | None) -> str:
    return f"{OFFICE.local(moment):%m-%d %H:%M}" if moment else ""


REPORTED = mark("03-02 09:00", "report", "new", "requester")  # a Monday

# ── Start, target, due ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("milestone", "facts", "start", "due"),
    [
        ("phone_answer", {}, "03-02 23:50", "03-03 00:20"),
        ("remote_access", {}, "02-16 08:00", "02-16 10:00"),  # Spring Festival does not count here
        (
            "onsite_arrival",
            {"zone": "A"},
            "03-02 11:50",
            "03-02 13:50",
        ),  # over the customer's lunch
        ("onsite_arrival", {"zone": "A"}, "03-02 10:00", "03-02 10:30"),
        ("onsite_arrival", {"zone": "A", "priority": "P1"}, "03-02 10:00", "03-02 10:15"),
        ("onsite_arrival", {"zone": "A", "vip": True}, "03-02 10:00", "03-02 10:15"),
        ("onsite_arrival", {"zone": "B"}, "03-02 22:30", "03-03 00:30"),
        ("onsite_arrival", {"zone": "B", "priority": "P1"}, "03-02 10:00", "03-02 11:30"),
        ("onsite_arrival", {"zone": "C"}, "03-02 10:00", "03-02 14:00"),
        ("onsite_arrival", {"zone": "C", "vip": True}, "03-02 10:00", "03-02 13:00"),
        ("resolution", {"priority": "P1"}, "10-01 10:00", "10-01 14:00"),
        ("resolution", {"priority": "P2"}, "10-01 20:00", "10-02 04:00"),
        ("resolution", {"priority": "P3"}, "02-13 10:00", "02-25 18:00"),  # 02-14, 24, 25
        ("resolution", {"priority": "P4"}, "09-30 10:00", "10-13 18:00"),
        ("callback", {}, "03-02 10:00", "03-04 00:00"),  # until the end of the day after
        ("callback", {}, "12-31 10:00", "01-02 00:00"),
        ("deviation_plan", {}, "02-13 10:00", "02-27 18:00"),
    ],
)
def test_a_clock_is_due(milestone, facts, start, due):
    the_clock = clock(milestone, **facts)
    begun = mark(start, sorted(the_clock.starts - {"reopen"})[-1], "new", "requester")
    assert shown(look([begun], the_clock, start).due) == due


@pytest.mark.parametrize(
    ("arrived", "breached", "over"),
    [
        ("03-02 10:59", False, -60),
        ("03-02 11:00", False, 0),  # "within" includes the boundary
        ("03-02 11:00:00.900000", False, 0),  # compared in whole seconds
        ("03-02 11:00:01", True, 1),
        ("03-02 13:00", True, 7200),
    ],
)
def test_a_promise_is_kept_up_to_its_last_second(arrived, breached, over):
    history = [
        mark("03-02 09:00", "offer_delivered", "dispatched"),
        mark(arrived, "arrive", "arrived"),
    ]
    reading = look(history, clock("onsite_arrival"), "03-03 09:00")
    assert (reading.breached, reading.over) == (breached, timedelta(seconds=over))


def test_a_clock_that_was_not_started_is_idle():
    assert look([REPORTED], clock("onsite_arrival"), "03-02 12:00").state is State.IDLE


@pytest.mark.parametrize(
    ("event", "role", "stops"),
    [
        ("human_reply", "desk_agent", True),
        ("call_answered", "desk_agent", True),
        ("human_reply", "system", False),  # an automatic acknowledgement
        ("human_reply", "requester", False),
        ("triage", "desk_agent", False),
        ("dispatch", "desk_agent", False),
        ("note", "desk_agent", False),
    ],
)
def test_only_a_person_of_the_desk_gives_the_first_response(event, role, stops):
    history = [REPORTED, mark("03-02 09:10", event, "triaged", role)]
    reading = look(history, clock("phone_answer"), "03-02 09:20")
    assert (reading.state is State.STOPPED) == stops


def test_sending_another_engineer_does_not_restart_the_arrival_clock():
    history = [
        mark("03-02 09:00", "offer_delivered", "dispatched"),
        mark("03-02 09:20", "decline", "dispatched"),
        mark("03-02 09:21", "offer_delivered", "dispatched"),
    ]
    assert shown(look(history, clock("onsite_arrival"), "03-02 09:30").due) == "03-02 11:00"


# ── Pauses ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("waited", "resumed", "priority", "due"),
    [
        # Monday's P3 is due on Thursday at 18:00; a pause moves it by the open time it covers
        ("03-02 10:00", "03-02 11:00", "P3", "03-06 10:00"),
        ("03-02 12:10", "03-02 13:20", "P3", "03-05 18:00"),  # at lunch
        ("03-02 18:30", "03-03 08:30", "P3", "03-05 18:00"),  # at night
        ("03-02 17:00", "03-03 10:00", "P3", "03-06 11:00"),  # an hour on either side of it
        # P1 is round the clock, and so are its pauses
        ("03-02 10:00", "03-03 10:00", "P1", "03-03 13:00"),
    ],
)
def test_a_pause_counts_the_open_time_it_covers(waited, resumed, priority, due):
    history = [
        REPORTED,
        mark(waited, "wait", "waiting_user"),
        mark(resumed, "resume", "working"),
    ]
    assert shown(look(history, clock("resolution", priority=priority), resumed).due) == due


def test_a_pause_that_begins_outside_hours_and_spans_the_holidays_costs_nothing():
    history = [
        mark("09-30 10:00", "report", "new"),
        mark("09-30 19:00", "wait", "waiting_parts"),
        mark("10-08 08:00", "resume", "working"),
    ]
    reading = look(history, clock("resolution"), "10-08 08:00")
    # 10-08, 10-09 and the make-up Saturday 10-10
    assert shown(reading.due) == "10-10 18:00"
    assert reading.pauses[0].open == timedelta()


def test_a_clock_that_rests_has_no_deadline():
    reading = look(
        [REPORTED, mark("03-02 10:00", "wait", "waiting_user")], clock("resolution"), "03-09 10:00"
    )
    assert (reading.state, reading.due, reading.spent) == (State.PAUSED, None, timedelta(hours=1))


@pytest.mark.parametrize("status", ["waiting_user", "waiting_parts"])
def test_response_and_arrival_never_rest(status):
    history = [
        REPORTED,
        mark("03-02 09:00", "offer_delivered", "dispatched"),
        mark("03-02 09:05", "wait", status),
    ]
    for milestone in ("phone_answer", "onsite_arrival"):
        assert look(history, clock(milestone), "03-02 09:20").state is State.RUNNING


# ── Reopening, cancelling, appointments, changes ─────────────────────────────────────────────────

RESOLVED = [
    REPORTED,
    mark("03-02 09:10", "human_reply", "triaged", "desk_agent"),
    mark("03-02 11:00", "resolve", "resolved"),
    mark("03-02 14:00", "close", "closed", "system"),
]
REOPENED = [*RESOLVED, mark("03-03 10:00", "reopen", "reopened", "requester")]


def test_a_reopened_resolution_goes_on_without_the_time_spent_resolved():
    reading = look(REOPENED, clock("resolution"), "03-03 11:00")
    assert (reading.cycle, reading.spent) == (1, timedelta(hours=3))


def test_a_reopened_response_begins_again():
    reading = look(REOPENED, clock("phone_answer"), "03-03 10:05")
    assert (reading.cycle, shown(reading.due)) == (2, "03-03 10:30")


def test_the_verdict_of_the_first_cycle_outlives_the_reopening():
    first, second = read_all(REOPENED, clock("phone_answer"), FIELD, at("03-03 12:00"))
    assert (first.state, first.breached) == (State.STOPPED, False)
    assert (second.state, second.breached) == (State.RUNNING, True)


def test_each_word_to_the_user_starts_the_wait_for_the_next():
    reading = look(RESOLVED[:2], clock("user_update", priority="P1"), "03-02 09:30")
    assert (reading.cycle, shown(reading.due)) == (2, "03-02 10:10")


def test_nobody_needs_an_update_once_it_is_resolved():
    history = [*RESOLVED[:2], mark("03-02 10:00", "resolve", "resolved")]
    reading = look(history, clock("user_update", priority="P1"), "03-02 11:30")
    assert reading.state is State.VOID


def test_cancelling_in_time_makes_a_clock_void():
    history = [REPORTED, mark("03-02 09:29", "cancel", "cancelled")]
    assert look(history, clock("phone_answer"), "03-02 12:00").state is State.VOID


def test_cancelling_or_closing_does_not_wipe_a_broken_promise():
    history = [REPORTED, mark("03-02 09:31", "cancel", "cancelled")]
    reading = look(history, clock("phone_answer"), "03-02 12:00")
    assert (reading.state, reading.breached) == (State.STOPPED, True)


def test_an_appointment_replaces_the_target_and_says_so():
    history = [
        mark("03-02 09:00", "offer_delivered", "dispatched"),
        mark("03-02 09:30", "set_appointment", "accepted", at="2026-03-03T15:00:00+08:00"),
    ]
    reading = look(history, clock("onsite_arrival"), "03-02 12:00")
    assert (shown(reading.due), reading.target_source) == ("03-03 15:00", Source.APPOINTMENT)
    assert not reading.breached


def test_an_appointment_outside_the_calendars_hours_is_kept_or_broken_by_the_clock_on_the_wall():
    history = [
        mark("03-02 17:50", "offer_delivered", "dispatched"),
        mark("03-02 17:55", "set_appointment", "accepted", at=at("03-02 20:00")),
        mark("03-02 20:01", "arrive", "arrived"),
    ]
    reading = look(history, clock("onsite_arrival", zone="A"), "03-03 09:00")
    assert (reading.breached, reading.over) == (True, timedelta(minutes=1))


def test_a_higher_priority_keeps_start_and_pauses_and_brings_its_target():
    history = [
        REPORTED,
        mark("03-02 10:00", "wait", "waiting_user"),
        mark("03-02 11:00", "resume", "working"),
    ]
    raised = clock("resolution", priority="P2")
    reading = look(history, raised, "03-02 11:30", attached_at=at("03-02 11:30"))
    assert (shown(reading.due), reading.late_on_attach) == ("03-02 18:00", False)


def test_what_was_late_before_its_target_came_is_late_on_attach():
    raised = clock("resolution", priority="P1")
    reading = look([REPORTED], raised, "03-02 16:00", attached_at=at("03-02 15:00"))
    assert (reading.breached, reading.late_on_attach) == (True, True)


# ── Claims ───────────────────────────────────────────────────────────────────────────────────────

CLAIMED = [
    mark("03-02 09:00", "offer_delivered", "dispatched"),
    Mark(
        at=at("03-02 10:50"),
        entered_at=at("03-02 11:40"),
        event="arrive",
        status="arrived",
        actor_role="engineer",
        ref=7,
    ),
]
ACCEPTED = mark("03-02 12:00", "accept_claim", "arrived", "supervisor", claim=7)


@pytest.mark.parametrize(
    ("history", "needs_approval", "breached"),
    [
        (CLAIMED, False, False),
        (CLAIMED, True, True),
        ([*CLAIMED, ACCEPTED], True, False),
    ],
)
def test_a_late_entry_counts_from_the_event_or_once_accepted(history, needs_approval, breached):
    reading = look(
        history, clock("onsite_arrival"), "03-02 13:00", claims_need_approval=needs_approval
    )
    assert reading.breached == breached


def test_the_gap_between_event_and_entry_is_shown():
    reading = look(CLAIMED, clock("onsite_arrival"), "03-02 13:00")
    assert reading.claimed == timedelta(minutes=50)


def test_a_mark_without_a_zone_is_refused():
    with pytest.raises(NaiveMoment):
        Mark(at=datetime(2026, 3, 2), event="report", status="new")  # noqa: DTZ001


def test_a_deadline_that_rests_on_an_unpublished_year_says_so():
    assert look(
        [mark("12-30 10:00", "report", "new")], clock("resolution"), "12-30 11:00"
    ).provisional
    assert not look([REPORTED], clock("resolution"), "03-02 10:00").provisional


# ── Properties ───────────────────────────────────────────────────────────────────────────────────

RESOLUTION = replace(clock("resolution"), target=timedelta(hours=12))
DAYS = replace(clock("resolution"), target=WorkingDays(3))
calmly = settings(deadline=None, max_examples=80)
opened = st.integers(0, 200 * 24 * 60).map(lambda n: at("01-01 00:00") + timedelta(minutes=n))
lengths = st.integers(0, 4000).map(lambda n: timedelta(minutes=n))
clocks = st.sampled_from([RESOLUTION, DAYS, clock("resolution", priority="P1")])
steps = st.sampled_from(
    [
        ("wait", "waiting_user"),
        ("wait", "waiting_parts"),
        ("resume", "working"),
        ("dispatch", "dispatched"),
        ("resolve", "resolved"),
        ("reopen", "reopened"),
    ]
)


@st.composite
def histories(draw: st.DrawFn) -> list[Mark]:
    moment = draw(opened)
    marks = [Mark(at=moment, event="report", status="new")]
    for (event, status), length in draw(st.lists(st.tuples(steps, lengths), max_size=8)):
        moment += length
        marks.append(Mark(at=moment, event=event, status=status))
    return marks


@calmly
@given(opened, lengths, lengths, lengths)
def test_waiting_for_the_user_costs_nothing(start, worked, waited, resumed):
    """Failed when the pause set was ignored."""
    asked, answered = start + worked, start + worked + waited
    history = [
        Mark(at=start, event="report", status="new"),
        Mark(at=asked, event="wait", status="waiting_user"),
        Mark(at=answered, event="resume", status="working"),
    ]
    now = answered + resumed
    spent = OFFICE.between(start, asked) + OFFICE.between(answered, now)
    assert read(history, RESOLUTION, OFFICE, now).spent == spent


@calmly
@given(histories(), clocks, lengths, lengths)
def test_a_deadline_does_not_move_while_nothing_happens(history, the_clock, first, second):
    """Failed when the deadline was counted from now on."""
    calendar = CALENDARS[the_clock.calendar]
    now = history[-1].at + first
    assert (
        read(history, the_clock, calendar, now).due
        == read(history, the_clock, calendar, now + second).due
    )


@calmly
@given(histories(), clocks, lengths)
def test_late_exactly_when_the_time_is_used_up(history, the_clock, later):
    """Failed when the boundary itself was called late."""
    calendar = CALENDARS[the_clock.calendar]
    now = history[-1].at + later
    reading = read(history, the_clock, calendar, now)
    if reading.due is not None and reading.state is State.RUNNING:
        assert reading.breached == (calendar.between(reading.due, now) >= timedelta(seconds=1))
        assert read(history, the_clock, calendar, max(now, reading.due)).spent >= reading.target


@calmly
@given(histories(), clocks, lengths)
def test_time_is_spent_or_paused_or_stopped_and_never_twice(history, the_clock, later):
    """Failed when a stretch began at the mark before it."""
    calendar = CALENDARS[the_clock.calendar]
    reading = read(history, the_clock, calendar, history[-1].at + later)
    assert reading.started == history[0].at
    joints = [stretch.start for stretch in reading.stretches][1:]
    assert joints == [stretch.end for stretch in reading.stretches][:-1]
    end = reading.stretches[-1].end
    assert sum((s.open for s in reading.stretches), timedelta()) == calendar.between(
        reading.started, end
    )


@calmly
@given(histories(), clocks, lengths, st.randoms())
def test_replaying_the_journal_gives_the_same_reading(history, the_clock, later, chance):
    """Failed when marks were taken in the order of their entry instead of their event."""
    calendar = CALENDARS[the_clock.calendar]
    now = history[-1].at + later
    distinct = list({mark.at: mark for mark in history}.values())
    shuffled = chance.sample(distinct, len(distinct))
    assert read(shuffled, the_clock, calendar, now) == read(distinct, the_clock, calendar, now)


@calmly
@given(histories(), clocks, st.integers(0, 120))
def test_a_wall_clock_that_is_put_back_changes_nothing(history, the_clock, back):
    """Failed when marks after `now` were left out."""
    calendar = CALENDARS[the_clock.calendar]
    now = history[-1].at
    earlier = now - timedelta(minutes=back)
    assert read(history, the_clock, calendar, earlier) == read(history, the_clock, calendar, now)


def test_three_working_days_are_three_closing_times_not_seventy_two_hours():
    reading = look([mark("03-06 17:59", "report", "new")], clock("resolution"), "03-06 18:00")
    assert shown(reading.due) == "03-11 18:00"
    assert reading.target == parse_amount("22h31m")
