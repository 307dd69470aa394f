"""`paidan` on a desk that has work: tickets, letters, raw events, policies and calendars."""

import asyncio
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.pictures import fonts
from core.levels import load_calendars, load_policies, save_calendar
from core.ports import Tx
from core.rows import InboxRow
from core.sla.policy import policy_on
from core.storage.sqlite import SqliteStore
from tests.scenario import START, a_desk

NOW = START + timedelta(minutes=30)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parent.parent
POLICY = (ROOT / "core/sla/data/policy.toml").read_text("utf-8")
NEW_POLICY = POLICY.replace('version = "1"', 'version = "2027"').replace(
    "valid_from = 2026-01-01", "valid_from = 2026-11-01"
)
SCHOOL = """
[[calendars]]
code = "working_days"
timezone = "Asia/Shanghai"
hours = ["mon-fri 08:00-12:00"]
holidays = "CN"
"""


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> tuple[Path, str]:
    """A database with a ticket that an engineer holds, at half past ten in Guangzhou."""
    folder = tmp_path_factory.mktemp("story")

    async def play() -> str:
        async with a_desk(folder) as desk:
            await desk.hears("xu.lan", "打印机卡纸 三楼财务 请致电 13812345678")
            await desk.time_passes(minutes=1)
            row = InboxRow(
                channel="telegram",
                account="1",
                external_id="9",
                order_key="telegram/9",
                body=b"{broken",
                state="dead",
                note="cannot be read",
                received_at=desk.moment,
            )
            await desk.desk.store.write(lambda tx: tx.insert(row))
            return (await desk.latest()).number

    return folder / "desk.db", asyncio.run(play())


@pytest.fixture
def number(story) -> str:
    return story[1]


@pytest.fixture
def paidan(tmp_path, story, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(story[0], tmp_path / "desk.db")
    monkeypatch.setattr("bot.main.wall_clock", lambda: NOW)
    Path("paidan.toml").write_text('database = "sqlite:///desk.db"\n', "utf-8")

    def invoke(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def change(statement: str, *values: object) -> None:
    with sqlite3.connect("desk.db") as database:
        database.execute(statement, values)


def levels() -> tuple[dict, tuple]:
    """What the desk would load at its next start."""

    async def read():
        store = SqliteStore("desk.db")
        await store.open()
        try:
            return await store.read(lambda tx: (load_calendars(tx), load_policies(tx)))
        finally:
            await store.close()

    return asyncio.run(read())


# -- tickets


def test_open_tickets_are_listed_with_masked_numbers(paidan, number):
    told = paidan("ticket", "list")
    assert number in told
    assert "13812345678" not in told


def test_a_ticket_shows_its_facts_and_clocks(paidan, number):
    told = paidan("ticket", "show", number)
    assert "phone_answer" in told
    assert "138****5678" in told
    assert "The journal is whole." in told


def test_names_and_numbers_are_shown_in_full_on_request(paidan, number):
    assert "许*" in paidan("ticket", "show", number)
    told = paidan("ticket", "show", number, "--reveal")
    assert "许兰" in told
    assert "13812345678" in told


@pytest.mark.parametrize(("language", "word"), [("zh_CN", "报修"), ("en", "reported")])
def test_why_is_told_in_either_language(paidan, number, language, word):
    assert word in paidan("ticket", "why", number, "--lang", language)


def test_a_journal_that_was_tampered_with_is_told(paidan, number):
    change("UPDATE journal SET detail = '{}' WHERE seq = 1")
    assert "broken at step 1" in paidan("ticket", "why", number, code=1)


def test_a_slip_of_the_finger_hits_nobody(paidan, number):
    slip = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert "no ticket" in paidan("ticket", "show", slip, code=2)


# -- raw events and letters


def test_a_dead_event_gets_another_life_once(paidan):
    assert "cannot be read" in paidan("inbox", "list", "--state", "dead")
    assert "tried again" in paidan("inbox", "retry", "1")
    assert "no dead event" in paidan("inbox", "retry", "1", code=2)


@pytest.mark.parametrize(("state", "mark"), [("failed", 0), ("unknown", 1)])
def test_a_letter_is_sent_again_and_marked_where_it_may_have_arrived(paidan, state, mark):
    change("UPDATE outbox SET state = ?, repeated = 0 WHERE id = 1", state)
    paidan("outbox", "retry", "1")
    with sqlite3.connect("desk.db") as database:
        row = database.execute("SELECT state, repeated, attempts FROM outbox WHERE id = 1")
        assert row.fetchone() == ("pending", mark, 0)


def test_a_letter_that_arrived_is_not_sent_again(paidan):
    change("UPDATE outbox SET state = 'sent' WHERE id = 1")
    assert "no letter 1" in paidan("outbox", "retry", "1", code=2)


def test_letters_are_listed_by_state_without_full_addresses(paidan):
    change("UPDATE outbox SET state = 'failed', channel = 'mail', address = 'wu@x.cn' WHERE id = 1")
    told = paidan("outbox", "list", "--state", "failed")
    assert "w***@x.cn" in told
    assert "wu@x.cn" not in told


def test_a_state_that_does_not_exist_is_told(paidan):
    assert "Invalid value" in paidan("outbox", "list", "--state", "lost", code=2)


# -- policies


def test_a_policy_that_moves_a_deadline_is_rehearsed_first(paidan, number):
    Path("new.toml").write_text(NEW_POLICY.replace('target = "30m"', 'target = "45m"', 1), "utf-8")
    told = paidan("policy", "rehearse", "new.toml")
    assert "1 deadlines would move" in told
    assert number in told
    assert [policy.version for policy in levels()[1]] == ["1"]


def test_the_same_policy_moves_nothing(paidan):
    Path("new.toml").write_text(NEW_POLICY, "utf-8")
    assert "No open deadline would move." in paidan("policy", "rehearse", "new.toml")


def test_a_policy_is_kept_by_its_version_and_shown_as_it_was_written(paidan):
    Path("new.toml").write_text(NEW_POLICY, "utf-8")
    paidan("policy", "apply", "new.toml", "--yes")
    _, policies = levels()
    in_force = policy_on(policies, NOW.date())
    assert in_force is not None
    assert in_force.version == "2027"
    assert paidan("policy", "show", "2027") == NEW_POLICY


def test_a_version_that_tickets_may_carry_is_never_rewritten(paidan):
    Path("new.toml").write_text(POLICY.replace('target = "30m"', 'target = "45m"', 1), "utf-8")
    assert "exists; give this policy a new one" in paidan(
        "policy", "apply", "new.toml", "-y", code=2
    )


def test_a_wrong_policy_is_refused_by_its_place(paidan):
    Path("new.toml").write_text(NEW_POLICY.replace('"24x7"', '"moon"'), "utf-8")
    assert "there is no calendar 'moon'" in paidan("policy", "apply", "new.toml", "-y", code=2)


# -- calendars


def test_a_calendar_holds_from_today_and_yesterday_stays(paidan):
    Path("new.toml").write_text(SCHOOL, "utf-8")
    assert "1 of 1 calendars changed" in paidan("calendar", "apply", "new.toml", "--yes")
    calendar = levels()[0]["working_days"]
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    days = [
        calendar.between(monday + timedelta(days=n), monday + timedelta(days=n + 1))
        for n in (-7, 0, 7)
    ]
    assert days == [9 * HOUR, 4 * HOUR, 4 * HOUR]


def test_a_question_is_answered_by_the_desks_own_calendar(paidan):
    ask = ("calendar", "due", "2026-11-24 11:00", "2h", "--calendar", "working_days", "--json")
    assert json.loads(paidan(*ask)) == {"due": "2026-11-24T13:00:00+08:00"}
    Path("new.toml").write_text(SCHOOL, "utf-8")
    paidan("calendar", "apply", "new.toml", "--yes")
    ask = ("calendar", "due", "2026-11-24 11:00", "2h", "--calendar", "working_days", "--json")
    assert json.loads(paidan(*ask)) == {"due": "2026-11-25T09:00:00+08:00"}


def test_what_is_built_on_a_calendar_changes_with_it(paidan):
    Path("new.toml").write_text(SCHOOL, "utf-8")
    paidan("calendar", "apply", "new.toml", "--yes")
    resident = '[[calendars]]\ncode = "resident"\nextends = "working_days"\n'
    Path("new.toml").write_text(resident, "utf-8")
    paidan("calendar", "apply", "new.toml", "--yes")
    assert levels()[0]["resident"].between(NOW, NOW + 24 * HOUR) == 4 * HOUR


def test_a_calendar_is_rehearsed_before_it_is_saved(paidan):
    closed = (
        '[[calendars]]\ncode = "24x7"\ntimezone = "Asia/Shanghai"\nhours = ["mon-fri 9:00-12:00"]'
    )
    Path("new.toml").write_text(closed, "utf-8")
    assert "phone_answer" not in paidan("calendar", "rehearse", "new.toml")
    Path("new.toml").write_text(closed.replace("9:00", "10:15"), "utf-8")
    assert "phone_answer" in paidan("calendar", "rehearse", "new.toml")


def test_an_imported_year_is_no_estimate(paidan):
    days = [{"name": "元旦", "date": "2027-01-01", "isOffDay": True}]
    Path("2027.json").write_text(json.dumps({"year": 2027, "days": days}), "utf-8")
    assert "1 days off" in paidan("calendar", "import-year", "2027.json")
    year = datetime(2027, 1, 1, tzinfo=UTC)
    working = levels()[0]["working_days"]
    assert not working.provisional(year, year + timedelta(days=300))
    assert working.between(year - 12 * HOUR, year + 12 * HOUR) == timedelta()


def test_a_wrong_year_is_a_sentence(paidan):
    Path("year.csv").write_text("date\n2027-01-01\n", "utf-8")
    assert "no column 'kind'" in paidan("calendar", "import-year", "year.csv", code=2)


def test_a_typhoon_stops_the_clocks_it_names(paidan):
    told = paidan("calendar", "close", "--until", "2026-11-24 10:30", "--calendar", "field", "-y")
    assert told.endswith("Closed until 2026-11-24 10:30: field.\n")
    calendars, _ = levels()
    assert calendars["field"].between(NOW, NOW + 25 * HOUR) == HOUR
    assert calendars["24x7"].between(NOW, NOW + 25 * HOUR) == 25 * HOUR


@pytest.mark.parametrize("until", ["2020-01-01", "soon"])
def test_a_closure_that_cannot_be_is_refused(paidan, until):
    paidan("calendar", "close", "--until", until, "--yes", code=2)


async def test_the_same_calendar_twice_is_no_change(tmp_path):
    table = {"code": "x", "timezone": "Asia/Shanghai", "hours": ["24x7"]}

    def body(tx: Tx) -> list[bool]:
        return [save_calendar(tx, table, NOW) for _ in range(2)]

    async with a_desk(tmp_path) as desk:
        assert await desk.desk.store.write(body) == [True, False]


def test_a_pin_is_set_and_never_stored_as_it_is(paidan):
    paidan("desk", "pin", "li.wei", "--pin", "4821")
    with sqlite3.connect("desk.db") as database:
        [[kept]] = database.execute("SELECT pin_hash FROM people WHERE code = 'li.wei'").fetchall()
    assert kept
    assert "4821" not in kept


@pytest.mark.parametrize("pin", ["123", "12a4", "123456789", "１２３４"])
def test_a_pin_that_nobody_can_type_is_refused(paidan, pin):
    assert "digits" in paidan("desk", "pin", "li.wei", "--pin", pin, code=2)


@pytest.mark.skipif(fonts.find() is None, reason="no typeface with Chinese characters")
def test_stickers_are_drawn_for_the_sites_that_are_named(paidan):
    paidan("desk", "stickers", "stickers", "--bot", "@desk_bot", "--site", "GZ-TH")
    assert [file.name for file in Path("stickers").iterdir()] == ["GZ-TH.png"]
    assert "no site 'XX'" in paidan("desk", "stickers", "s", "--bot", "b", "--site", "XX", code=2)


def test_stickers_need_the_name_of_a_bot(paidan):
    assert "--bot" in paidan("desk", "stickers", "stickers", code=2)
