"""Passwords in messages are found, and talk about passwords is left alone (R-112)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.understand import mask_passwords, mentions_password


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("密码是Abc12345", "密码是••••••"),
        ("我的密碼係 abc@2020 唔該", "我的密碼係 •••••• 唔該"),
        ("my password is hunter2!", "my password is ••••••!"),
        ("password: hunter", "password: ••••••"),
        ("pwd=Qwer1234, thanks", "pwd=••••••, thanks"),
        ("登录名 zhang 密码 Aa123456", "登录名 zhang 密码 ••••••"),
        ("user: admin / P@ssw0rd", "user: admin / ••••••"),
    ],
)
def test_a_password_is_masked(text, masked):
    assert mask_passwords(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "密码忘了 电脑锁住了 工号8023",
        "密码错误3次",
        "密码：忘记了",
        "password is expired",
        "forgot vpn pwd, locked after 5 tries",
        "Outlook pops up a password box every minute",
        "password: expired",
        "please reset my password, ext 2041",
    ],
)
def test_talk_about_passwords_is_left_alone(text):
    assert mentions_password(text) == ()


@given(secret=st.from_regex(r"[A-Za-z]{3,8}[0-9]{2,6}", fullmatch=True))
def test_no_letter_of_a_told_password_is_left(secret):
    assert secret not in mask_passwords(f"电脑登不上 密码：{secret} 天河")


@given(text=st.text(max_size=200))
def test_spans_lie_in_the_text_and_apart(text):
    ends = 0
    for span in mentions_password(text):
        assert ends <= span.start < span.end <= len(text)
        ends = span.end
