"""A reply without its quotes, and never without a word of its sender."""
# ruff: noqa: E501  (quotes as the programs write them)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.trim import visible

OWN = "还是不行,重启也没有用。\n\nIt still fails."
QUOTES = {
    "Gmail": "On Mon, Mar 2, 2026 at 10:00 AM IT Helpdesk <desk@corp.example> wrote:\n> 您好\n> 已派单",
    "Gmail, wrapped": "On Mon, Mar 2, 2026 at 10:00 AM IT Helpdesk\n<desk@corp.example>\nwrote:\n\n> 您好",
    "Gmail, Chinese": "IT Helpdesk <desk@corp.example> 于2026年3月2日周一 10:00写道：\n\n> 您好",
    "163": "在 2026-03-02 10:00:00，\"IT Helpdesk\" <desk@corp.example> 写道：\n您好",
    "163, English": "At 2026-03-02 10:00:00, \"IT Helpdesk\" <desk@corp.example> wrote:\n您好",
    "NetEase": "---- 回复的原邮件 ----\n| 发件人 | 服务台<desk@corp.example> |\n| 日期 | 2026年03月02日 10:00 |",
    "QQ": "------------------ 原始邮件 ------------------\n发件人: \"服务台\" <desk@corp.example>;\n发送时间: 2026年3月2日(星期一) 上午10:00\n收件人: \"李娜\";\n主题: 工单\n\n您好",
    "Outlook, Chinese": "发件人: 服务台 <desk@corp.example>\n发送时间: 2026年3月2日 10:00\n收件人: 李娜\n主题: 工单 100427\n\n您好",
    "Foxmail": "发件人： 服务台\n发送时间： 2026-03-02 10:00\n收件人： 李娜\n主题： 工单\n您好",
    "Outlook": "From: Desk <desk@corp.example>\nSent: Monday, March 2, 2026 10:00 AM\nTo: Li Na\nSubject: Ticket\n\nHello",
    "Outlook, old": "-----Original Message-----\nFrom: Desk\nSent: Monday\nTo: Li Na\nSubject: Ticket\n\nHello",
    "Outlook, German": "Von: Desk <desk@corp.example>\nGesendet: Montag, 2. März 2026 10:00\nAn: Li Na\nBetreff: Auftrag\n\nHallo",
    "Thunderbird, German": "Am 02.03.2026 um 10:00 schrieb Desk:\n> Hallo",
    "Apple, French": "Le 2 mars 2026 à 10:00, Desk <desk@corp.example> a écrit :\n\n> Bonjour",
    "Yahoo, Spanish": "El lunes, 2 de marzo de 2026, 10:00:00 CET, Desk <desk@corp.example> escribió:\n\nHola",
    "Yandex, Russian": "02.03.2026, 10:00, \"Desk\" <desk@corp.example>:\n> Привет",
    "Gmail, Japanese": "2026年3月2日(月) 10:00 Desk <desk@corp.example>:\n\n> こんにちは",
    "Gmail, Korean": "2026년 3월 2일 (월) 오전 10:00, Desk <desk@corp.example>님이 작성:\n\n> 안녕하세요",
    "our own line": "-- 请在此线以上回复 --\n工单 100427 已受理",
    "bare": "> 您好\n> 已派单\n>\n> 服务台",
}  # fmt: skip


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
def test_what_a_mail_program_quotes_is_hidden(quote):
    assert visible(f"{OWN}\n\n{quote}\n") == OWN


def test_answers_between_quoted_lines_leave_everything_visible():
    text = "> Which floor?\n3\n\n> Which room?\n305"
    assert visible(text) == text


@pytest.mark.parametrize("above", ["", "谢谢!\n\n"])
def test_words_below_a_quote_leave_everything_visible(above):
    text = f"{above}{QUOTES['Gmail']}\n\n已经解决,谢谢"
    assert visible(text) == text


def test_who_points_below_is_taken_at_their_word():
    text = f"见下方红字\n\n{QUOTES['Outlook, Chinese']}\n\n3 楼 305"
    assert visible(text) == text


def test_a_forward_inside_a_reply_stays():
    text = "供应商的回复:\n\n---------- Forwarded message ---------\nFrom: a@b.example\n\n明天到货"
    assert visible(text) == text


def test_a_reply_that_is_nothing_but_a_quote_is_shown():
    assert visible(QUOTES["Gmail"]) == QUOTES["Gmail"]


@pytest.mark.parametrize(
    "signature",
    ["-- \n李娜\n财务部", "发自我的iPhone", "Sent from my iPhone", "Get Outlook for iOS<https://aka.ms/o0ukef>", "从 Windows 版邮件发送", "Von meinem iPhone gesendet", "Envoyé de mon iPhone"],
)  # fmt: skip
def test_signatures_are_hidden(signature):
    assert visible(f"{OWN}\n\n{signature}\n") == OWN


@pytest.mark.parametrize(
    "own",
    [
        "1. 打印机\n2. 扫描仪\n3. 传真",
        "On the second floor, the printer wrote garbage:\nÄÖÜ",
        "On 3 March at 10:15 the printer stopped.\nIt wrote: PC LOAD LETTER",
        "From: 珠江新城\nTo: 佛山\n请搬 3 台电脑",
        "--- 错误日志 ---\nERROR 2026-03-02 10:00:00 timeout",
        "Sent from the warehouse yesterday, two boxes are missing",
        "Thanks --\nit works",
        "报错提示如下:\n-- 数据库连接失败 --",
        "2026-03-02 10:00:00 开始出现,联系 li@corp.example",
        "Date: 3 May\nSubject: keyboard",
        "a > b\nc < d",
        "我运行了:\n> ipconfig /all",
    ],
)
def test_what_only_looks_like_a_quote_stays(own):
    assert visible(own) == own


LINES = st.sampled_from(
    [
        "打印机坏了",
        "It still fails.",
        "",
        "> quoted",
        ">> deeper",
        "-- ",
        "--",
        "On 3/3/26 Al wrote:",
        "From: a@b.example",
        "Sent: Monday 10:00",
        "Subject: x",
        "________",
        "Sent from my iPhone",
    ]
)


@given(st.lists(LINES, max_size=12))
def test_trimming_only_takes_away_from_the_end(lines):
    text = "\n".join(lines)
    assert text.strip("\n").startswith(visible(text))


@given(st.lists(LINES, max_size=12))
def test_trimming_twice_changes_nothing(lines):
    once = visible("\n".join(lines))
    assert visible(once) == once or not once.strip()
