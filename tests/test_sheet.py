"""The desk's sheet: read whole or refused by cell, compared, applied, and written back the same."""

import os
import re
import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from core import sheet
from core.people import Address, Person, Role, RotaRow, Site
from core.ports import Store, Tx
from core.register import CHANGES, ZONE
from core.rows import Counter
from core.sheet.columns import TABLES
from core.sheet.xlsx import read_xlsx, write_xlsx
from core.storage import schema
from core.storage.sqlite import SqliteStore

EXAMPLE = (Path(__file__).parent.parent / "core/desk_data/example.toml").read_text("utf-8")
MANY = 1000 if os.environ.get("PAIDAN_SOAK") else 25
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SMALL = """
[[sites]]
code = "GZ-1"
name = "天河"
city = "广州"

[[people]]
id = "li"
name = "李伟"
roles = ["desk_agent", "service_supervisor", "field_engineer"]
phone = "13800000101"
email = "Li@example.com"
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(sheet.BadSheet) as refused:
        sheet.read_toml(text, NOW)
    return refused.value.problems


def book_of(**pages: Sequence[Sequence[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in pages.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    made = BytesIO()
    book.save(made)
    return made.getvalue()


SITES = [["code", "name", "city"], ["GZ-1", "天河", "广州"]]
PEOPLE = [
    ["编码", "姓名", "手机", "角色"],
    ["li", "李伟", "13800000101", "desk_agent; service_supervisor; field_engineer"],
]


# -- there and back


def test_the_example_desk_is_a_good_sheet():
    example = sheet.read_toml(EXAMPLE, NOW)
    assert (len(example.sites), len(example.people)) == (15, 32)
    assert sheet.gaps_ahead(example, NOW) == []


def test_the_example_desk_survives_a_workbook_and_a_toml():
    example = sheet.read_toml(EXAMPLE, NOW)
    assert read_xlsx(write_xlsx(example), NOW) == example
    assert sheet.read_toml(sheet.write_toml(example), NOW) == example


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=12
).map(lambda text: " ".join(text.split()))
NAMES = TEXTS.filter(bool)
DAYS = st.dates(date(2026, 1, 1), date(2040, 1, 1))
HOURS = st.lists(st.sampled_from(["Mon-Fri 08:00-17:00", "Sat,Sun 22:00-08:00"]), max_size=2)
MINUTES = st.integers(0, 60 * 24 * 365).map(
    lambda n: datetime(2026, 12, 1) + timedelta(minutes=n)  # noqa: DTZ001 - as in a sheet
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[dict[str, object]]]:
    """Whatever an operator may write, by chance."""
    sites = [
        {
            "code": f"S{n}",
            "name": draw(NAMES),
            "city": draw(TEXTS),
            "address": draw(TEXTS),
            "kind": draw(st.sampled_from(["resident", "field"])),
            "aliases": draw(st.lists(NAMES, max_size=3)),
            "hours": draw(HOURS),
            "lat": draw(st.floats(-90, 90)),
            "spoken_code": f"{draw(st.integers(0, 9999)):04}",
        }
        for n in range(draw(st.integers(1, 3)))
    ]
    people = [
        {
            "id": f"p{n}",
            "name": draw(NAMES),
            "roles": draw(st.lists(st.sampled_from([str(role) for role in Role]), max_size=3)),
            "language": draw(st.sampled_from(["", "zh_CN", "en"])),
            "phone": f"+8613800{n:06}",
            "email": f"p{n}@example.com",
            "skills": draw(st.lists(NAMES, max_size=2)),
            draw(st.sampled_from(["site", "base", "resident_at"])): "S0",
            "capacity": draw(st.integers(1, 9)),
            "on_call": draw(HOURS),
            "vip": draw(st.booleans()),
            "nda_until": draw(DAYS),
        }
        for n in range(draw(st.integers(0, 3)))
    ]
    everything = [str(role) for role in Role]
    people.append({"id": "all", "name": "全", "roles": everything, "backup_for": ["all"]})
    start = draw(MINUTES)
    rota = [{"person": "all", "from": start, "until": start + timedelta(minutes=7)}]
    return {
        "sites": sites,
        "people": people,
        "assets": [{"code": "A1", "name": draw(TEXTS), "serial": draw(TEXTS), "user": "all"}],
        "rota": rota if draw(st.booleans()) else [],
        "travel": [{"from": "S0", "to": "S0", "minutes": draw(st.integers(0, 600))}],
    }


def toml_of(written: dict[str, list[dict[str, object]]]) -> str:
    from core.sheet.writing import toml_value

    lines = [f"{name} = []" for name, rows in written.items() if not rows]
    for name, rows in written.items():
        for row in rows:
            lines += [f"[[{name}]]", *(f"{key} = {toml_value(row[key])}" for key in row)]
    return "\n".join(lines)


@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_what_was_exported_is_imported_the_same(written):
    given_sheet = sheet.read_toml(toml_of(written), NOW)
    assert sheet.read_toml(sheet.write_toml(given_sheet), NOW) == given_sheet
    assert read_xlsx(write_xlsx(given_sheet), NOW) == given_sheet


def test_a_workbook_has_chinese_headings_that_stay_in_view():
    book = load_workbook(BytesIO(write_xlsx(sheet.read_toml(EXAMPLE, NOW))))
    assert book.sheetnames == [table.zh for table in TABLES.values() if table.name != "rota"]
    assert [cell.value for cell in book["人员"][1]][:2] == ["编码", "姓名"]
    assert {page.freeze_panes for page in book} == {"A2"}


def test_a_name_like_a_formula_stays_a_text():
    wild = sheet.read_toml(SMALL.replace("李伟", "=1+1"), NOW)
    assert read_xlsx(write_xlsx(wild), NOW).people[0].name == "=1+1"


@pytest.mark.parametrize("heading", ["手机", "phone", "Phone ", "电话"])
def test_headings_are_understood_in_both_languages(heading):
    people = [[*PEOPLE[0][:2], heading, PEOPLE[0][3]], *PEOPLE[1:]]
    read = read_xlsx(book_of(网点=SITES, 人员=people), NOW)
    assert read.people[0].phone == "+8613800000101"


def test_a_number_that_a_workbook_made_of_a_code_is_a_code_again():
    sites: list[Sequence[object]] = [SITES[0], [1001, "天河", "广州"]]
    assert read_xlsx(book_of(sites=sites, people=PEOPLE), NOW).sites[0].code == "1001"


@pytest.mark.parametrize(
    ("word", "vip"), [("是", True), ("否", False), ("yes", True), (None, False)]
)
def test_yes_and_no_are_words(word, vip):
    people = [[*PEOPLE[0], "VIP"], [*PEOPLE[1], word]]
    assert read_xlsx(book_of(sites=SITES, people=people), NOW).people[0].vip is vip


# -- what is refused, and where


@pytest.mark.parametrize(
    ("change", "cell", "reason"),
    [
        (("phone", "12ab"), "people!C2", "telephone"),
        (("roles", "boss"), "people!D2", "'boss' is none of"),
        (("zone", "Asia/Nowhere"), "people!E2", "no time zone"),
        (("hours", "always"), "people!E2", "not of the form"),
        (("site", "GZ-9"), "people!E2", "no site 'GZ-9'"),
        (("capacity", "many"), "people!E2", "no number"),
        (("nda_until", "soon"), "people!E2", "no date"),
        (("vip", "perhaps"), "people!E2", "neither yes nor no"),
        (("email", "nobody"), "people!E2", "no mail address"),
    ],
)
def test_a_wrong_cell_is_named(change, cell, reason):
    key, value = change
    heading = ["id", "name", "phone", "roles"]
    row = list(PEOPLE[1])
    if key in heading:
        row[heading.index(key)] = value
    else:
        heading, row = [*heading, key], [*row, value]
    with pytest.raises(sheet.BadSheet) as refused:
        read_xlsx(book_of(sites=SITES, people=[heading, row]), NOW)
    assert any(p.startswith(f"{cell}: ") and reason in p for p in refused.value.problems)


def test_a_toml_row_is_named_by_number_and_code():
    assert problems_of(SMALL.replace("13800000101", "12ab")) == [
        "people[1] li.phone: '12ab' is no telephone number such as +8613800000101"
    ]


def test_every_wrong_cell_is_told_at_once():
    text = SMALL.replace("13800000101", "12ab").replace('city = "广州"', 'zone = "D"')
    assert len(problems_of(text)) == 2


def test_a_code_cannot_stand_twice():
    twice = SMALL + '\n[[sites]]\ncode = "GZ-1"\nname = "again"\n'
    assert problems_of(twice) == ["sites[2] GZ-1.code: 'GZ-1' stands at sites[1] GZ-1.code already"]


def test_two_people_cannot_have_one_telephone():
    twin = '\n[[people]]\nid = "wu"\nname = "Wu"\nphone = "+86 138-0000-0101"\n'
    assert "already" in problems_of(SMALL + twin)[0]


def test_a_column_that_nobody_knows_is_refused_with_the_one_that_was_meant():
    wrong = [["code", "nmae", "city"], SITES[1]]
    with pytest.raises(sheet.BadSheet) as refused:
        read_xlsx(book_of(sites=wrong, people=PEOPLE), NOW)
    assert refused.value.problems == ["sites!B1: there is no column 'nmae'; is 'name' meant?"]


def leave(*days: tuple[str, str]) -> str:
    rows = (f'[[rota]]\nperson = "li"\nfrom = {a}T08:00:00\nuntil = {b}T08:00:00' for a, b in days)
    return "\n".join([SMALL, *rows])


def test_two_leaves_of_one_person_cannot_overlap():
    text = leave(("2027-01-01", "2027-01-05"), ("2027-01-04", "2027-01-09"))
    assert problems_of(text) == ["rota[2].from: overlaps the leave of li at rota[1].from"]


def test_leaves_that_touch_are_two_leaves():
    text = leave(("2027-01-01", "2027-01-05"), ("2027-01-05", "2027-01-09"))
    assert len(sheet.read_toml(text, NOW).rota or ()) == 2


def test_a_week_without_anyone_is_refused():
    found = problems_of(leave(("2026-11-01", "2026-12-31")))
    assert [p for p in found if "desk_agent is on duty" in p]
    assert all(p.startswith("people[1] li.hours: nobody") for p in found)


def test_a_night_without_anyone_is_only_noted():
    text = SMALL + 'hours = ["Mon-Sun 08:00-22:00"]\n'
    gaps = sheet.gaps_ahead(sheet.read_toml(text, NOW), NOW)
    assert {gap.need for gap in gaps} == {"desk_agent", "field_engineer", "service_supervisor"}


def test_a_needed_role_that_nobody_has_is_refused():
    assert problems_of(SMALL.replace('"service_supervisor", ', "")) == [
        "people: nobody has the role service_supervisor"
    ]


def test_a_calendar_without_working_time_is_refused():
    text = SMALL + '\n[[calendars]]\ncode = "x"\nhours = ["sat off"]\n'
    assert re.match(r"calendars\[1\] x\.hours: .*no working time", problems_of(text)[0])


def test_a_calendar_may_be_built_on_one_of_the_program():
    text = SMALL + '\n[[calendars]]\ncode = "x"\nextends = "office"\nclosed = [2026-12-31]\n'
    read = sheet.read_toml(text, NOW)
    assert read.calendars == ({"code": "x", "extends": "office", "closed": ["2026-12-31"]},)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no book", EXAMPLE.encode()[:500]])
def test_what_is_no_workbook_is_refused(data):
    with pytest.raises(sheet.BadSheet, match="no workbook"):
        read_xlsx(data, NOW)


WRONG = {  # what stands in the text of SMALL, and what becomes of it
    "a site that is there twice": '[[sites]]\ncode = "GZ-1"\nname = "again"\n',
    "a person who is there twice": '[[people]]\nid = "li"\nname = "again"\n',
    "a person at an unknown site": '[[people]]\nid = "wu"\nname = "Wu"\nsite = "GZ-9"\n',
    "a site that prefers a stranger": '[[sites]]\ncode="X"\nname="X"\npreferred=["no.body"]\n',
    "two leaves at once": (
        '[[rota]]\nperson="li"\nfrom=2027-01-01T08:00:00\nuntil=2027-01-05T08:00:00\n'
        '[[rota]]\nperson="li"\nfrom=2027-01-04T08:00:00\nuntil=2027-01-09T08:00:00\n'
    ),
    "a leave that ends before it starts": (
        '[[rota]]\nperson="li"\nfrom=2027-01-09T08:00:00\nuntil=2027-01-05T08:00:00\n'
    ),
    "a month without anyone": (
        '[[rota]]\nperson="li"\nfrom=2026-11-01T08:00:00\nuntil=2026-12-31T08:00:00\n'
    ),
    "a way that takes less than no time": '[[travel]]\nfrom="广州"\nto="佛山"\nminutes=-5\n',
}


def as_workbook(text: str) -> bytes:
    """The tables of a text, wrong as they are, as pages of a workbook."""
    pages = {}
    for name, rows in tomllib.loads(text).items():
        heading = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[_plain(row.get(key)) for key in heading] for row in rows]
        pages[name] = [list(heading), *cells]
    return book_of(**pages)


def _plain(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list) else value


@pytest.mark.parametrize("what", WRONG)
def test_a_bad_text_and_a_bad_workbook_are_refused_with_the_place(what):
    text = SMALL + WRONG[what]
    assert all(re.match(r"[a-z]+\[\d+\]", problem) for problem in problems_of(text))
    with pytest.raises(sheet.BadSheet) as refused:
        read_xlsx(as_workbook(text), NOW)
    assert all(re.match(r"[a-z]+![A-Z]*\d+", problem) for problem in refused.value.problems)


# -- applied to a desk


@pytest.fixture
async def store(tmp_path):
    await schema.upgrade(f"sqlite:///{tmp_path / 'desk.db'}")
    opened = SqliteStore(tmp_path / "desk.db")
    await opened.open()
    yield opened
    await opened.close()


async def bring(store: Store, text: str) -> sheet.Plan:
    def body(tx: Tx) -> sheet.Plan:
        planned = sheet.plan(tx, sheet.read_toml(text, NOW), NOW)
        sheet.carry_out(tx, planned, NOW)
        return planned

    return await store.write(body)


async def test_what_was_imported_is_exported_and_changes_nothing(store):
    await bring(store, EXAMPLE)
    out = sheet.write_toml(await store.read(sheet.from_desk))
    assert (await bring(store, out)).changes == ()


async def test_a_change_shows_cell_and_both_values(store):
    await bring(store, SMALL)
    planned = await bring(store, SMALL.replace("广州", "佛山"))
    assert planned.changes == (sheet.Change("~", "sites", "GZ-1", (("city", "广州", "佛山"),)),)


WU = '\n[[people]]\nid = "wu"\nname = "Wu"\nroles = ["field_engineer"]\n'


async def test_who_is_left_out_is_switched_off_and_not_deleted(store):
    await bring(store, SMALL + WU)
    planned = await bring(store, SMALL)
    assert [(change.sign, change.key) for change in planned.changes] == [("-", "wu")]
    wu = await store.read(lambda tx: tx.first(Person, code="wu"))
    assert wu.active is False


async def test_who_comes_back_is_the_same_person(store):
    await bring(store, SMALL + WU)
    before = await store.read(lambda tx: tx.first(Person, code="wu"))
    await bring(store, SMALL)
    await bring(store, SMALL + WU)
    assert await store.read(lambda tx: tx.first(Person, code="wu")) == before


async def test_what_people_chose_themselves_stays_where_the_sheet_is_silent(store):
    await bring(store, SMALL)

    def chosen(tx: Tx) -> None:
        tx.update_where(Person, {"code": "li"}, language="en", pin_hash="secret")
        tx.update_where(Site, {"code": "GZ-1"}, spoken_code="4711")

    await store.write(chosen)
    assert (await bring(store, SMALL)).changes == ()
    li = await store.read(lambda tx: tx.first(Person, code="li"))
    site = await store.read(lambda tx: tx.get(Site, "GZ-1"))
    assert (li.language, li.pin_hash, site.spoken_code) == ("en", "secret", "4711")


async def test_a_number_that_somebody_gave_up_is_no_longer_proof(store):
    await bring(store, SMALL)
    await bring(store, SMALL.replace("13800000101", "13800000199"))
    found = await store.read(lambda tx: tx.find(Address, channel="sms", order="id"))
    assert [(a.value, a.state, bool(a.verified_at)) for a in found] == [
        ("+8613800000101", "unlinked", False),
        ("+8613800000199", "ok", True),
    ]


async def test_leave_that_is_over_stays_and_future_leave_follows_the_sheet(store):
    old = leave(("2026-11-01", "2026-11-02"), ("2027-01-01", "2027-01-05"))
    await bring(store, old)
    await bring(store, "rota = []\n" + SMALL)
    kept = await store.read(lambda tx: tx.find(RotaRow))
    assert [row.starts.astimezone(ZONE).date() for row in kept] == [date(2026, 11, 1)]


async def test_a_table_that_the_sheet_lacks_is_left_alone(store):
    await bring(store, leave(("2027-01-01", "2027-01-05")))
    assert (await bring(store, SMALL)).changes == ()
    assert await store.read(lambda tx: tx.count(RotaRow)) == 1


async def test_every_process_hears_of_the_change(store):
    await bring(store, SMALL)
    assert (await store.read(lambda tx: tx.get(Counter, CHANGES))).value == 1


def test_every_column_is_explained_under_both_names():
    page = (Path(__file__).parent.parent / "docs/desk-sheet.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    missing = [
        (table.name, column.key)
        for table in TABLES.values()
        for column in table.columns
        if f"`{column.key}` {column.zh}" not in rows[table.name]
    ]
    assert missing == []


async def test_an_import_that_fails_halfway_leaves_nothing_behind(store):
    await bring(store, SMALL)
    before = sheet.write_toml(await store.read(sheet.from_desk))

    def body(tx: Tx) -> None:
        sheet.carry_out(tx, sheet.plan(tx, sheet.read_toml(EXAMPLE, NOW), NOW), NOW)
        raise OSError("the plug was pulled")

    with pytest.raises(OSError, match="plug"):
        await store.write(body)
    assert sheet.write_toml(await store.read(sheet.from_desk)) == before


async def test_a_refused_sheet_changes_nothing_of_what_was_right_in_it(store):
    await bring(store, SMALL)
    before = sheet.write_toml(await store.read(sheet.from_desk))
    with pytest.raises(sheet.BadSheet):
        await bring(store, SMALL.replace("广州", "佛山") + WRONG["two leaves at once"])
    assert sheet.write_toml(await store.read(sheet.from_desk)) == before
