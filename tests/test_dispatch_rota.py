"""Promises of the rota: who is on, who stands in, where nobody is."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.rota import (
    BadRota,
    Kind,
    Need,
    Rota,
    Shift,
    expand,
    gaps,
    read_pattern,
    resident_shifts,
    week,
)

GUANGZHOU = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 2, tzinfo=GUANGZHOU)


def at(hour, minute=0, day=0):
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def row(person, start, end, kind=Kind.SHIFT, **more):
    return Shift(person=person, starts=at(start), ends=at(end), kind=kind, **more)


def on(rota, moment):
    return {person for person in rota.people if rota.duty(person, moment)}


def test_a_shift_holds_from_its_first_minute_to_before_its_last():
    rota = Rota([row("li", 8, 17)])
    moments = [at(7, 59), at(8), at(16, 59), at(17)]
    assert ["li" in on(rota, moment) for moment in moments] == [False, True, True, False]


def test_leave_in_the_middle_of_a_shift_takes_the_person_off_and_back_on():
    rota = Rota([row("li", 8, 17), row("li", 10, 12, Kind.LEAVE)])
    assert ["li" in on(rota, at(hour)) for hour in (9, 10, 11, 12)] == [True, False, False, True]


def test_who_is_covered_is_off_and_who_covers_is_on():
    rota = Rota([row("li", 8, 17), row("luo", 9, 12, Kind.COVER, covers="li")])
    assert on(rota, at(10)) == {"luo"}
    assert on(rota, at(13)) == {"li"}


def test_two_who_swap_for_a_day_are_both_on():
    rota = Rota(
        [
            row("li", 8, 17),
            row("luo", 8, 17),
            row("luo", 8, 17, Kind.COVER, covers="li"),
            row("li", 8, 17, Kind.COVER, covers="luo"),
        ]
    )
    assert on(rota, at(9)) == {"li", "luo"}


def test_who_promised_to_cover_and_goes_on_leave_is_off():
    rota = Rota([row("luo", 8, 17, Kind.COVER, covers="li"), row("luo", 8, 17, Kind.LEAVE)])
    assert "luo" not in on(rota, at(9))


def test_a_shift_for_one_site_counts_at_no_other():
    shift = row("li", 8, 17, site="GZ-ZJXC")
    assert shift.serves("GZ-ZJXC", None)
    assert not shift.serves("GZ-TH", None)


def test_duty_goes_on_over_rows_that_touch():
    rota = Rota([row("li", 8, 17), row("li", 17, 22, Kind.ON_CALL)])
    assert rota.duty_ends("li", at(9)) == at(22)


def test_the_next_duty_after_leave_is_found():
    rota = Rota([row("li", 8, 17), row("li", 8, 12, Kind.LEAVE)])
    following = rota.next_duty("li", at(7))
    assert following is not None
    assert following.starts == at(12)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon-Fri 08:00-17:00", {0, 1, 2, 3, 4}),
        ("Sat-Mon 08:00-17:00", {5, 6, 0}),
        ("sat,sun 22:00-08:00", {5, 6}),
    ],
)
def test_a_pattern_names_its_days(text, days):
    assert read_pattern(text).days == days


@pytest.mark.parametrize(
    "text", ["Mon 8-17", "Funday 08:00-17:00", "Mon 08:61-09:00", "Mon 25:00-26:00", ""]
)
def test_a_pattern_that_cannot_be_meant_is_refused_with_its_text(text):
    with pytest.raises(BadRota) as refusal:
        read_pattern(text)
    assert refusal.value.cell == text


def test_a_night_pattern_reaches_into_the_next_morning():
    night = {"li": [read_pattern("Mon 22:00-08:00")]}
    rota = Rota(expand(night, at(0), at(0, day=7), GUANGZHOU, Kind.ON_CALL))
    assert ["li" in on(rota, at(h, day=d)) for d, h in ((0, 23), (1, 7), (1, 8))] == [
        True,
        True,
        False,
    ]


def test_wall_clock_hours_survive_the_night_when_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    spans = list(
        read_pattern("Mon-Sun 08:00-17:00").spans(date(2026, 3, 28), date(2026, 3, 30), berlin)
    )
    assert {start.astimezone(berlin).hour for start, _ in spans} == {8}
    assert {end.astimezone(berlin).hour for _, end in spans} == {17}


def test_the_resident_arrives_ten_minutes_early_leaves_ten_late_and_stays_over_lunch():
    openings = [(at(9), at(12)), (at(13, 30), at(18))]
    (shift,) = resident_shifts("li", "GZ-ZJXC", openings, GUANGZHOU)
    assert (shift.starts, shift.ends) == (at(8, 50), at(18, 10))


def test_a_closed_day_of_the_customer_is_a_free_day_of_the_resident():
    openings = [(at(9, day=day), at(18, day=day)) for day in (0, 2)]
    shifts = resident_shifts("li", "GZ-ZJXC", openings, GUANGZHOU)
    assert [shift.starts.astimezone(GUANGZHOU).day for shift in shifts] == [2, 4]


def test_a_gap_ahead_is_reported_with_its_hours():
    rota = Rota([row("a", 0, 12), row("b", 14, 24)])
    need = Need(name="Guangzhou", people=frozenset({"a", "b"}))
    (gap,) = gaps(rota, at(0), at(24), [need])
    assert (gap.starts, gap.ends, gap.missing) == (at(12), at(14), 1)


def test_leave_opens_a_gap():
    rota = Rota([row("a", 0, 24), row("a", 9, 10, Kind.LEAVE)])
    need = Need(name="Guangzhou", people=frozenset({"a"}))
    assert [(gap.starts, gap.ends) for gap in gaps(rota, at(0), at(24), [need])] == [
        (at(9), at(10))
    ]


def test_outside_the_hours_that_matter_nobody_is_missed():
    rota = Rota([row("li", 9, 18)])
    need = Need(name="resident", people=frozenset({"li"}), within=((at(9), at(18)),))
    assert gaps(rota, at(0), at(24), [need]) == []


def test_the_week_shows_duty_and_jobs_on_local_days():
    rota = Rota([row("li", 22, 32, Kind.ON_CALL)])
    bars = week(rota, date(2026, 3, 2), GUANGZHOU, busy={"li": [(at(23), at(25))]})["li"]
    assert [(bar.day.day, bar.kind, bar.ends - bar.starts) for bar in bars] == [
        (2, "on_call", timedelta(hours=2)),
        (2, "busy", timedelta(hours=1)),
        (3, "on_call", timedelta(hours=8)),
        (3, "busy", timedelta(hours=1)),
    ]


def test_a_row_that_ends_before_it_starts_is_refused():
    with pytest.raises(BadRota):
        row("li", 17, 8)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(BadRota):
        Shift(person="li", starts=datetime(2026, 3, 2), ends=at(8))  # noqa: DTZ001


hours = st.integers(0, 48)
rows = st.lists(
    st.builds(
        lambda person, start, length, kind: row(person, start, start + length, kind),
        st.sampled_from("ab"),
        hours,
        st.integers(1, 12),
        st.sampled_from([Kind.SHIFT, Kind.ON_CALL, Kind.LEAVE]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(rows=rows, hour=hours)
def test_a_person_is_on_exactly_when_some_duty_and_no_leave_holds(rows, hour):
    holding = [one.kind for one in rows if one.person == "a" and one.holds(at(hour))]
    expected = bool(holding) and Kind.LEAVE not in holding
    assert ("a" in on(Rota(rows), at(hour))) is expected


@settings(deadline=None, max_examples=60)
@given(rows=rows)
def test_the_stretches_of_a_person_never_overlap(rows):
    stretches = list(Rota(rows).stretches("a", at(0), at(100)))
    assert all(a.ends <= b.starts for a, b in pairwise(stretches))


@settings(deadline=None, max_examples=60)
@given(rows=rows, hour=hours, other=hours)
def test_within_one_period_everybodys_stretch_stays_the_same(rows, hour, other):
    rota = Rota(rows)
    one, two = ([rota.stretch(who, at(each)) for who in "ab"] for each in (hour, other))
    assert one == two or rota.period(at(hour)) != rota.period(at(other))


@settings(deadline=None, max_examples=60)
@given(rows=rows, hour=hours)
def test_a_moment_lies_in_a_gap_exactly_when_nobody_is_on(rows, hour):
    rota = Rota(rows)
    need = Need(name="somebody", people=frozenset("ab"))
    found = gaps(rota, at(0), at(72), [need])
    moment = at(hour).astimezone(UTC)
    assert any(gap.starts <= moment < gap.ends for gap in found) is not bool(on(rota, moment))
