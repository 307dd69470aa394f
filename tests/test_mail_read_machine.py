"""Who may be answered, what came back, and whose From is believed."""

from pathlib import Path

import pytest

from channels.mail.parse import authentication, parse

MAILS = Path(__file__).parent / "mails" / "bounces"

RETURNED = {
    "postfix": ("li.na@branch.example", "5.1.1", "t100427.3.abc@corp.example"),
    "delayed": ("wang@branch.example", "4.4.1", "t100435.1.def@corp.example"),
    "qmail": ("zhou@branch.example", "5.0.0", "t100443.2.9a@corp.example"),
    "exim": ("chen@branch.example", "5.2.2", "t100450.7.77@corp.example"),
    "daemon-only": ("zhao@branch.example", "5.0.0", ""),
}


def mail(name):
    return parse((MAILS / f"{name}.eml").read_bytes())


@pytest.mark.parametrize(("name", "told"), RETURNED.items(), ids=RETURNED)
def test_a_bounce_tells_whom_it_did_not_reach_why_and_which_mail(name, told):
    bounce = mail(name).bounce
    assert (bounce.recipient, bounce.status, bounce.message_id) == told


@pytest.mark.parametrize("name", RETURNED)
def test_nobody_answers_a_bounce(name):
    assert mail(name).auto


def test_a_delay_is_no_failure():
    assert not mail("delayed").bounce.permanent


def test_a_full_report_of_failure_is_permanent():
    assert mail("postfix").bounce.permanent


def test_a_daemon_without_any_header_of_daemons_is_known_by_what_it_returns():
    raw = (MAILS / "qmail.eml").read_bytes().partition(b"\nTo:")[2]
    bounce = parse(b"From: mx7@relay.example\nTo:" + raw.replace(b"failure notice", b"your mail"))
    assert bounce.bounce is not None
    assert bounce.bounce.message_id == "t100443.2.9a@corp.example"


def test_a_person_who_forwards_a_bounce_is_a_person():
    body = (MAILS / "exim.eml").read_text().partition("Mail delivery failed")[2]
    raw = f"From: li@corp.example\nSubject: FW: Mail delivery failed{body}"
    assert parse(raw.encode()).bounce is None


def test_a_read_receipt_is_automatic_and_no_bounce():
    kind = 'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"'
    mail = parse(f"From: li@corp.example\n{kind}\n\n--b\n\nread\n--b--".encode())
    assert (mail.auto, mail.bounce) == ("report", None)


@pytest.mark.parametrize("name", ["vacation", "forwarded-by-a-person"])
def test_what_people_send_is_no_bounce(name):
    assert mail(name).bounce is None


def test_a_vacation_note_without_any_header_is_known_by_its_subject():
    assert mail("vacation").auto == "subject"


def test_a_person_who_pastes_an_error_gets_an_answer():
    assert not mail("forwarded-by-a-person").auto


@pytest.mark.parametrize(
    "line",
    [
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "X-Autoreply: yes",
        "Precedence: bulk",
        "List-Id: <staff.corp.example>",
        "Return-Path: <>",
        "From: No Reply <no-reply@shop.example>",
    ],
)
def test_automatic_mail_is_known_by_any_one_sign(line):
    assert parse(f"{line}\r\nSubject: x\r\n\r\nhello".encode()).auto


@pytest.mark.parametrize("line", ["Auto-Submitted: no", "From: Noreen <noreen@corp.example>"])
def test_people_are_not_taken_for_programs(line):
    assert not parse(f"{line}\r\nSubject: x\r\n\r\nhello".encode()).auto


def test_our_own_mail_is_known_by_its_loop_mark():
    assert parse(b"X-Loop: paidan-7f\r\n\r\nhello").is_own("paidan-7f")


# --- authentication -------------------------------------------------------------------------

OURS = "Authentication-Results: mx.corp.example;"
FROM = "From: Li Na <li@corp.example>\r\n"


def believed(head):
    return authentication(parse(f"{head}\r\n\r\nhello".encode()), {"mx.corp.example"})


def test_dmarc_of_our_own_server_is_believed():
    assert believed(f"{OURS} dmarc=pass header.from=corp.example\r\n{FROM}") == "pass"


def test_dkim_and_spf_for_the_domain_are_as_good():
    results = "dkim=pass header.d=corp.example; spf=pass smtp.mailfrom=li@corp.example"
    assert believed(f"{OURS} {results}\r\n{FROM}") == "pass"


@pytest.mark.parametrize(
    "results",
    [
        "dkim=pass header.d=corp.example",
        "spf=pass smtp.mailfrom=li@corp.example",
        "dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=li@corp.example",
        "dkim=pass header.d=example; spf=pass smtp.mailfrom=corp.example",
        "dmarc=pass header.from=evil.example",
        "none",
        "spf=neutral (said: dmarc=pass) smtp.mailfrom=corp.example",
        'spf=none smtp.mailfrom="x; dmarc=pass"@corp.example',
        "dmarc=pass header.from=corp.example; dmarc=none header.from=corp.example",
    ],
)
def test_less_than_that_proves_nothing(results):
    assert believed(f"{OURS} {results}\r\n{FROM}") == "none"


def test_dmarc_that_failed_is_a_failure():
    assert believed(f"{OURS} dmarc=fail header.from=corp.example\r\n{FROM}") == "fail"


def test_nobody_else_may_vouch():
    stranger = "Authentication-Results: mx.evil.example; dmarc=pass header.from=corp.example"
    assert believed(f"{stranger}\r\n{FROM}") == "none"


def test_only_the_topmost_field_of_our_server_counts():
    forged = f"{OURS} dmarc=pass header.from=corp.example"
    assert believed(f"{OURS} dmarc=fail\r\n{forged}\r\n{FROM}") == "fail"


@pytest.mark.parametrize(
    "sender",
    [
        "From: li@corp.example, eve@evil.example",
        "From: li@corp.example\r\nFrom: eve@evil.example",
        "From: staff: li@corp.example;",
        "From: <li@corp.example> <eve@evil.example>",
        "From: li@corp.example eve",
        'From: "li@corp.example',
        "Subject: no sender at all",
    ],
)
def test_a_doubtful_from_is_nobody(sender):
    assert believed(f"{OURS} dmarc=pass\r\n{sender}") == "none"
