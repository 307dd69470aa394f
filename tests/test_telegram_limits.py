"""No payload goes over a limit of Telegram's, whatever a renderer or a person brings."""

from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.telegram.limits import (
    BUTTON_DATA,
    BUTTONS,
    BUTTONS_IN_A_ROW,
    CAPTION,
    TEXT,
    Button,
    ChatMessage,
    Key,
    Upload,
    clip,
    fit,
    units,
    visible,
    whole,
)

anything = st.text(st.characters(codec=None), max_size=60)  # halves of characters, too
long_texts = st.builds(lambda piece, times: piece * times, anything, st.integers(0, 400))
buttons = st.builds(Button, label=anything, data=st.text(st.characters(codec="utf-8"), max_size=40))
keyboards = st.lists(st.lists(buttons, max_size=30).map(tuple), max_size=12).map(tuple)


@given(text=anything, limit=st.integers(0, 40))
def test_a_clipped_text_fits_and_is_whole(text: str, limit: int) -> None:
    clipped = clip(whole(text), limit)
    assert units(clipped) <= limit
    clipped.encode()


@given(text=anything)
def test_a_text_that_fits_is_not_touched(text: str) -> None:
    assert clip(text, units(text)) == text


def test_an_emoji_is_not_cut_in_two() -> None:
    assert clip("a😀😀", 4) == "a😀…"


@given(text=long_texts, markup=st.booleans(), photo=st.booleans(), rows=keyboards)
def test_no_payload_goes_over_a_limit(
    text: str, markup: bool, photo: bool, rows: tuple[tuple[Button, ...], ...]
) -> None:
    html = f"<b>{escape(text)}</b>" if markup else escape(text)
    files = (Upload("", b"png", "photo"),) if photo else ()
    message, _ = fit(ChatMessage(html=html, buttons=rows, files=files))
    assert units(visible(message.html)) <= (CAPTION if photo else TEXT)
    assert sum(map(len, message.buttons)) <= BUTTONS
    assert all(0 < len(row) <= BUTTONS_IN_A_ROW for row in message.buttons)
    for button in (button for row in message.buttons for button in row):
        assert 0 < len(button.data.encode()) <= BUTTON_DATA
        assert button.label.strip()
        button.label.encode()
    message.html.encode()


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=TEXT // 2))
def test_a_message_inside_the_limits_goes_out_as_it_is(text: str) -> None:
    message = ChatMessage(html=escape(text), buttons=((Button("是", "1"),),))
    assert fit(message) == (message, ())


def test_a_long_text_loses_its_markup_and_not_its_tags_in_the_middle() -> None:
    message, cuts = fit(ChatMessage(html="<b>" + "&lt;坏&gt;" * 2000 + "</b>"))
    assert visible(message.html) == clip("<坏>" * 2000, TEXT)
    assert cuts == ("text_too_long",)


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("<b>a</b>&amp;<i>&lt;b&gt;</i>", "a&<b>"),
        ('<a href="x">y</a>', "y"),
        ("1 < 2 <坏> <foo bar> </foo> <br/>", "1 < 2 <坏> <foo bar> </foo> <br/>"),
        ("a <b", "a <b"),
    ],
)
def test_a_reader_sees_everything_but_tags(html: str, seen: str) -> None:
    assert visible(html) == seen


def test_buttons_and_keys_in_one_message_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="not both"):
        ChatMessage(html="x", buttons=((Button("a", "1"),),), reply_keyboard=((Key("b"),),))
