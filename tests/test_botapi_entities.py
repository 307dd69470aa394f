"""Telegram's HTML, read as strictly as Telegram reads it."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.trial.botapi.entities import clean, plain, read, units
from bot.trial.botapi.values import Refused

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("<nope>x</nope>", 'Unsupported start tag "nope" at byte offset 0'),
        ("打<b>印", 'Can\'t find end tag corresponding to start tag "b"'),
        (
            "打<b>印</i>",
            'Unmatched end tag at byte offset 9, expected "</b>", found "</i>"',
        ),
        ("打印</b>", "Unexpected end tag at byte offset 6"),
        ("3 < 4", 'Unsupported start tag "" at byte offset 2'),
        ("x <b", "Unclosed start tag at byte offset 2"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ('<a href="x>y</a>', 'Unclosed start tag "a" at byte offset 0'),
        ("<a href>y</a>", "Expected equal sign in declaration of an attribute of the tag"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_a_slip_refuses_the_message_and_says_where(source, complaint):
    with pytest.raises(Refused) as caught:
        read(source, "HTML")
    assert caught.value.code == 400
    assert f"can't parse entities: {complaint}" in caught.value.description


def test_offsets_count_utf16_units():
    marked = read("😀<b>急</b>", "HTML")
    assert marked.entities == [{"type": "bold", "offset": 2, "length": 1}]


def test_nested_tags_become_nested_entities():
    marked = read('<b>一<a href="https://x.example">二</a></b>', "HTML")
    assert marked.text == "一二"
    assert [entity["type"] for entity in marked.entities] == ["bold", "text_link"]
    assert marked.entities[1]["url"] == "https://x.example"


def test_unknown_references_stay_as_they_were_typed():
    assert read("&lt;&copy;&#33;&amp;lt;", "HTML").text == "<&copy;!&lt;"


def test_spaces_around_a_message_are_cut_with_their_entities():
    marked = read("  <b> x </b>  ", "HTML")
    assert (marked.text, marked.entities) == ("x", [{"type": "bold", "offset": 0, "length": 1}])


def test_a_direction_override_does_not_pass():
    assert plain("abc\u202egpj.exe\u0007").text == "abcgpj.exe"


def test_commands_are_found_and_links_are_not_taken_for_them():
    found = plain("/new@desk_bot https://x.example/new a/b").entities
    assert [entity["type"] for entity in found] == ["bot_command", "url"]


@given(words)
def test_escaped_text_arrives_as_it_was(text):
    assert read(html.escape(text), "HTML").text == clean(text).strip()


@given(words, words)
def test_a_tag_covers_exactly_what_it_embraces(before, inside):
    before, inside = f"x{clean(before)}", f"y{clean(inside)}y"
    marked = read(f"{html.escape(before)}<b>{html.escape(inside)}</b>", "HTML")
    bold = next(entity for entity in marked.entities if entity["type"] == "bold")
    assert (bold["offset"], bold["length"]) == (units(before), units(inside))


def test_a_telephone_number_can_be_tapped() -> None:
    (found,) = plain("📞 李伟 +8613800000101点一下，不是 1+12345").entities
    assert found == {"type": "phone_number", "offset": 6, "length": 14}
