"""Working time: tables for a contract manager, and properties that hold for any calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sla.calendar import Calendar, Version
from core.sla.calendars import build, calendar_of, shipped
from core.sla.days import Closure, DayFact, DayKind, Layer, overrides
from core.sla.errors import NaiveMoment, NoWorkingTime, OutOfReach, WrongHours
from core.sla.hours import parse_amount, parse_hours, parse_windows
from core.sla.national import National

SPLIT = "mon-fri 09:00-12:00 13:30-18:00"
OFFICE = calendar_of(SPLIT, "Asia/Shanghai", "CN")
NIGHTS = "22:00-06:00"
HOUR = timedelta(hours=1)


def hours_in(zone: str, hours: str, country: str | None = None) -> Calendar:
    return calendar_of(hours, zone, country)


def open_time(text: str) -> timedelta:
    amount = parse_amount(text)
    assert isinstance(amount, timedelta)
    return amount


def wall(text: str, calendar: Calendar = OFFICE) -> datetime:
    return calendar.at(datetime.fromisoformat(text))


def shown(moment: datetime, calendar: Calendar = OFFICE) -> str:
    return f"{calendar.local(moment):%Y-%m-%d %H:%M}"


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "amount", "due"),
    [
        # Within a day, over lunch, to the very end of a day and beyond it
        ("2026-03-02 09:00", "1h", "2026-03-02 10:00"),
        ("2026-03-02 11:30", "1h", "2026-03-02 14:00"),
        ("2026-03-02 09:00", "3h", "2026-03-02 12:00"),
        ("2026-03-02 09:00", "7h30m", "2026-03-02 18:00"),
        ("2026-03-02 09:00", "8h", "2026-03-03 09:30"),
        # Reported at lunch, at night, on a Sunday
        ("2026-03-02 12:30", "1h", "2026-03-02 14:30"),
        ("2026-03-02 23:00", "1h", "2026-03-03 10:00"),
        ("2026-03-08 10:00", "1h", "2026-03-09 10:00"),
        # Make-up days: 01-04, 02-14, 02-28, 05-09, 09-20 and 10-10 are worked
        ("2025-12-31 17:00", "2h", "2026-01-04 10:00"),
        ("2026-02-13 17:00", "8h", "2026-02-14 17:30"),
        ("2026-02-27 17:30", "1h", "2026-02-28 09:30"),
        ("2026-05-08 17:30", "1h", "2026-05-09 09:30"),
        ("2026-09-18 17:30", "1h", "2026-09-20 09:30"),
        ("2026-10-09 17:30", "1h", "2026-10-10 09:30"),
        # Spring Festival, 02-15 to 02-23, and the first week of October
        ("2026-02-14 17:30", "1h", "2026-02-24 09:30"),
        ("2026-09-30 17:30", "1h", "2026-10-08 09:30"),
        ("2026-09-30 09:00", "15h", "2026-10-08 18:00"),
        # The end of a year
        ("2026-12-31 17:30", "1h", "2027-01-04 09:30"),
    ],
)
def test_an_amount_of_office_time_is_due(start, amount, due):
    assert shown(OFFICE.after(wall(start), open_time(amount))) == due


@pytest.mark.parametrize(
    ("start", "end", "passed"),
    [
        ("2026-02-13 09:00", "2026-02-14 18:00", "15h"),  # Friday and the make-up Saturday
        ("2026-02-14 18:00", "2026-02-24 09:00", "0h"),  # Spring Festival
        ("2026-10-01 00:00", "2026-10-11 00:00", "22h30m"),  # 10-08, 10-09 and Saturday 10-10
        ("2026-03-02 12:10", "2026-03-02 13:20", "0h"),  # lunch
        ("2028-02-28 09:00", "2028-03-01 09:00", "15h"),  # with 29 February
        ("2026-02-27 09:00", "2026-03-02 09:00", "15h"),  # without one, and a make-up Saturday
    ],
)
def test_office_time_between_two_moments(start, end, passed):
    assert OFFICE.between(wall(start), wall(end)) == parse_amount(passed)


@pytest.mark.parametrize(
    ("notice", "days", "due"),
    [
        ("2026-02-13", 5, "2026-02-27"),
        ("2026-09-30", 5, "2026-10-13"),
        ("2026-04-30", 5, "2026-05-11"),
        ("2026-04-30", 3, "2026-05-08"),
        ("2026-09-18", 5, "2026-09-24"),
        ("2025-12-30", 5, "2026-01-07"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-02-16", 1, "2026-02-24"),  # from a day off
    ],
)
@pytest.mark.parametrize("clock", ["00:00", "08:59", "11:00", "23:59"])
def test_working_days_end_at_closing_time_whatever_the_hour_of_the_notice(notice, clock, days, due):
    assert shown(OFFICE.after_days(wall(f"{notice} {clock}"), days)) == f"{due} 18:00"


@pytest.mark.parametrize(
    ("zone", "hours", "start", "end", "passed"),
    [
        # A night shift is an hour shorter in spring and an hour longer in autumn
        ("Europe/Berlin", NIGHTS, "2026-03-28 22:00", "2026-03-29 06:00", "7h"),
        ("Europe/Berlin", NIGHTS, "2026-10-24 22:00", "2026-10-25 06:00", "9h"),
        ("America/New_York", NIGHTS, "2026-03-07 22:00", "2026-03-08 06:00", "7h"),
        ("America/New_York", NIGHTS, "2026-10-31 22:00", "2026-11-01 06:00", "9h"),
        ("Australia/Lord_Howe", NIGHTS, "2026-10-03 22:00", "2026-10-04 06:00", "7h30m"),
        ("Australia/Lord_Howe", NIGHTS, "2026-04-04 22:00", "2026-04-05 06:00", "8h30m"),
        # Round the clock, days have 23 and 25 hours
        ("Europe/Berlin", "24x7", "2026-03-29 00:00", "2026-03-30 00:00", "23h"),
        ("Europe/Berlin", "24x7", "2026-10-25 00:00", "2026-10-26 00:00", "25h"),
        # Days on which the clocks change are ordinary days for an office
        ("Europe/Berlin", "daily 09:00-17:00", "2026-03-28 12:00", "2026-03-30 12:00", "16h"),
        ("Europe/Berlin", "daily 09:00-17:00", "2026-10-24 12:00", "2026-10-26 12:00", "16h"),
        # An opening or a closing in the hour that does not exist happens when the clocks jump
        ("Europe/Berlin", "daily 02:30-04:00", "2026-03-29 00:00", "2026-03-29 12:00", "1h"),
        ("Europe/Berlin", "daily 01:00-02:30", "2026-03-29 00:00", "2026-03-29 12:00", "1h"),
        ("Europe/Berlin", "daily 02:10-02:50", "2026-03-29 00:00", "2026-03-29 12:00", "0h"),
        # In the hour that comes twice the first one counts
        ("Europe/Berlin", "daily 02:30-04:00", "2026-10-25 00:00", "2026-10-25 12:00", "2h30m"),
        ("Europe/Berlin", "daily 01:00-02:30", "2026-10-25 00:00", "2026-10-25 12:00", "1h30m"),
        # A day that Samoa never had
        ("Pacific/Apia", "24x7", "2011-12-29 12:00", "2011-12-31 12:00", "24h"),
        # China had summer time until 1991
        ("Asia/Shanghai", "24x7", "1991-04-14 00:00", "1991-04-15 00:00", "23h"),
    ],
)
def test_clocks_that_change(zone, hours, start, end, passed):
    calendar = hours_in(zone, hours)
    assert calendar.between(wall(start, calendar), wall(end, calendar)) == parse_amount(passed)


@pytest.mark.parametrize(
    ("zone", "start", "amount", "due"),
    [
        ("Europe/Berlin", "2026-03-28 23:00", "6h", "2026-03-29 06:00"),
        ("Europe/Berlin", "2026-10-24 23:00", "8h", "2026-10-25 06:00"),
        ("Australia/Lord_Howe", "2026-10-04 00:00", "5h30m", "2026-10-04 06:00"),
    ],
)
def test_a_deadline_in_a_night_when_clocks_change(zone, start, amount, due):
    calendar = hours_in(zone, NIGHTS)
    assert shown(calendar.after(wall(start, calendar), open_time(amount)), calendar) == due


# ── Layers and versions ──────────────────────────────────────────────────────────────────────────


def day(text: str, kind: DayKind, hours: str = "") -> DayFact:
    windows = parse_windows(hours) if hours else ()
    return DayFact(date=date.fromisoformat(text), kind=kind, source="customer", windows=windows)


def office(*layers: Layer, closures: tuple[Closure, ...] = ()) -> Calendar:
    national = National("CN").layer()
    version = Version(week=parse_hours(SPLIT), layers=(national, *layers), closures=closures)
    return Calendar("office", "Asia/Shanghai", [version])


def test_the_layer_above_wins():
    company = overrides("company", day("2026-10-05", DayKind.ORDINARY))
    site = overrides("site", day("2026-10-05", DayKind.OFF))
    monday = wall("2026-10-05 10:00")
    assert [office(*layers).is_open(monday) for layers in ((), (company,), (company, site))] == [
        False,
        True,
        False,
    ]


def test_a_single_day_has_hours_of_its_own():
    eve = overrides("site", day("2026-02-13", DayKind.HOURS, "09:00-11:00 20:00-01:00"))
    spans = office(eve).spans(wall("2026-02-13 00:00"), wall("2026-02-14 03:00"))
    assert [(shown(a), shown(b)) for a, b in spans] == [
        ("2026-02-13 09:00", "2026-02-13 11:00"),
        ("2026-02-13 20:00", "2026-02-14 01:00"),
    ]


def test_a_make_up_day_has_a_normal_days_hours_even_when_saturdays_are_short():
    short = hours_in("Asia/Shanghai", "mon-thu 9-18; fri 9-17; sat 9-12", "CN")
    makeup = short.between(wall("2026-02-14 00:00"), wall("2026-02-15 00:00"))
    ordinary = short.between(wall("2026-03-07 00:00"), wall("2026-03-08 00:00"))
    assert (makeup, ordinary) == (9 * HOUR, 3 * HOUR)


def test_a_holiday_closes_the_night_shift_that_opens_on_it_and_no_other():
    nights = hours_in("Asia/Shanghai", "mon-fri 22:00-06:00", "CN")
    spans = nights.spans(wall("2026-04-30 12:00"), wall("2026-05-07 12:00"))
    assert [(shown(a), shown(b)) for a, b in spans] == [
        ("2026-04-30 22:00", "2026-05-01 06:00"),
        ("2026-05-06 22:00", "2026-05-07 06:00"),
    ]


def test_an_emergency_closure_stops_the_day_in_the_middle():
    typhoon = Closure(wall("2026-03-02 10:00"), wall("2026-03-03 15:00"), "typhoon")
    closed = office().closed(typhoon)
    assert shown(closed.after(wall("2026-03-02 09:00"), 2 * HOUR)) == "2026-03-03 16:00"


def test_a_day_that_an_emergency_closes_is_no_working_day():
    closed = office(closures=(Closure(wall("2026-03-03 00:00"), wall("2026-03-04 00:00")),))
    assert shown(closed.after_days(wall("2026-03-02 10:00"), 2)) == "2026-03-05 18:00"


def test_a_later_version_leaves_the_days_before_it_alone():
    old = Version(week=parse_hours("mon-fri 09:00-18:00"))
    new = Version(week=parse_hours("mon-fri 10:00-16:00"), valid_from=date(2026, 3, 4))
    calendar = Calendar("office", "Asia/Shanghai", [new, old])
    passed = calendar.between(wall("2026-03-03 00:00"), wall("2026-03-05 00:00"))
    assert passed == 9 * HOUR + 6 * HOUR


def test_a_calendar_is_built_on_another_one():
    tables: list[dict[str, object]] = [
        {"code": "nation", "timezone": "Asia/Shanghai", "hours": SPLIT, "holidays": "CN"},
        {"code": "company", "extends": "nation", "open": ["2026-10-05"]},
        {"code": "site", "extends": "company", "hours": "mon-fri 10-12", "closed": ["2026-10-08"]},
    ]
    site = build(tables)["site"]
    week = site.spans(wall("2026-10-05 00:00"), wall("2026-10-10 00:00"))
    assert [shown(start) for start, _ in week] == ["2026-10-05 10:00", "2026-10-09 10:00"]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"code": "x"}, "calendar 'x': it has neither hours nor a calendar that it extends"),
        ({"code": "x", "extends": "y"}, "calendar 'x': there is no calendar 'y' to build 'x' on"),
        ({"code": "x", "extends": "x"}, "calendar 'x': calendar 'x' is built on itself"),
        ({"code": "x", "hours": "9-17", "colour": 1}, "calendar 'x': nobody knows 'colour'"),
        ({"code": "x", "hours": "9-17", "closed": ["5 May"]}, "calendar 'x': '5 May' is no date"),
    ],
)
def test_a_calendar_that_cannot_be_built_says_why(table, sentence):
    with pytest.raises(WrongHours) as refusal:
        build([table])
    assert str(refusal.value) == sentence


def test_the_calendars_that_ship_all_have_working_time():
    for calendar in shipped().values():
        calendar.check(wall("2026-11-22 12:00"))


# ── Refusals and far days ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "ask",
    [
        lambda naive: OFFICE.between(naive, wall("2026-03-02 09:00")),
        lambda naive: OFFICE.after(naive, HOUR),
        lambda naive: OFFICE.before(naive, HOUR),
        lambda naive: OFFICE.after_days(naive, 1),
        lambda naive: OFFICE.is_open(naive),
        lambda naive: OFFICE.next_open(naive),
        lambda naive: list(OFFICE.spans(naive, wall("2026-03-02 09:00"))),
        lambda naive: OFFICE.check(naive),
    ],
)
def test_a_moment_without_a_zone_is_refused(ask):
    with pytest.raises(NaiveMoment):
        ask(datetime(2026, 3, 2, 9))  # noqa: DTZ001


def test_a_calendar_without_working_time_is_refused_when_checked():
    until = wall("2028-01-01 00:00")
    closed = office(closures=(Closure(wall("2026-03-02 00:00"), until),))
    with pytest.raises(NoWorkingTime):
        closed.check(wall("2026-03-02 09:00"))
    closed.check(until - timedelta(days=300))


def test_no_deadline_is_looked_for_in_a_calendar_that_never_opens():
    never = Calendar("never", "Asia/Shanghai", [Version(week=parse_hours("mon-fri off"))])
    for ask in (
        lambda: never.after(wall("2026-03-02 09:00"), HOUR),
        lambda: never.before(wall("2026-03-02 09:00"), HOUR),
        lambda: never.after_days(wall("2026-03-02 09:00"), 1),
        lambda: never.next_open(wall("2026-03-02 09:00")),
    ):
        with pytest.raises(NoWorkingTime):
            ask()


def test_a_negative_amount_is_refused():
    with pytest.raises(WrongHours):
        OFFICE.after(wall("2026-03-02 09:00"), -HOUR)


def test_the_end_of_time_has_a_name():
    for year in (1, 1900, 2300, 9999):
        with pytest.raises(OutOfReach):
            OFFICE.is_open(datetime(year, 12, 31, 23, tzinfo=UTC))


def test_decades_are_no_matter():
    start = wall("1987-03-02 09:00")
    end = OFFICE.after(start, timedelta(hours=100_000))
    assert end.year > 2038
    assert OFFICE.between(start, end) == timedelta(hours=100_000)


def test_round_the_clock_is_one_span_however_far_it_reaches():
    always = Calendar.always(zone="Europe/Berlin")
    always.after(wall("2026-03-02 09:00"), timedelta(days=3650))
    assert always.compiled_spans == 1
    assert always.round_the_clock
    assert not OFFICE.round_the_clock


# ── Properties ───────────────────────────────────────────────────────────────────────────────────

# Half of all moments and lengths are whole quarters of an hour: those meet openings and closings.
FIRST = datetime(2023, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def lengths(days: int) -> st.SearchStrategy[timedelta]:
    quarters = st.integers(0, days * 96).map(lambda n: n * QUARTER)
    return quarters | st.timedeltas(timedelta(), timedelta(days=days))


moments = lengths(5 * 365).map(lambda length: FIRST + length)
near = lengths(2) | lengths(45)
amounts = lengths(1) | lengths(16)
# Boundaries lie outside the hours in which clocks change, so that the wall clock is an oracle.
CALENDARS = [
    calendar_of(hours, zone, country)
    for hours, zone, country in [
        (SPLIT, "Asia/Shanghai", "CN"),
        (NIGHTS, "Asia/Shanghai", "CN"),
        (SPLIT, "Europe/Berlin", None),
        (NIGHTS, "Europe/Berlin", None),
        ("mon-thu 08:15-17:00; fri 08:15-12:00", "America/New_York", None),
        ("mon,wed,fri 20:00-04:30; sat 10:00-10:01", "America/New_York", "CN"),
        ("daily 05:00-04:00", "Australia/Lord_Howe", None),
        ("24x7", "Australia/Lord_Howe", None),
        ("24x7", "Asia/Kolkata", "CN"),
    ]
]
calendars = st.sampled_from(CALENDARS)
calmly = settings(deadline=None, max_examples=60)  # the first question of a calendar compiles it


def open_by_the_wall_clock(calendar: Calendar, moment: datetime) -> bool:
    """The slow way: is there a window, today's or last night's, that this time of day is in?"""
    local = moment.astimezone(ZoneInfo(calendar.zone.key)).replace(tzinfo=None)
    for back in (0, 1):
        midnight = datetime.combine(local.date() - timedelta(days=back), datetime.min.time())
        windows = calendar.version(midnight.date()).windows(midnight.date())
        if any(window.opens <= local - midnight < window.closes for window in windows):
            return True
    return False


@calmly
@given(calendars, moments)
def test_it_is_open_when_the_clock_on_the_wall_says_so(calendar, moment):
    """Failed when windows over midnight were cut at midnight, and when UTC days were taken."""
    assert calendar.is_open(moment) == open_by_the_wall_clock(calendar, moment)


@calmly
@given(calendars, moments, near)
def test_between_is_the_sum_of_the_spans(calendar, start, length):
    """Failed when the total before a span was taken for the total after it."""
    total = sum((b - a for a, b in calendar.spans(start, start + length)), timedelta())
    assert calendar.between(start, start + length) == total


@calmly
@given(calendars, moments, amounts)
def test_after_is_undone_by_between(calendar, start, amount):
    """Failed when `after` counted from the span's start instead of from the moment."""
    assert calendar.between(start, calendar.after(start, amount)) == amount


@calmly
@given(calendars, moments, near)
def test_after_gives_back_every_instant_up_to_which_work_was_done(calendar, start, length):
    """Failed when an amount that fills a span was due at the next opening."""
    for opens, closes in list(calendar.spans(start, start + length))[:8]:
        for instant in (closes, opens + (closes - opens) / 2, opens + timedelta.resolution):
            assert calendar.after(start, calendar.between(start, instant)) == instant


@calmly
@given(calendars, moments, near)
def test_a_closing_time_is_due_before_the_opening_that_follows(calendar, start, length):
    """Failed when `after` searched from the right, and when `before` searched from the left."""
    for opens, closes in list(calendar.spans(start, start + length))[:8]:
        assert calendar.after(opens, closes - opens) == closes
        assert calendar.before(closes, closes - opens) == opens


@calmly
@given(calendars, moments, amounts)
def test_before_is_the_mirror_of_after(calendar, end, amount):
    """Failed when `between` cut a span at the total before it."""
    start = calendar.before(end, amount)
    assert calendar.between(start, end) == amount
    assert amount == timedelta() or calendar.is_open(start)


@calmly
@given(calendars, moments, near, amounts)
def test_a_later_start_is_never_due_earlier(calendar, start, later, amount):
    """Failed when the time after a span's end was counted as open."""
    assert calendar.after(start, amount) <= calendar.after(start + later, amount)


@calmly
@given(calendars, moments, amounts, amounts)
def test_two_amounts_in_a_row_are_due_like_their_sum(calendar, start, one, other):
    """Failed when the second amount was counted from the opening of its span."""
    assert calendar.after(calendar.after(start, one), other) == calendar.after(start, one + other)


@calmly
@given(calendars, moments, near, near)
def test_a_length_is_the_sum_of_its_parts(calendar, start, one, other):
    """Failed when a span that reaches over the question's start was counted whole."""
    middle, end = start + one, start + one + other
    assert calendar.between(start, end) == calendar.between(start, middle) + calendar.between(
        middle, end
    )


@calmly
@given(calendars, moments, near)
def test_the_zone_of_a_moment_does_not_matter(calendar, start, length):
    """Failed when moments of one zone were subtracted by the clock on the wall."""
    berlin = ZoneInfo("Europe/Berlin")
    end = start + length
    assert calendar.between(start.astimezone(berlin), end.astimezone(berlin)) == calendar.between(
        start, end
    )


@calmly
@given(calendars, moments, st.integers(1, 40))
def test_a_working_day_ends_with_the_last_open_time_of_its_date(calendar, start, count):
    """Failed when the day of the notice was counted as the first."""
    due = calendar.after_days(start, count)
    at, dates = calendar.local(start).date(), set[date]()
    while len(dates) < count:
        at += timedelta(days=1)
        if calendar.version(at).windows(at):
            dates.add(at)
    closes = max(window.closes for window in calendar.version(at).windows(at))
    assert due == calendar.at(datetime.combine(at, datetime.min.time()) + closes)
