"""Texts whose charset label is wrong, missing or unheard of are read all the same."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.charset import clean, decode
from channels.mail.headers import text_of
from channels.mail.parse import parse

PRINTER = "三楼打印机卡纸,请尽快处理"
MISLABELLED = {
    "no label at all": (PRINTER, "gbk", ""),
    "ascii, but GBK": (PRINTER, "gbk", "us-ascii"),
    "latin-1, but GBK": (PRINTER, "gbk", "iso-8859-1"),
    "utf-8, but GBK": (PRINTER, "gbk", "utf-8"),
    "unknown-8bit": (PRINTER, "gbk", "unknown-8bit"),
    "x-unknown": (PRINTER, "gbk", "x-unknown"),
    "x-gbk": (PRINTER, "gbk", "x-gbk"),
    "gb2312_charset": (PRINTER, "gbk", "gb2312_charset"),
    "gb2312, but a rare name of GBK": ("朱镕基、陶喆", "gbk", "gb2312"),
    "gb2312, but four bytes of GB18030": ("㐀㒨𠀀", "gb18030", "gb2312"),
    "gb2312, but UTF-8": (PRINTER, "utf-8", "gb2312"),
    "gb2312, but UTF-8 that would pass for GBK": ("打印故障", "utf-8", "gb2312"),
    "latin-1, but UTF-8": ("naïve café", "utf-8", "iso-8859-1"),
    "big5 with characters of Hong Kong": ("佢喺嘢度", "big5hkscs", "big5"),
    "euc-kr, but cp949": ("똠방각하 펲시콜라", "cp949", "ks_c_5601-1987"),
    "shift_jis, but cp932": ("①番の髙橋さん", "cp932", "shift_jis"),
    "windows-31j": ("プリンターが故障", "cp932", "windows-31j"),
    "latin-1, but cp1252": ("“smart” – 5 €", "cp1252", "iso-8859-1"),
    "iso-8859-8-i": ("המדפסת", "iso8859-8", "iso-8859-8-i"),
    "cp-850": ("Gerät defekt", "cp850", "cp-850"),
    "utf8mb4": ("打印机 🖨", "utf-8", "utf8mb4"),
    "iso-2022-jp": ("プリンター", "iso2022_jp", "ISO-2022-JP"),
    "hz": ("打印机", "hz", "hz-gb-2312"),
}


@pytest.mark.parametrize(("text", "codec", "label"), MISLABELLED.values(), ids=MISLABELLED)
def test_a_wrong_label_does_not_spoil_the_text(text, codec, label):
    assert decode(text.encode(codec), label).text == text


@pytest.mark.parametrize(("text", "codec", "label"), MISLABELLED.values(), ids=MISLABELLED)
def test_nor_does_it_in_the_body_of_a_mail(text, codec, label):
    kind = f'Content-Type: text/plain; charset="{label}"\r\n' if label else ""
    head = f"Subject: x\r\n{kind}Content-Transfer-Encoding: base64\r\n\r\n"
    assert parse(head.encode() + base64.encodebytes(text.encode(codec))).text == text


@given(st.binary(), st.text(max_size=20))
def test_any_bytes_under_any_label_become_text(data, label):
    assert isinstance(decode(data, label).text, str)


@given(st.text())
def test_clean_text_can_be_stored(text):
    assert not set(clean(text)) & {chr(code) for code in range(32) if chr(code) not in "\t\n"}


def test_half_a_character_is_replaced():
    assert clean("a\ud83d.") == "a\ufffd."


def test_raw_bytes_in_a_header_are_read_like_the_body():
    raw = "Subject: 网络很慢\r\nContent-Type: text/plain; charset=gbk\r\n\r\n你好".encode("gbk")
    assert parse(raw).subject == "网络很慢"


def test_raw_latin_bytes_in_a_header_are_read_like_a_latin_body():
    head = "Subject: Größe\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nschön"
    assert parse(head.encode("latin-1")).subject == "Größe"


def test_a_character_split_between_two_encoded_words_is_whole_again():
    data = "打印机坏了".encode("gbk")
    words = [base64.b64encode(half).decode() for half in (data[:3], data[3:])]
    assert text_of(" ".join(f"=?gb2312?B?{word}?=" for word in words).encode()) == "打印机坏了"


def test_an_encoded_word_without_its_end_is_read_all_the_same():
    word = base64.b64encode("打印机坏了".encode()).decode()
    assert text_of(f"Re: =?utf-8?B?{word}".encode()) == "Re: 打印机坏了"


def test_windows_marks_that_a_gateway_took_for_latin_are_marks_again():
    assert clean("It\x92s \x93now\x94, 5 \x80") == "It’s “now”, 5 €"


def test_a_line_break_hidden_in_a_header_makes_no_new_header():
    assert text_of(b"=?utf-8?Q?hi=0D=0ABcc:x@example.org?=") == "hi Bcc:x@example.org"


def test_composed_and_decomposed_letters_are_the_same():
    assert clean("e\u0301") == "é"


@pytest.mark.parametrize("label", ["utf-8", ""])
def test_utf8_cut_inside_a_character_is_still_utf8(label):
    assert decode(PRINTER.encode()[:-1], label).text.startswith(PRINTER[:-1])
