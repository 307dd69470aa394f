"""Mail through the whole desk: who it is from, which ticket, which action, and who is answered."""

import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from random import Random

import httpx
import pytest
from starlette.applications import Starlette

from channels.mail import pages
from core import files, inbox
from core.messages import File
from core.people import Address
from core.ports import Tx
from core.rows import MailTraffic, OptOut, OutboxRow, Sent
from core.ticket import Message, StoredFile, Ticket
from tests.mail_servers.desk import DESK, MailDesk, answer, letter
from tests.scenario import PHOTO, a_desk
from tests.test_story import asked, dispatched

WANG = "wang@example.com"
PROVEN = {"Authentication_Results": "mx.desk.test; dmarc=pass header.from=example.com"}


@pytest.fixture
async def post(tmp_path):
    async with a_desk(tmp_path) as scenario:
        yield MailDesk(scenario, tmp_path)


async def report(post: MailDesk, **more: str) -> Ticket:
    await post.gets(letter(f"王小明 <{WANG}>", "打印机坏了", "三楼财务 卡纸", **more))
    return await post.scenario.latest()


async def of(post: MailDesk, kind, /, **where):
    return await post.desk.store.read(lambda tx: tx.find(kind, **where))


async def acknowledged(post: MailDesk) -> list[OutboxRow]:
    """Each new ticket is, alone or with the question for its site."""
    return await of(post, OutboxRow, address=WANG, kind=("ticket_opened", "ask_site"))


async def mail_address(post: MailDesk, code: str) -> str:
    person = await post.scenario.person(code)
    (found,) = await of(post, Address, person_id=person.id, channel="mail")
    return found.value


# -- which ticket


async def test_a_mail_is_a_report_and_its_sender_hears_the_number(post):
    ticket = await report(post)
    assert (ticket.symptom, ticket.origin) == ("打印机坏了\n三楼财务 卡纸", "mail")
    assert ticket.number in post.sent(WANG)[0]["Subject"]


async def test_an_answer_finds_its_ticket_and_is_not_acknowledged(post):
    ticket = await report(post)
    before = len(post.sent(WANG))
    await post.gets(answer(post.sent(WANG)[0], WANG, "还有墨水也没了"))
    assert [t.id for t in await post.scenario.tickets()] == [ticket.id]
    assert len(post.sent(WANG)) == before
    step = (await post.scenario.journal(ticket.number))[-1]
    assert (step.action, step.detail["text"]) == ("add", "还有墨水也没了")
    assert step.detail["why"] == "reply_address"


async def test_an_answer_to_a_plain_address_finds_its_ticket_by_our_message_id(post):
    ticket = await report(post)
    plain = answer(post.sent(WANG)[0], WANG, "还有墨水也没了", To=DESK)
    await post.gets(plain)
    step = (await post.scenario.journal(ticket.number))[-1]
    assert step.detail["why"] == "message_id"


async def test_an_answer_to_ones_own_report_is_the_same_ticket(post):
    first = letter(WANG, "打印机坏了", "卡纸")
    await post.gets(first)
    await post.gets(letter(WANG, "Re: 打印机坏了", "现在冒烟", In_Reply_To=first["Message-ID"]))
    assert len(await post.scenario.tickets()) == 1


async def test_a_second_mail_that_answers_nothing_is_a_ticket_of_its_own(post):
    await report(post)
    await post.gets(letter(WANG, "会议室没有网络", "全部断网"))
    assert len(await post.scenario.tickets()) == 2


async def test_a_number_in_the_subject_counts_from_whoever_takes_part(post):
    ticket = await report(post)
    await post.gets(letter(WANG, f"打印机 [#{ticket.number}]", "补充一下"))
    assert len(await post.scenario.tickets()) == 1


async def test_a_strangers_number_opens_a_ticket_that_may_be_related(post):
    ticket = await report(post)
    await post.gets(letter("eve@elsewhere.example", f"[#{ticket.number}]", "我也看看"))
    mine, other = await post.scenario.tickets()
    assert mine.id == ticket.id
    first = (await post.scenario.journal(other.number))[0]
    assert first.detail["related"] == ticket.number


async def test_a_forged_reply_address_leads_nowhere(post):
    ticket = await report(post)
    forged = f"desk+t{ticket.number}.aaaaaaaaaaaa@desk.test"
    await post.gets(letter("eve@elsewhere.example", "hello printer", "broken", to=forged))
    assert len(await post.scenario.tickets()) == 2


async def test_empty_ids_join_nobody(post):
    for sender, subject in ((WANG, "Printer broken"), ("li@example.com", "Monitor broken")):
        head = f"From: {sender}\r\nSubject: {subject}\r\nMessage-ID: <>\r\nIn-Reply-To: <>\r\n"
        await post.gets(f"{head}\r\nIt does not start".encode())
    assert len(await post.scenario.tickets()) == 2


async def test_one_mail_to_two_mailboxes_is_one_ticket_and_one_acknowledgement(post):
    mail = letter(WANG, "打印机坏了", "卡纸", to=f"{DESK}, help@desk.test")
    await post.gets(mail)
    await post.gets(mail, box="help@desk.test")
    assert len(await post.scenario.tickets()) == 1
    assert [(r.account, r.state) for r in await post.rows()] == [
        (DESK, "done"),
        ("help@desk.test", "ignored"),
    ]
    assert len(await acknowledged(post)) == 1


async def test_a_mail_that_comes_again_under_a_new_number_is_not_heard_twice(post):
    mail = letter(WANG, "打印机坏了", "卡纸")
    for _ in range(3):
        await post.gets(mail)
    assert len(await post.scenario.tickets()) == 1


# -- files, history, sizes


async def test_an_attachment_is_stored_at_once(post):
    mail = letter(WANG, "打印机坏了", "见附件")
    mail.add_attachment(b"\x89PNG\r\n\x1a\n" + b"0" * 5000, "image", "png", filename="错误.png")
    await post.gets(mail)
    (file,) = await of(post, StoredFile)
    assert (file.name, file.state, file.kind) == ("错误.png", "stored", "photo")
    assert await post.arrivals.files.get(file.sha256)


async def test_an_attachment_reaches_whoever_takes_the_job(post):
    mail = letter(f"王小明 <{WANG}>", "打印机坏了", "见附件")
    mail.add_attachment(b"%PDF-1.7 log", "application", "pdf", filename="错误.pdf")
    await post.gets(mail)
    number = await resolved_for(post, await post.scenario.latest())
    (sent,) = [
        one
        for one in post.scenario.channels["telegram"].delivered
        if one.kind == "requester_sends" and one.files
    ]
    assert (sent.ticket, sent.files[0].name) == (number, "错误.pdf")


async def answered_with_a_photo(post: MailDesk, picture: bytes) -> EmailMessage:
    """The mail that brings an engineer's picture of the result to a requester without a chat."""
    ticket = await report(post)
    await resolved_for(post, ticket)
    engineer = (await post.scenario.journal(ticket.number))[-1].actor_id
    by = await of(post, Address, person_id=engineer, channel="telegram")
    found = await of(post, Sent, ticket_id=ticket.id, address=by[0].value)
    await post.scenario.hears(by[0].value, "", files=(PHOTO,), reply_to=(found[-1].message_id,))

    async def fetch(file: File) -> bytes:
        return picture

    await files.fetch_wanted(post.desk, post.arrivals.files, {"telegram": fetch})
    await post.scenario.settle()
    return post.last(WANG)


async def test_a_picture_of_the_engineer_is_attached_for_who_has_only_mail(post):
    mail = await answered_with_a_photo(post, b"\xff\xd8\xff fixed")
    (part,) = mail.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("p.jpg", b"\xff\xd8\xff fixed")
    assert "工程师发来照片" in text_of(mail)
    assert "Auto-Submitted" not in mail


async def test_a_picture_that_no_mail_carries_is_named_in_a_sentence(tmp_path):
    small = {"address": DESK, "host": "127.0.0.1", "tls": "none", "attachments_limit": 10}
    async with a_desk(tmp_path) as scenario:
        mail = await answered_with_a_photo(MailDesk(scenario, tmp_path, smtp=small), b"too large")
    assert list(mail.iter_attachments()) == []
    assert re.search(r"文件太大，邮件带不了.*\s+p\.jpg", text_of(mail))


async def test_history_is_filed_without_a_ticket_or_a_word(post):
    await post.gets(letter(WANG, "旧邮件", "很久以前"), archive=True)
    assert await post.scenario.tickets() == []
    assert [m.text for m in await of(post, Message)] == ["很久以前"]
    assert post.drawer.kept == []


async def test_a_mail_that_was_cut_is_still_a_ticket(post):
    await post.gets(letter(WANG, "大附件", "开头"), truncated=True)
    assert (await post.scenario.latest()).symptom == "大附件\n开头"


async def test_a_mail_of_no_bytes_at_all_is_filed_like_any_other(post):
    await post.gets(b"")
    assert [row.state for row in await post.rows()] == ["done"]


async def test_a_mail_that_cannot_be_read_is_set_aside_and_the_next_goes_on(post):
    await post.gets(b"", unreadable=True)
    await report(post)
    assert [row.state for row in await post.rows()] == ["dead", "done"]


# -- machines


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"List_Id": "<all.example.com>"},
        {"Precedence": "bulk"},
        {"From": "no-reply@example.com"},
    ],
)
async def test_a_machines_mail_is_one_ticket_for_the_desk_and_nobody_is_answered(post, headers):
    await post.gets(letter(WANG, "收款机离线 急 全店停业", "ALARM", **headers))
    await post.scenario.time_passes(minutes=2)
    ticket = await post.scenario.latest()
    assert ticket.status == "new"  # whoever would come is not rung up by a machine
    assert {each.recipient for each in post.drawer.kept} & {WANG, "no-reply@example.com"} == set()


async def test_an_absence_note_goes_into_its_ticket_and_reopens_nothing(post):
    await report(post)
    note = answer(post.sent(WANG)[0], WANG, "I am away", Auto_Submitted="auto-replied")
    await post.gets(note)
    assert len(await post.scenario.tickets()) == 1


async def test_our_own_mail_is_dropped(post):
    await report(post)
    await post.gets(post.sent(WANG)[0])
    assert [row.state for row in await post.rows()] == ["done", "ignored"]


def bounce(of_mail: EmailMessage, status: str = "5.1.1") -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example.com\r\nTo: desk@desk.test\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b1@mx.example.com>\r\n"
        b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n\r\n"
        b"--B\r\nContent-Type: text/plain\r\n\r\nUser unknown\r\n"
        b"--B\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.com\r\n\r\n"
        b"Final-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: %s\r\n\r\n"
        b"--B\r\nContent-Type: message/rfc822\r\n\r\n%s\r\n--B--\r\n"
        % (str(of_mail["To"]).encode(), status.encode(), of_mail.as_bytes())
    )


async def test_a_bounce_marks_the_address_and_lands_in_its_ticket(post):
    ticket = await report(post)
    await post.gets(bounce(post.sent(WANG)[0]))
    (address,) = await of(post, Address, value=WANG)
    assert address.state == "blocked"
    assert (await post.scenario.journal(ticket.number))[-1].detail["text"] == f"{WANG}: 5.1.1"
    assert len(await post.scenario.tickets()) == 1
    assert [row.state for row in await acknowledged(post)] == ["failed"]


async def test_a_bounce_that_quotes_nothing_finds_its_letter_by_the_address_it_came_to(post):
    ticket = await report(post)
    back = post.signer.return_address(DESK, post.sent(WANG)[0]["Message-ID"])
    bare = letter("MAILER-DAEMON@mx.example.com", "Undelivered Mail", "550 5.1.1 unknown", to=back)
    await post.gets(bare)
    (address,) = await of(post, Address, value=WANG)
    assert address.state == "blocked"
    assert (await post.scenario.journal(ticket.number))[-1].detail["text"] == f"{WANG}: 5.1.1"


async def test_an_answer_to_our_envelope_is_a_machines_and_goes_into_its_ticket(post):
    """RFC 3834: absence notes go to the return address, often without a header that says so."""
    ticket = await report(post)
    back = post.signer.return_address(DESK, post.sent(WANG)[0]["Message-ID"])
    before = len(post.sent(WANG))
    await post.gets(letter(WANG, "Holiday", "I am away until Monday.", to=back))
    assert [each.id for each in await post.scenario.tickets()] == [ticket.id]
    assert len(post.sent(WANG)) == before


async def test_a_bounce_of_nothing_of_ours_is_one_ticket_without_an_answer(post):
    await post.gets(bounce(letter("x@y.example", "spam", to="a@b.example")))
    assert len(await post.scenario.tickets()) == 1
    assert "mailer-daemon@mx.example.com" not in {each.recipient for each in post.drawer.kept}


# -- actions


async def test_the_first_line_confirms(post):
    ticket = await report(post)
    number = await resolved_for(post, ticket)
    await post.gets(answer(post.last(WANG), WANG, "好了\n\n谢谢"))
    assert (await post.scenario.ticket(number)).status == "closed"


async def resolved_for(post: MailDesk, ticket: Ticket) -> str:
    """An engineer comes and mends it."""
    await post.scenario.does("zhao.hong", "set_site", ticket.number, "ZH-XZ")
    await post.scenario.does("zhao.hong", "triage", ticket.number, "onsite")
    engineer = await asked(post.scenario, ticket.number)
    for action, arg in (("accept", ""), ("depart", ""), ("arrive", ""), ("resolve", "fixed")):
        await post.scenario.does(engineer, action, ticket.number, arg)
    return ticket.number


async def test_a_digit_answers_the_survey(post):
    ticket = await report(post)
    await resolved_for(post, ticket)
    await post.gets(answer(post.last(WANG), WANG, "1"))
    await post.scenario.time_passes(days=1)
    survey = post.last(WANG)
    assert "List-Unsubscribe" in survey
    await post.gets(answer(survey, WANG, "5"))
    kinds = [row.kind for row in await of(post, OutboxRow, address=WANG)]
    assert kinds[-1] == "survey_thanks"


async def test_help_above_a_page_of_trouble_is_a_report(post):
    await post.gets(letter(WANG, "打印机", "Help!\n\n打印机卡纸了, 三楼财务"))
    assert len(await post.scenario.tickets()) == 1


async def test_a_spoofed_technician_is_refused(post):
    number = await dispatched(post.scenario)
    engineer = await asked(post.scenario, number)
    address = await mail_address(post, engineer)
    await post.gets(letter(address, f"[#{number}]", f"接单 {number}"))
    assert (await post.scenario.ticket(number)).status == "dispatched"
    offer = next(m for m in post.sent(address) if number in str(m["Subject"]))
    await post.gets(answer(offer, address, "1"))
    assert (await post.scenario.ticket(number)).status == "dispatched"


async def test_a_technician_vouched_for_by_our_own_server_accepts_by_mail(post):
    number = await dispatched(post.scenario)
    address = await mail_address(post, await asked(post.scenario, number))
    await post.gets(letter(address, "Re: job", f"接单 {number}", **PROVEN))
    assert (await post.scenario.ticket(number)).status == "accepted"


async def test_a_verdict_of_a_server_that_nobody_trusts_is_none(post):
    number = await dispatched(post.scenario)
    address = await mail_address(post, await asked(post.scenario, number))
    forged = {"Authentication_Results": "mx.evil.example; dmarc=pass header.from=example.com"}
    await post.gets(letter(address, "Re: job", f"接单 {number}", **forged))
    assert (await post.scenario.ticket(number)).status == "dispatched"


async def test_a_mail_that_our_server_calls_forged_is_nobodys_word(post):
    forged = {"Authentication_Results": "mx.desk.test; dmarc=fail header.from=example.com"}
    await post.gets(letter(WANG, "打印机坏了", "卡纸", **forged))
    assert len(await post.scenario.tickets()) == 1
    assert await of(post, Address, value=WANG) == []
    assert post.sent(WANG) == []


# -- links


def links(mail: EmailMessage) -> list[str]:
    body = mail.get_body(("plain",))
    assert body is not None
    return re.findall(r"https://desk\.test(/mail/do/\S+)", body.get_content())


async def an_offer(post: MailDesk) -> tuple[str, list[str]]:
    number = await dispatched(post.scenario)
    address = await mail_address(post, await asked(post.scenario, number))
    return number, links(post.last(address))


async def request(post: MailDesk, method: str, path: str, **more):
    d = post.door
    made = pages.routes(post.signer, post.desk.now, d.show, d.act, d.refuse)
    transport = httpx.ASGITransport(Starlette(routes=made))
    async with httpx.AsyncClient(transport=transport, base_url="https://desk.test") as client:
        found = await client.request(method, path, **more)
    await post.scenario.settle()
    return found


async def test_opening_a_link_changes_nothing_and_pressing_its_button_acts(post):
    number, (accept, *_) = await an_offer(post)
    shown = await request(post, "GET", accept)
    assert (shown.status_code, number in shown.text) == (200, True)
    assert (await post.scenario.ticket(number)).status == "dispatched"
    done = await request(post, "POST", accept)
    assert done.status_code == 200
    assert (await post.scenario.ticket(number)).status == "accepted"


async def test_a_link_to_a_question_offers_its_answers(post):
    number, (_, decline) = await an_offer(post)
    shown = await request(post, "GET", decline)
    forms = re.findall(r'action="([^"]+)"', shown.text)
    assert len(forms) == 7
    await request(post, "POST", forms[0])
    steps = [(step.action, step.detail.get("arg")) for step in await post.scenario.journal(number)]
    assert ("decline", "schedule") in steps


async def test_a_forged_or_expired_link_gets_a_page_that_says_so(post):
    _, (accept, *_) = await an_offer(post)
    assert (await request(post, "POST", accept[:-1] + "!")).status_code == 410
    post.scenario.moment += timedelta(days=8)
    assert (await request(post, "POST", accept)).status_code == 410


async def test_leaving_the_surveys_is_one_press(post):
    ticket = await report(post)
    await resolved_for(post, ticket)
    await post.gets(answer(post.last(WANG), WANG, "好了"))
    await post.scenario.time_passes(days=1)
    way_out = str(post.last(WANG)["List-Unsubscribe"]).strip("<>").removeprefix("https://desk.test")
    assert (await request(post, "POST", way_out)).status_code == 200
    assert [row.place for row in await of(post, OptOut)] == [f"mail:{WANG}"]


# -- loops


CHANCE = Random(20)
SYLLABLES = tuple("天地人你我他山水火木金土日月星云雨风雪")
PARTNERS = {
    "another of our desks": lambda mail, n: text_of(mail),
    "one that always says the same": lambda mail, n: f"Thanks, we got it. Case {n}.",
    "one that quotes": lambda mail, n: f"We opened case {n} about: {mail['Subject']}",
    "one that never says the same": lambda mail, n: "abcdefghijklmnopqrst"[n % 20] * 20,
}


@pytest.mark.parametrize("pause", [5, 120])
@pytest.mark.parametrize("says", PARTNERS.values(), ids=PARTNERS)
async def test_a_desk_that_answers_us_without_a_header_is_left_alone(post, says, pause):
    await post.gets(written_at(post, letter("it@other.test", "打印机坏了", "卡纸")))
    for n in range(12):
        seen = len(post.sent("it@other.test"))
        await post.scenario.time_passes(seconds=pause)
        said = says(post.last("it@other.test"), n)
        await post.gets(written_at(post, letter("it@other.test", f"Case {n}", said)))
        if len(post.sent("it@other.test")) == seen:
            break
    assert len(await messages_between(post, "it@other.test")) <= 5


async def test_two_of_our_desks_without_any_header_stop_within_five_messages_an_hour(tmp_path):
    """Automatic headers, threading, reply addresses and ticket numbers are all stripped."""
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    there.mkdir()
    async with a_desk(here) as one, a_desk(there) as two:
        a, b = MailDesk(one, here), MailDesk(two, there, "it@other.test")
        await a.gets(written_at(a, letter("it@other.test", "打印机坏了", "卡纸")))
        carried, seen = 1, {id(a): 0, id(b): 0}
        for _ in range(20):
            for source, target in ((a, b), (b, a)):
                mails = source.sent(target.address)
                for mail in mails[seen[id(source)] :]:
                    carried += 1
                    stripped = letter(source.address, f"Notice {carried}", text_of(mail))
                    await target.gets(written_at(target, stripped))
                seen[id(source)] = len(mails)
        assert a.sent(b.address)
        assert carried <= 5


async def hours_with_a_program(post: MailDesk, hours: int, sends) -> list[datetime]:
    """It writes every ten minutes, never the same; the moments at which it is answered."""
    began, answered = post.desk.now(), list[datetime]()
    for n in range(hours * 6):
        seen = len(post.sent("it@other.test"))
        await post.gets(written_at(post, sends(n, "".join(CHANCE.choices(SYLLABLES, k=30)))))
        answered += [post.desk.now()] * (len(post.sent("it@other.test")) - seen)
        await post.scenario.time_passes(minutes=10)
    assert post.desk.now() - began >= timedelta(hours=hours)
    return answered


async def test_a_program_that_never_says_the_same_gets_five_answers_in_any_hour(post):
    answered = await hours_with_a_program(
        post, 2, lambda n, words: letter("it@other.test", words[:12], words)
    )
    in_one_hour = [sum(one <= at < one + timedelta(hours=1) for at in answered) for one in answered]
    assert max(in_one_hour) == 5
    assert len(answered) > 5  # it is not silenced for good either


async def test_a_program_that_keeps_to_its_ticket_is_acknowledged_once_in_hours(post):
    def send(n: int, words: str) -> EmailMessage:
        first = post.sent("it@other.test")[:1]
        return (
            answer(first[0], "it@other.test", words)
            if first
            else letter("it@other.test", "打印机坏了", words)
        )

    assert len(await hours_with_a_program(post, 2, send)) == 1
    assert len(await post.scenario.tickets()) == 1


async def test_a_person_at_the_address_of_a_loop_is_answered_an_hour_later(post):
    said = "We opened a case. Somebody will look at it."
    for n in range(8):
        await post.gets(written_at(post, letter("it@other.test", f"Case {n}", f"{said} {n}")))
        await post.scenario.time_passes(minutes=1)
    silenced = len(post.sent("it@other.test"))
    assert silenced < 5
    await post.scenario.time_passes(hours=1)
    await post.gets(written_at(post, letter("it@other.test", "会议室没有网络", "全部断网")))
    assert len(post.sent("it@other.test")) == silenced + 1


def written_at(post: MailDesk, mail: EmailMessage) -> EmailMessage:
    """Now, by the desk's clock."""
    mail.replace_header("Date", format_datetime(post.desk.now()))
    return mail


async def messages_between(post: MailDesk, partner: str) -> list[object]:
    return [*(await post.rows()), *post.sent(partner)]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return re.sub(r"\d{6}", "", body.get_content())


async def test_a_flood_waits_for_a_person(post):
    for n in range(22):
        await post.gets(letter(WANG, f"故障 {n}", "坏了"))
    assert [row.state for row in await post.rows()].count("dead") == 2
    assert post.troubles == ["mail_flood", "mail_flood"]


async def test_a_sender_of_hundreds_is_counted_to_the_last(tmp_path):
    async with a_desk(tmp_path) as scenario:
        post = MailDesk(scenario, tmp_path, held_above=200)
        earlier = MailTraffic(sender=WANG, way="in", at=post.desk.now())
        for many, state in ((199, "done"), (0, "dead")):  # the mail itself is the two hundredth
            await post.desk.store.write(partial(added, row=earlier, many=many))
            await post.gets(letter(WANG, f"第{many}封", "坏了"))
            assert (await post.rows())[-1].state == state


def added(tx: Tx, row: object, many: int) -> None:
    for _ in range(many):
        tx.add(row)


async def test_a_mail_let_in_by_a_person_is_not_held_again(post):
    for n in range(21):
        await post.gets(letter(WANG, f"故障 {n}", "坏了"))
    (held,) = [row for row in await post.rows() if row.state == "dead"]
    assert await inbox.retry(post.desk, held.id)
    await post.work()
    assert (await post.rows())[-1].state == "done"
    assert len(await post.scenario.tickets()) == 21


async def test_at_most_five_answers_an_hour_go_to_one_sender(post):
    for n in range(8):
        await post.gets(letter(WANG, f"{'一二三四五六七八'[n]}楼故障", "坏了"))
        await post.scenario.time_passes(minutes=5)
    assert len(await post.scenario.tickets()) == 8
    assert len(await acknowledged(post)) == 5


async def test_reports_that_waited_in_an_outbox_are_all_acknowledged(post):
    """Nobody answered us there: they were written before we said anything."""
    places = ("仓库", "前台", "机房")
    waiting = [written_at(post, letter(WANG, f"{place}没有网络", "断网")) for place in places]
    await post.scenario.time_passes(minutes=1)
    for mail in waiting:
        await post.gets(mail)
    assert len(await acknowledged(post)) == 3


async def test_a_ticket_is_opened_again_by_mail_once_in_ten_minutes(post):
    ticket = await report(post)
    for _ in range(2):
        await post.desk.store.write(lambda tx: closed(tx, ticket.id, post.desk.now()))
        await post.gets(answer(post.sent(WANG)[0], WANG, "又坏了"))
        await post.scenario.time_passes(minutes=1)
    reopened = [s for s in await post.scenario.journal(ticket.number) if s.action == "reopen"]
    assert len(reopened) == 1
    assert len(await post.scenario.tickets()) == 1


def closed(tx: Tx, ticket_id: int, now: datetime) -> None:
    ticket = tx.lock(Ticket, ticket_id)
    tx.update(ticket, status="closed", closed_at=now)


async def test_mails_without_a_subject_are_acknowledged_once_for_a_ticket(post):
    await report(post)
    for n in range(3):
        await post.gets(letter(WANG, "", f"补充{'一二三'[n]}"))
    assert len(await of(post, OutboxRow, address=WANG)) == 1


async def test_a_storm_switches_automatic_mail_off_and_is_told(tmp_path):
    async with a_desk(tmp_path) as scenario:
        post = MailDesk(scenario, tmp_path, storm=3)
        for n in range(5):
            await post.gets(letter(f"p{n}a@x{n}.example", "打印机坏了", "卡纸"))
        assert len({each.recipient for each in post.drawer.kept if "@x" in each.recipient}) == 3
        assert "mail_storm" in post.troubles


async def test_answers_of_a_ticket_hang_together(post):
    ticket = await report(post, Message_ID="<first@example.com>")
    await resolved_for(post, ticket)
    first, last = post.sent(WANG)[0], post.last(WANG)
    assert first["In-Reply-To"] == "<first@example.com>"
    assert str(first["Message-ID"]) in str(last["References"])


async def test_a_letter_in_a_long_thread_names_the_newest_mails(post):
    ticket = await report(post)
    for n in range(12):
        more = answer(post.sent(WANG)[0], WANG, f"补充{n}", Message_ID=f"<n{n}@example.com>")
        await post.gets(more)
    await resolved_for(post, ticket)
    named = str(post.last(WANG)["References"]).split()
    assert named[0] == post.signer.thread_id(ticket.number)
    assert {"<n11@example.com>", str(post.sent(WANG)[0]["Message-ID"])} <= set(named)
    assert "<n0@example.com>" not in named
