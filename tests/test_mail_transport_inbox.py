"""A mailbox loses nothing and doubles nothing, whatever the server and the line do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.mail import silent
from channels.mail.arrival import Arrival, read_stamp
from channels.mail.imap import ImapMailbox
from channels.mail.inbox import Inbox
from channels.mail.settings import Pace
from core.ports import Raw
from tests.mail_servers.scripted import ScriptedImap, scripted_imap
from tests.mail_servers.store import QUICK, MemoryStore, eventually, mail, mails, reading, settings


@pytest.fixture
async def server() -> AsyncIterator[ScriptedImap]:
    async with scripted_imap() as server:
        yield server


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def stamped(row: Raw) -> tuple[Arrival, bytes]:
    arrival, raw = read_stamp(row.body)
    assert arrival is not None
    return arrival, raw


async def test_a_mail_is_stored_as_it_came_and_then_marked(server, store):
    async with reading(settings(server.port), store):
        uid = server.deliver(mail("Paper jam"))
        await eventually(lambda: server.inbox.mails[uid].flags)
    assert store.mails == [mail("Paper jam")]


async def test_a_hint_by_idle_is_acted_upon_long_before_the_next_poll(server, store):
    slow = replace(QUICK, poll=30, stale=60)
    async with reading(settings(server.port, pace=slow), store):
        await eventually(lambda: server.logged("IDLE"))
        server.deliver(mail("Paper jam"))
        assert await eventually(lambda: store.mails) < 1


async def test_mail_announced_while_another_is_fetched_does_not_wait_for_the_poll(server, store):
    slow = replace(QUICK, poll=30, stale=60)

    def arrives_meanwhile() -> None:
        if len(server.inbox.mails) == 1:
            server.deliver(mail("Second"))

    store.on_keep = arrives_meanwhile
    async with reading(settings(server.port, pace=slow), store):
        await eventually(lambda: server.logged("IDLE"))
        server.deliver(mail("First"))
        assert await eventually(lambda: len(store.mails) == 2) < 1


async def test_a_server_that_never_hints_is_asked_anyway(server, store):
    async with reading(settings(server.port), store):
        await eventually(lambda: server.logged("IDLE"))
        server.inbox.add(mail("Silent"))
        await eventually(lambda: store.mails)


async def test_without_idle_the_mailbox_is_polled(server, store):
    server.capabilities = "IMAP4rev1"
    async with reading(settings(server.port), store):
        server.inbox.add(mail("Polled"))
        await eventually(lambda: store.mails)
    assert not server.logged("IDLE")


async def test_a_server_that_advertises_idle_and_refuses_it_is_polled(server, store):
    server.refuse["IDLE"] = "BAD unknown command"
    async with reading(settings(server.port), store):
        server.inbox.add(mail("Polled"))
        await eventually(lambda: store.mails)
    assert len(server.logged("IDLE")) == 1


async def test_nothing_is_marked_while_the_database_takes_no_writes(server, store):
    store.busy = 3
    marks: list[int] = []
    store.on_keep = lambda: marks.append(len(server.logged("UID STORE")))
    async with reading(settings(server.port), store):
        uid = server.deliver(mail("Busy"))
        await eventually(lambda: server.inbox.mails[uid].flags)
    assert marks == [0, 0, 0, 0]
    assert len(store.mails) == 1


async def test_a_refused_mark_is_tried_again_and_the_mail_is_not(server, store):
    server.refuse["UID STORE"] = "NO [SERVERBUG] try later"
    async with reading(settings(server.port), store) as inbox:
        uid = server.deliver(mail("Stubborn"))
        await eventually(lambda: len(server.logged("UID STORE")) >= 2)
        assert inbox.unmarked == 1
        server.refuse.clear()
        await eventually(lambda: server.inbox.mails[uid].flags)
    assert len(server.logged("UID FETCH .*BODY")) == 1


async def test_what_was_stored_but_not_marked_is_marked_after_a_restart(server, store):
    server.refuse["UID STORE"] = "NO not now"
    async with reading(settings(server.port), store):
        uid = server.deliver(mail("Killed between"))
        await eventually(lambda: store.mails)
    server.refuse.clear()
    async with reading(settings(server.port), store):
        await eventually(lambda: server.inbox.mails[uid].flags)
    assert store.doubled == 0


async def test_a_stored_mail_moves_to_the_processed_folder(server, store):
    async with reading(settings(server.port, processed="已处理"), store):
        server.deliver(mail("Move me"))
        await eventually(lambda: not server.inbox.mails)
    assert [m.raw for m in server.boxes["&XfJZBHQG-"].mails.values()] == [mail("Move me")]


async def test_mail_opened_by_a_person_is_read_all_the_same(server, store):
    async with reading(settings(server.port), store):
        uid = server.inbox.add(mail("Opened"))
        server.inbox.mails[uid].flags.add("\\Seen")
        await eventually(lambda: store.mails)


async def test_a_half_open_link_is_given_up_and_mail_comes_by_the_next(server, store):
    async with reading(settings(server.port), store) as inbox:
        server.flows.clear()
        server.inbox.add(mail("Sent while deaf"))
        await eventually(lambda: inbox.reconnects)
        server.flows.set()
        # Ninety seconds at this pace's scale of a hundredth or more.
        assert await eventually(lambda: store.mails) < 0.9
    assert store.doubled == 0


def test_in_production_a_healed_link_is_used_within_ninety_seconds():
    pace = Pace()
    deaf_while_idle = pace.poll + pace.answer + pace.retry_least
    hung_while_dialling = pace.answer + pace.retry_most
    assert max(deaf_while_idle, hung_while_dialling) < 90
    assert pace.poll < pace.idle < 300
    assert pace.poll + pace.answer < pace.stale


async def test_a_link_on_which_nothing_moves_is_cut_by_the_watchdog(server, store):
    patient = replace(QUICK, answer=60, poll=0.1, stale=0.4)
    async with reading(settings(server.port, pace=patient), store) as inbox:
        server.flows.clear()
        await eventually(lambda: inbox.reconnects, within=2)


async def test_a_literal_cut_in_the_middle_is_no_mail(server, store):
    once = iter([100])
    server.cut_at = lambda uid: next(once, None)
    async with reading(settings(server.port), store):
        server.deliver(mail("Cut"))
        await eventually(lambda: store.mails)
    assert store.mails == [mail("Cut")]


async def test_a_mail_that_breaks_every_fetch_holds_back_no_other(server, store):
    async with reading(settings(server.port), store):
        poison = server.inbox.uidnext
        server.cut_at = lambda uid: 10 if uid == poison else None
        server.inbox.add(mail("Poison"))
        server.inbox.add(mail("Healthy"))
        await eventually(lambda: len(store.rows) == 2)
    unreadable = store.rows["desk@desk.test", f"INBOX/1/{poison}"]
    assert stamped(unreadable)[0].unreadable
    assert store.alerts == ["mail_unreadable"]


async def test_a_mail_that_is_listed_but_not_handed_over_is_filed_in_the_end(server, store):
    async with reading(settings(server.port), store):
        server.hide.add(server.inbox.uidnext)
        server.inbox.add(mail("Hidden"))
        server.inbox.add(mail("Shown"))
        await eventually(lambda: len(store.rows) == 2)


async def test_a_mail_deleted_before_it_was_fetched_is_passed_over(server, store):
    async with reading(settings(server.port), store):
        gone = server.inbox.add(mail("Gone"))
        server.before["UID FETCH"] = []
        del server.inbox.mails[gone]
        server.deliver(mail("Here"))
        await eventually(lambda: store.mails)
    assert store.mails == [mail("Here")]


async def test_a_closed_connection_is_noticed_at_once_also_during_idle(server, store):
    slow = replace(QUICK, poll=30, idle=30, answer=30, stale=60)
    async with reading(settings(server.port, pace=slow), store) as inbox:
        await eventually(lambda: server.logged("IDLE"))
        server.cut()
        await eventually(lambda: inbox.reconnects, within=2)


async def test_goodbye_during_idle_is_understood(server, store):
    slow = replace(QUICK, poll=30, stale=60)
    async with reading(settings(server.port, pace=slow), store) as inbox:
        await eventually(lambda: server.logged("IDLE"))
        server.push(b"* BYE shutting down\r\n")
        await eventually(lambda: inbox.reconnects, within=2)
        server.deliver(mail("Afterwards"))
        await eventually(lambda: store.mails)


async def test_a_burst_of_lines_that_breaks_the_librarys_parser_costs_nothing(server, store):
    async with reading(settings(server.port), store) as inbox:
        server.before["UID SEARCH"] = [b"".join(b"* %d EXISTS\r\n" % n for n in range(1, 2001))]
        server.deliver(mail("After the burst"))
        await eventually(lambda: store.mails and not server.before)
        assert inbox.reconnects == 0


async def test_two_thousand_mails_at_once_are_all_read_and_each_once(server, store):
    async with reading(settings(server.port), store):
        for raw in mails(2000):
            server.inbox.add(raw)
        server.push(b"* 2000 EXISTS\r\n")
        await eventually(lambda: len(store.rows) == 2000, within=20)
    assert store.doubled == 0
    assert len(store.mails) == 2000


async def test_a_mass_expunge_by_another_client_deafens_nobody(server, store):
    for raw in mails(1500):
        server.inbox.add(raw)
    async with reading(settings(server.port), store):
        await eventually(lambda: server.logged("IDLE"))
        server.inbox.mails.clear()
        server.push(b"* 1 EXPUNGE\r\n" * 1500)
        server.deliver(mail("New"))
        await eventually(lambda: store.mails, within=3)


async def test_a_changed_uidvalidity_makes_no_second_matter_of_anything(server, store):
    async with reading(settings(server.port), store):
        for n in range(5):
            server.inbox.add(mail(f"Known {n}"))
        await eventually(lambda: len(store.rows) == 5)
    server.inbox.uidvalidity = 2
    server.inbox.add(mail("Unknown"))
    async with reading(settings(server.port), store):
        await eventually(lambda: len(store.mails) == 6)
    assert len(store.rows) == 11  # the same content hash under a new identity


async def test_a_changed_uidvalidity_brings_no_history_back(server, store):
    server.inbox.add(mail("Ten years old"), datetime(2016, 1, 1, tzinfo=UTC))
    async with reading(settings(server.port), store):
        pass
    server.inbox.uidvalidity = 2
    async with reading(settings(server.port), store):
        server.deliver(mail("New"))
        await eventually(lambda: store.mails)
    assert store.mails == [mail("New")]


async def test_a_mailbox_restored_from_last_nights_backup_hides_no_new_mail(server, store):
    async with reading(settings(server.port), store):
        for raw in mails(5):
            server.inbox.add(raw)
        await eventually(lambda: store.cursors["desk@desk.test", "INBOX"].uid == 5)
    server.inbox.uidnext = 3  # under the same uidvalidity, with uids that were given out before
    server.inbox.mails = {uid: m for uid, m in server.inbox.mails.items() if uid < 3}
    server.inbox.add(mail("Today"))
    async with reading(settings(server.port), store):
        await eventually(lambda: len(store.mails) == 6)
        server.deliver(mail("Later"))
        await eventually(lambda: len(store.mails) == 7)


async def test_the_first_connection_leaves_old_mail_alone(server, store):
    server.inbox.add(mail("Old"))
    async with reading(settings(server.port), store):
        server.deliver(mail("New"))
        await eventually(lambda: store.mails)
    assert store.mails == [mail("New")]


async def test_history_from_a_chosen_day_is_filed_as_archive(server, store):
    today = datetime.now(UTC)
    server.inbox.add(mail("Too old"), today - timedelta(days=400))
    server.inbox.add(mail("Last month"), today - timedelta(days=30))
    since = (datetime.now(UTC) - timedelta(days=90)).date()
    async with reading(settings(server.port, history_from=since), store):
        server.deliver(mail("New"))
        await eventually(lambda: len(store.rows) == 2)
    old, new = (stamped(row) for row in store.rows.values())
    assert (old[1], old[0].archive) == (mail("Last month"), True)
    assert (new[1], new[0].archive) == (mail("New"), False)


async def test_history_stays_history_when_its_import_is_interrupted(server, store):
    for raw in mails(150):
        server.inbox.add(raw, datetime.now(UTC) - timedelta(days=9))
    wanted = settings(server.port, history_from=(datetime.now(UTC) - timedelta(days=90)).date())
    server.cut_at = lambda uid: 10 if uid > 100 else None
    async with reading(wanted, store):
        await eventually(lambda: len(store.rows) >= 100)
    server.cut_at = lambda uid: None
    async with reading(wanted, store):
        await eventually(lambda: len(store.rows) == 150)
    assert all(stamped(row)[0].archive for row in store.rows.values())


async def test_a_slow_line_that_dribbles_is_no_dead_line(server, store):
    server.dribble = 7
    async with reading(settings(server.port), store):
        server.deliver(mail("Drop by drop"))
        await eventually(lambda: store.mails)
    assert store.mails == [mail("Drop by drop")]


async def test_a_mail_over_the_limit_is_stored_by_its_head(server, store):
    async with reading(settings(server.port, size_limit=100_000), store):
        server.deliver(mail("Huge", "x" * 76 + "\r\n" + "all work\r\n" * 20_000))
        await eventually(lambda: store.alerts)
    arrival, raw = stamped(next(iter(store.rows.values())))
    assert arrival.truncated
    assert arrival.size > 100_000
    assert len(raw) < 70_000
    assert raw.startswith(b"From:")
    assert store.alerts == ["mail_too_large"]


async def test_a_large_mail_within_the_limit_arrives_whole_in_slices(server, store):
    large = mail("Large", "all work and no play\r\n" * 200_000)
    async with reading(settings(server.port), store):
        server.deliver(large)
        await eventually(lambda: store.mails)
    assert store.mails == [large]
    assert len(server.logged(r"BODY.PEEK\[\]<")) == 2


async def test_no_command_uses_what_some_server_refuses(server, store):
    server.capabilities += " CHILDREN"
    for raw in mails(250):
        server.inbox.add(raw)
    async with reading(settings(server.port, history_from=date(2020, 1, 1)), store):
        await eventually(lambda: len(store.rows) == 250)
    assert not server.logged("CHARSET|RFC822 |ENVELOPE|BODY\\[|UNSEEN|EXPUNGE|DELETED")
    assert not server.logged(r"FETCH \S*\*")


async def test_the_client_names_itself_before_it_opens_the_folder(server, store):
    async with reading(settings(server.port), store):
        pass
    order = [line.split()[1] for line in server.log if " " in line]
    assert order.index("LOGIN") < order.index("ID") < order.index("SELECT")


async def test_a_refused_folder_is_told_once_and_tried_again(server, store):
    server.refuse["SELECT"] = "NO Unsafe Login. Please contact kefu@188.com for help"
    async with reading(settings(server.port), store):
        await eventually(lambda: len(server.logged("SELECT")) >= 3)
        assert store.alerts == ["mailbox_folder_refused"]
        server.refuse.clear()
        await eventually(lambda: server.logged("UID SEARCH"))
        server.deliver(mail("At last"))
        await eventually(lambda: store.mails)


async def test_a_wrong_password_is_told_once(server, store):
    async with reading(settings(server.port, password="wrong"), store):
        await eventually(lambda: len(server.logged("LOGIN")) >= 3)
    assert store.alerts == ["mailbox_login_refused"]


async def test_a_token_is_fetched_anew_for_each_login(server, store):
    tokens = iter(["t1", "t2", "t3", "t4"])

    async def token() -> str:
        return next(tokens)

    wanted = settings(server.port, password="", token=token)
    async with reading(wanted, store) as inbox:
        server.cut()
        await eventually(lambda: inbox.reconnects)
        await eventually(lambda: inbox.connected)
    assert len(set(server.logged("AUTHENTICATE XOAUTH2"))) == 2


async def test_a_refused_token_is_told_although_the_library_never_answers_the_challenge(
    server, store
):
    server.challenges = True

    async def token() -> str:
        return "expired"

    async with reading(settings(server.port, password="", token=token), store):
        await eventually(lambda: store.alerts)
    assert store.alerts == ["mailbox_login_refused"]


async def test_one_dead_mailbox_does_not_disturb_its_neighbour(server, store):
    other = MemoryStore()
    dead = settings(server.port, address="dead@desk.test", password="wrong")
    async with reading(dead, other), reading(settings(server.port), store):
        server.deliver(mail("Alive"))
        await eventually(lambda: store.mails)
    assert not other.mails


@pytest.mark.parametrize(
    "given", [{"host": "imap.163.com"}, {"password": ""}, {"folder": "IN\r\n"}]
)
def test_settings_that_cannot_work_safely_are_refused(given):
    with pytest.raises(ValueError, match=r"."):
        settings(143, **given)


def test_a_mailbox_that_does_not_answer_is_said_to_be_silent():
    moment, wanted = [0.0], settings(1)
    box = Inbox(wanted, ImapMailbox(wanted), monotonic=lambda: moment[0])
    assert silent([box]) == []
    moment[0] = 121.0
    assert silent([box]) == [f"mail: {wanted.address} has not answered for 121 s"]
