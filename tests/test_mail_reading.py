"""What the desk reads in a mail: people, text, files, and nothing that is not there."""
# ruff: noqa: E501  (broken mails on one line each)

import base64
import json
import struct
import subprocess
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from channels.mail import page, tnef
from channels.mail.files import safe_name
from channels.mail.headers import people
from channels.mail.parse import Person, parse, show

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def composed(text="打印机坏了", **fields):
    mail = EmailMessage(policy=SMTP)
    fields = {"From": "李娜 <li@corp.example>", "Subject": "报修", **fields}
    for name, value in fields.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def multipart(*parts, kind="mixed", head=""):
    body = "".join(f"--b\r\n{part}\r\n" for part in parts)
    head = f"{head}Content-Type: multipart/{kind}; boundary=b\r\n\r\n"
    return f"{head}{body}--b--\r\n".encode()


PLAIN, HTML = "Content-Type: text/plain\r\n\r\n", "Content-Type: text/html\r\n\r\n"


# --- head -----------------------------------------------------------------------------------


def test_the_envelope_of_an_ordinary_mail():
    raw = composed(
        Message_ID="<1@corp.example>", In_Reply_To="<0@desk>", References="<a@x> <0@desk>"
    )
    mail = parse(raw.as_bytes())
    assert (mail.sender, mail.subject) == (Person("李娜", "li@corp.example"), "报修")
    assert (mail.message_id, mail.in_reply_to) == ("1@corp.example", ("0@desk",))
    assert mail.references == ("a@x", "0@desk")


def test_a_date_is_kept_in_universal_time():
    mail = parse(composed(Date="Mon, 02 Mar 2026 09:00:00 +0800").as_bytes())
    assert mail.sent_at == datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "tomorrow", "Mon, 99 Mar 2026 99:00", "1 Jan 99999 00:00"])
def test_a_date_that_is_none_is_none(date):
    assert parse(f"Date: {date}\r\n\r\nx".encode()).sent_at is None


@pytest.mark.parametrize(
    ("field", "person"),
    [
        (b"li@corp.example", ("", "li@corp.example")),
        (b"li@corp.example (Li Na)", ("Li Na", "li@corp.example")),
        (b'"Li, Na" <li@corp.example>', ("Li, Na", "li@corp.example")),
        (b"=?utf-8?Q?Li,_Na?= <li@corp.example>", ("Li, Na", "li@corp.example")),
        (b'"Li Na <li@corp.example>', ("Li Na", "li@corp.example")),
        (b"<@relay:li@corp.example>", ("", "li@corp.example")),
        (b"Li Na", ("Li Na", "")),
        (b"Na, Li <li@corp.example>", ("Na, Li", "li@corp.example")),
        (b"<mailto:li@corp.example>", ("", "li@corp.example")),
        (b"Li Na <<li@corp.example>>.", ("Li Na", "li@corp.example")),
        (b"=?utf-8?Q?Li_Na_<li@corp.example>?=", ("Li Na", "li@corp.example")),
    ],
)
def test_one_person_in_many_spellings(field, person):
    assert people(field).all == (Person(*person),)


def test_two_people_without_a_comma_are_two_and_nobodys_identity():
    mail = parse(b"From: A <a@x.example> B <b@x.example>\r\n\r\nx")
    assert [person.addr for person in mail.senders] == ["a@x.example", "b@x.example"]
    assert mail.identity == ""


def test_an_address_inside_an_encoded_name_is_nobodys_identity():
    assert parse(b"From: =?utf-8?Q?Li_<li@corp.example>?=\r\n\r\nx").identity == ""


def test_a_group_is_its_members():
    found = people(b"Staff: a@x.example, B <b@x.example>; undisclosed-recipients:;")
    assert [person.addr for person in found.all] == ["a@x.example", "b@x.example"]


def test_no_more_than_a_thousand_recipients_are_kept():
    raw = b"To: " + b", ".join(b"u%d@x.example" % i for i in range(3_000)) + b"\r\n\r\nx"
    assert len(parse(raw).to) == 1_000


# --- body -----------------------------------------------------------------------------------


def test_plain_text_is_preferred_to_html():
    raw = multipart(f"{PLAIN}plain", f"{HTML}<p>page</p>", kind="alternative")
    assert parse(raw).text == "plain"


@pytest.mark.parametrize("stub", ["", "Your mail program does not support HTML messages."])
def test_html_is_read_where_the_plain_text_says_nothing(stub):
    raw = multipart(f"{PLAIN}{stub}", f"{HTML}<p>三楼<br>打印机</p>", kind="alternative")
    assert parse(raw).text == "三楼\n打印机"


def test_text_around_a_picture_is_one_text():
    picture = "Content-Type: image/png\r\n\r\npixels"
    assert parse(multipart(f"{PLAIN}before", picture, f"{PLAIN}after")).text == "before\n\nafter"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b", "a\n\nb"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<style>p{}</style><script>if(a<b)</script>b", "ab"),
        ("<ul><li>x<li>y</ul>", "- x\n- y"),
        ("<blockquote>old<br>older</blockquote>new", "> old\n> older\n\nnew"),
        ("<a href='https://x.example/a'>here</a>", "here <https://x.example/a>"),
        ("<a href='https://x.example'>https://x.example</a>", "https://x.example"),
        ("<p style='display:none'>secret</p>seen", "seen"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<pre>x\n  y</pre>", "x\n  y"),
        ("5 < 6 &amp; 7 &gt; 6", "5 < 6 & 7 > 6"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
        ("before<!-- no --><![if x]>after", "beforeafter"),
        ("<head><title>t</title></head><body>b</body>", "b"),
        ("unclosed <b", "unclosed <b"),
    ],
)
def test_html_becomes_the_words_on_the_page(html, text):
    assert page.to_text(html) == text


@pytest.mark.parametrize(
    "kind", ["<html>", "html", "text/htm", "text/xhtml", "application/xhtml+xml"]
)
def test_a_page_is_one_by_whatever_name(kind):
    assert parse(f"Content-Type: {kind}\r\n\r\n<p>三楼</p>".encode()).text == "三楼"


def test_a_page_may_say_itself_in_what_charset_it_is():
    head = "Content-Type: text/html\r\n\r\n<meta charset='iso-8859-2'><p>Tiskárna přijďte</p>"
    assert parse(head.encode("iso-8859-2")).text == "Tiskárna přijďte"


def test_an_invitation_without_a_body_says_what_and_when():
    event = "BEGIN:VEVENT\r\nSUMMARY:巡检\r\nDTSTART:20260302T010000Z\r\nLOCATION:珠江新城\r\nEND:VEVENT"
    raw = f"Content-Type: text/calendar; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\n{event}\r\n"
    mail = parse(raw.encode())
    assert mail.text == "巡检\n2026-03-02 01:00 UTC\n珠江新城"
    assert [file.name for file in mail.files] == ["invite.ics"]


def test_first_mails_and_forwards_are_shown_whole():
    text = "见下\n\nOn Mon, 2 Mar 2026 10:00, A <a@x.example> wrote:\n> hello\n"
    first, forward = composed(text), composed(text, Subject="转发: x", In_Reply_To="<1@x>")
    assert "hello" in parse(first.as_bytes()).visible
    assert "hello" in parse(forward.as_bytes()).visible


def test_a_reply_is_trimmed_and_its_full_text_kept():
    text = "好了\n\nOn Mon, 2 Mar 2026 10:00, A <a@x.example> wrote:\n> hello\n"
    mail = parse(composed(text, In_Reply_To="<1@x>").as_bytes())
    assert (mail.visible, "hello" in mail.text) == ("好了", True)


# --- files ----------------------------------------------------------------------------------


def test_a_file_keeps_its_name_and_bytes():
    raw = composed()
    raw.add_attachment(PNG, maintype="image", subtype="png", filename="截图.png")
    (file,) = parse(raw.as_bytes()).files
    assert (file.name, file.type, file.content) == ("截图.png", "image/png", PNG)


def test_a_picture_in_the_text_can_be_found_by_its_id():
    picture = f"Content-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\n{'x' * 99}"
    (file,) = parse(multipart(f"{HTML}<img src='cid:logo@x'>", picture, kind="related")).files
    assert (file.content_id, file.inline, file.folds) == ("logo@x", True, True)


def test_a_mail_inside_a_mail_is_one_file():
    inner = "Content-Type: message/rfc822\r\n\r\nSubject: old\r\nFrom: a@x.example\r\n\r\nold text"
    mail = parse(multipart(f"{PLAIN}see attached", inner))
    assert (mail.text, [file.name for file in mail.files]) == ("see attached", ["old.eml"])


def test_a_program_under_the_flag_of_a_picture_is_a_program():
    raw = composed()
    raw.add_attachment(b"MZ\x90\0", maintype="image", subtype="png", filename="a.png")
    assert parse(raw.as_bytes()).files[0].true_type == "application/x-msdownload"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\li\\图.png", "图.png"),
        ("gnp.\u202eexe", "gnp.exe"),
        ("a\0b\r\n.txt", "ab.txt"),
        ("...", ""),
        ("图" * 300 + ".png", "图" * 65 + ".png"),
    ],
)
def test_file_names_are_made_harmless(given, kept):
    assert safe_name(given) == kept


@pytest.mark.parametrize(
    "head",
    [
        "filename*=utf-8''%E5%9B%BE.png",
        "filename*0*=utf-8''%E5%9B; filename*1*=%BE.png",
        'filename="=?utf-8?B?5Zu+LnBuZw==?="',
        'filename="图.png"',
        "filename=图.png",
    ],
)
def test_file_names_in_every_spelling(head):
    part = f"Content-Type: image/png\r\nContent-Disposition: attachment; {head}\r\n\r\nx"
    assert parse(multipart(f"{PLAIN}x", part)).files[0].name == "图.png"


def test_a_file_may_be_named_in_its_description():
    head = "Content-Type: application/pdf\r\nContent-Description: plan.pdf\r\n\r\nx"
    assert parse(multipart(f"{PLAIN}x", head)).files[0].name == "plan.pdf"


def test_a_description_in_words_names_no_file():
    head = "Content-Type: application/pdf\r\nContent-Description: The plan. See floor 3\r\n\r\nx"
    assert parse(multipart(f"{PLAIN}x", head)).files[0].name == ""


@pytest.mark.parametrize("closing", ["--b--", ""])
def test_a_multipart_with_the_boundary_of_the_one_around_it(closing):
    """Outlook for Mac, and viruses: a reader that stops at the first end loses the file."""
    inner = "Content-Type: multipart/alternative; boundary=b\r\n"
    texts = (f"{PLAIN}plain", f"{HTML}<p>page</p>")
    file = "Content-Type: image/png; name=a.png\r\n\r\nx"
    last = f"{texts[1]}\r\n{closing}" if closing else texts[1]
    mail = parse(multipart(inner, texts[0], last, file))
    assert (mail.text, [file.name for file in mail.files]) == ("plain", ["a.png"])


def test_what_follows_the_last_boundary_is_in_no_file():
    file = "Content-Disposition: attachment; filename=a.txt\r\n\r\nx"
    raw = multipart(f"{PLAIN}x", file).replace(b"--b--\r\n", b"--b-->\r\nadvertisement")
    assert parse(raw).files[0].content == b"x"


@pytest.mark.parametrize("label", ["base-64", '"base64"', "base64;", "Base64 (coded)"])
def test_a_transfer_encoding_is_known_in_any_spelling(label):
    head = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {label}\r\n\r\n"
    assert parse(head.encode() + base64.encodebytes("打印机".encode())).text == "打印机"


def test_uuencoded_files_are_taken_out_of_the_text():
    raw = b"Subject: x\n\nbefore\nbegin 644 a.txt\n#0V%T\n`\nend\nafter\n"
    mail = parse(raw)
    assert mail.text == "before\nafter\n"
    assert [(file.name, file.content) for file in mail.files] == [("a.txt", b"Cat")]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.rstrip(b"=\n"),
        lambda data: data + b"!",
        lambda data: b"*" + data,
        lambda data: data.replace(b"\n", b" \r\n"),
    ],
)
def test_damaged_base64_gives_what_it_has(damage):
    data = damage(base64.encodebytes("打印机坏了,".encode()))
    raw = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + data
    assert parse(raw).text.startswith("打印机坏了")


def test_what_a_gateway_adds_below_base64_spoils_nothing():
    notice = (
        b"\r\nThis message is confidential. If it is not for you, please tell us and delete it."
    )
    raw = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    text = parse(raw + base64.encodebytes("打印机坏了".encode()) + notice).text
    assert text.splitlines() == ["打印机坏了", *notice.decode().splitlines()]


# --- winmail.dat ----------------------------------------------------------------------------


def attribute(kind, data, level=2):
    return (
        struct.pack("<BII", level, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)
    )


def string_property(key, text):
    data = f"{text}\0".encode("utf-16-le")
    return struct.pack("<HHII", 0x1F, key, 1, len(data)) + data + bytes(-len(data) % 4)


def winmail(*names):
    packed = b"".join(
        attribute(0x00069002, bytes(14))
        + attribute(0x0006800F, f"content of {name}".encode())
        + attribute(0x00069005, struct.pack("<I", 1) + string_property(0x3707, name))
        for name in names
    )
    return tnef.SIGNATURE + b"\1\0" + attribute(0x0002800C, b"body text\0", level=1) + packed


def with_winmail(data):
    encoded = base64.encodebytes(data).decode()
    head = (
        "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64"
    )
    return multipart(f"{head}\r\n\r\n{encoded}")


def test_files_inside_winmail_dat_are_brought_out():
    mail = parse(with_winmail(winmail("说明.txt", "b.txt")))
    assert [file.name for file in mail.files] == ["winmail.dat", "说明.txt", "b.txt"]
    assert mail.files[1].content == "content of 说明.txt".encode()


def test_the_text_inside_winmail_dat_is_read_when_there_is_no_other():
    assert parse(with_winmail(winmail())).text == "body text"


@pytest.mark.parametrize("length", range(0, len(winmail("a.txt")), 7))
def test_a_winmail_dat_cut_off_anywhere_is_kept_as_it_is(length):
    assert parse(with_winmail(winmail("a.txt")[:length])).files[0].name == "winmail.dat"


# --- broken mail ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        "just text, no header: 打印机坏了".encode(),
        "Subject: x\r\n打印机坏了".encode(),
        "Subject: x\r\r\n\r\r\n打印机坏了".encode(),
        "Subject: x\rContent-Type: text/plain\r\r打印机坏了".encode(),
        "Content-Type: multipart/mixed; boundary=zz\r\n\r\n打印机坏了".encode(),
        "Content-Type: multipart/mixed\r\n\r\n打印机坏了".encode(),
        'Content-Type: multipart/mixed\r\n\tboundary="b"\r\n\r\n--b\r\n\r\n打印机坏了\r\n--b--'.encode(),
        "Content-Type: multipart/mixed; boundary=A\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n打印机坏了".encode(),
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n打印机坏了".encode(),
        "Content-Type: nonsense\r\n\r\n打印机坏了".encode(),
        "Content-Type: text/plain; charset=nonsense\r\n\r\n打印机坏了".encode(),
        "Content-Transfer-Encoding: nonsense\r\n\r\n打印机坏了".encode(),
        "From nobody Mon Mar  2 2026\r\nSubject: x\r\n\r\n打印机坏了".encode(),
        " Subject: x\r\nFrom: a@x.example\r\n\r\n打印机坏了".encode(),
        "Content-Transfer-Encoding: base64\r\n\r\n打印机坏了".encode(),
        "Content-Transfer-Encoding: base64\r\n\r\nThe printer is broken, its display says: 打印机坏了".encode(),
        "Content-Type: plain/text\r\n\r\n打印机坏了".encode(),
        "Content-Type: multipart/mixed; boundary=b c\r\n\r\n--b c\r\nContent-Type: text/plain\r\n\r\n打印机坏了".encode(),
        "Subject: x\r\nstray line\r\nTo: a@x.example\r\n\r\n打印机坏了".encode(),
    ],
)  # fmt: skip
def test_a_broken_mail_keeps_its_words(raw):
    assert "打印机坏了" in parse(raw).text


def test_a_blank_before_the_first_field_costs_no_field():
    assert parse(b" From: a@x.example\r\nSubject: x\r\n\r\nx").identity == "a@x.example"


def test_nothing_is_a_mail_too():
    assert (parse(b"").subject, parse(b"").text) == ("", "")


# --- the command ----------------------------------------------------------------------------


def run(*arguments, given=b""):
    command = [sys.executable, "-m", "channels.mail", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def test_the_command_shows_a_file(tmp_path):
    mail = tmp_path / "mail.eml"
    mail.write_bytes(composed().as_bytes())
    assert json.loads(run("show", str(mail)).stdout) == show(mail.read_bytes())


def test_the_command_reads_standard_input():
    assert json.loads(run("show", given=composed().as_bytes()).stdout)["subject"] == "报修"


def test_the_command_names_a_file_that_is_not_there():
    done = run("show", "/nowhere.eml")
    assert (done.returncode, b"/nowhere.eml" in done.stderr) == (1, True)


def test_showing_a_mail_loads_no_heavy_library():
    script = "import sys, channels.mail.parse; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert not {b"selectolax", b"charset_normalizer", b"asyncio"} & {*loaded.stdout.split()}
