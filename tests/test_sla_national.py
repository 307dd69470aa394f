"""The days of a country: what is published, what is imported, what is a guess and says so."""

# ruff: noqa: E501  a table is read by its rows

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.sla.days import DayFact, DayKind
from core.sla.errors import WrongHours, WrongYear
from core.sla.national import National, read_csv, read_json, year_ahead_warning

CHINA = National("CN")
NOTICE = """{"year": 2027, "papers": ["https://example.org/notice"], "days": [
    {"name": "元旦", "date": "2027-01-01", "isOffDay": true},
    {"name": "元旦", "date": "2027-01-03", "isOffDay": false},
    {"name": "元旦", "date": "2026-12-31", "isOffDay": true}]}"""


def kinds(facts: National, *days: str) -> list[str]:
    return [facts.get(date.fromisoformat(day)).kind for day in days]


def test_the_make_up_days_of_2026():
    made_up = [f"{day:%m-%d}" for day, fact in CHINA.year(2026).items() if fact.kind == "makeup"]
    assert made_up == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def test_2026_has_248_working_days():
    worked = [
        day
        for day, fact in CHINA.year(2026).items()
        if fact.kind == "makeup" or (fact.kind == "ordinary" and day.weekday() < 5)
    ]
    assert len(worked) == 248


@pytest.mark.parametrize(
    "day",
    [
        "2026-02-15",
        "2026-02-23",
        "2026-04-06",
        "2026-06-19",
        "2026-09-25",
        "2026-10-01",
        "2026-10-07",
    ],
)
def test_the_days_off_of_2026(day):
    assert kinds(CHINA, day) == ["off"]


@settings(deadline=None, max_examples=25)
@given(st.dates(date(1900, 1, 1), date(2300, 12, 31)))
def test_every_day_of_every_year_has_an_answer(day):
    """Failed when the libraries' own exceptions for unpublished years came through."""
    assert CHINA.get(day).date == day


@settings(deadline=None, max_examples=40)
@given(st.dates(date(2027, 1, 1), date(2027, 12, 31)))
def test_any_day_of_an_unpublished_year_is_provisional(day):
    """Failed when an estimated holiday was called official."""
    assert not CHINA.get(day).official


def test_an_estimate_knows_the_national_day_and_no_make_up_days():
    assert kinds(CHINA, "2027-10-01", "2027-10-08") == ["off", "ordinary"]
    assert "makeup" not in {fact.kind for fact in CHINA.year(2027).values()}


def test_an_imported_year_is_official_and_wins_over_the_libraries():
    china = National("CN", [read_json(NOTICE)])
    assert kinds(china, "2027-01-01", "2027-01-03", "2027-10-01") == ["off", "makeup", "ordinary"]
    assert china.get(date(2027, 10, 1)).official


def test_a_years_notice_may_move_a_day_of_the_december_before():
    china = National("CN", [read_json(NOTICE)])
    assert kinds(china, "2026-12-31", "2026-10-10") == ["off", "makeup"]


def test_other_countries_come_from_their_law():
    germany = National("de-by")
    assert kinds(germany, "2026-01-06", "2026-05-01", "2026-05-04") == ["off", "off", "ordinary"]
    assert germany.get(date(2026, 5, 1)).official


def test_a_country_that_is_none_is_refused():
    with pytest.raises(WrongHours, match="no public holidays are known for 'XX'"):
        National("XX")


# ── Imports ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sheet",
    [
        "date,kind,name\n2027-01-01,off,元旦\n2027-01-03,work,元旦\n",
        "\ufeff日期,类型,名称\n2027-01-01,休,元旦\n2027-01-03,班,元旦\n",
        "name,isOffDay,date\r\n元旦,true,2027-01-01\r\n元旦,false,2027-01-03\r\n",
    ],
)
def test_a_year_comes_as_a_sheet(sheet):
    brought = read_csv(sheet)
    assert brought.year == 2027
    assert [(fact.kind, fact.name) for fact in brought.facts] == [
        (DayKind.OFF, "元旦"),
        (DayKind.MAKEUP, "元旦"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "this is no JSON"),
        ("[]", "days: a list of days is missing"),
        ('{"days": []}', "year: None is no year"),
        ('{"year": 2027, "days": []}', "an empty year is not a year without holidays"),
        ('{"year": 2027, "days": [7]}', "days[0]: not an object"),
        ('{"year": 2027, "days": [{"date": "2027-01-01"}]}', "days[0].isOffDay: None is neither"),
        ('{"year": 2027, "days": [{"date": "1.1.27", "isOffDay": true}]}', "days[0].date: '1.1.27'"),
        ('{"year": 2027, "days": [{"date": "2025-01-01", "isOffDay": true}]}', "2025-01-01 is not in 2027"),
        ('{"year": 2027, "days": [{"date": "2027-01-04", "isOffDay": false}]}', "is no weekend day"),
    ],
)  # fmt: skip
def test_a_wrong_json_year_is_refused_with_its_place(text, sentence):
    with pytest.raises(WrongYear) as refusal:
        read_json(text)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: there is no column 'date'"),
        ("date,name\n", "line 1: there is no column 'kind'"),
        ("date,kind\n", "an empty year is not a year without holidays"),
        ("date,kind\n2027-01-01,off\n2027-01-02,maybe\n", "line 3, kind: 'maybe'"),
        ("date,kind\n2027-02-30,off\n", "line 2, date: '2027-02-30' is no date"),
        ("date,kind\n2027-01-01,off\n2027-01-01,off\n", "line 3: 2027-01-01 is there twice"),
    ],
)
def test_a_wrong_sheet_is_refused_with_its_line(text, sentence):
    with pytest.raises(WrongYear) as refusal:
        read_csv(text)
    assert sentence in str(refusal.value)


# ── The alarm ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("today", "year"),
    [
        ("2026-11-14", None),
        ("2026-11-15", 2027),
        ("2026-12-31", 2027),
        ("2027-01-01", 2027),  # and it does not stop at midnight
        ("2026-06-01", None),
    ],
)
def test_the_administrator_is_asked_for_the_next_year_from_15_november(today, year):
    assert year_ahead_warning(date.fromisoformat(today), CHINA) == year


def test_an_import_ends_the_alarm():
    assert year_ahead_warning(date(2026, 12, 1), National("CN", [read_json(NOTICE)])) is None


def test_a_table_that_lacks_a_year_raises_the_alarm_too():
    facts = {
        day: DayFact(date=day, kind=DayKind.ORDINARY, source="import")
        for day in (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    }
    assert year_ahead_warning(date(2026, 11, 20), facts) == 2027
