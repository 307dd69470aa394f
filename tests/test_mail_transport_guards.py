"""The desk falls silent before a loop becomes a storm, without trusting a single header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.guards import (
    Counts,
    counted,
    echoes,
    is_machine,
    may_acknowledge,
    may_reopen,
    words_of,
)
from core.words import say

SENDER = "wang@example.com"
few = st.integers(0, 300)
counts = st.builds(
    Counts,
    to_sender_on_ticket=few,
    to_sender_this_hour=few,
    from_sender_this_hour=few,
    by_desk_in_ten_minutes=few,
)


def test_a_persons_first_mail_is_acknowledged():
    assert may_acknowledge(SENDER, Counts(), automatic=False).acknowledge


@pytest.mark.parametrize(
    ("reached", "why"),
    [
        (Counts(to_sender_on_ticket=1), "silent_acknowledged"),
        (Counts(to_sender_this_hour=5), "silent_often"),
        (Counts(from_sender_this_hour=20), "silent_flood"),
        (Counts(by_desk_in_ten_minutes=200), "silent_storm"),
        (Counts(prompt_this_hour=2), "silent_prompt"),
        (Counts(alike_this_hour=1), "silent_repeated"),
        (Counts(echoes=True), "silent_echo"),
    ],
)
def test_each_limit_silences_and_says_why(reached, why):
    verdict = may_acknowledge(SENDER, reached, automatic=False)
    assert (verdict.acknowledge, verdict.why) == (False, why)


@pytest.mark.parametrize(
    "below",
    [
        Counts(to_sender_this_hour=4),
        Counts(from_sender_this_hour=19),
        Counts(by_desk_in_ten_minutes=199),
        Counts(prompt_this_hour=1),
    ],
)
def test_one_below_a_limit_is_answered(below):
    assert may_acknowledge(SENDER, below, automatic=False).acknowledge


def test_a_flood_is_held_for_a_person():
    assert may_acknowledge(SENDER, Counts(from_sender_this_hour=20), automatic=False).hold


def test_a_storm_is_told_whoever_wrote():
    assert may_acknowledge(SENDER, Counts(by_desk_in_ten_minutes=200), automatic=True).storm


def test_counts_that_cannot_be_read_mean_silence():
    assert not may_acknowledge(SENDER, None, automatic=False).acknowledge


@given(counts)
def test_machine_mail_is_never_acknowledged(reached):
    assert not may_acknowledge(SENDER, reached, automatic=True).acknowledge
    assert not may_acknowledge("", reached, automatic=False).acknowledge


@given(counts, counts)
def test_more_mail_never_loosens_a_tongue(fewer, more):
    names = (
        "to_sender_on_ticket", "to_sender_this_hour", "from_sender_this_hour",
        "by_desk_in_ten_minutes",
    )  # fmt: skip
    summed = Counts(**{name: getattr(fewer, name) + getattr(more, name) for name in names})
    if may_acknowledge(SENDER, summed, automatic=False).acknowledge:
        assert may_acknowledge(SENDER, fewer, automatic=False).acknowledge


@pytest.mark.parametrize(
    "address",
    [
        "MAILER-DAEMON@x.com",
        "postmaster@x.com",
        "no-reply@x.com",
        "noreply-12@x.com",
        "<>",
        "bounces+a=b@x.com",
    ],
)
def test_addresses_without_a_reader_are_known(address):
    assert is_machine(address)


@pytest.mark.parametrize("address", ["wang@x.com", "reply@x.com", "bouncer@x.com", "no@x.com"])
def test_people_are_not_taken_for_machines(address):
    assert not is_machine(address)


def test_a_changing_digit_or_tag_makes_no_new_sender():
    assert len({counted(f"Case{n}+x{n}@crm.example") for n in range(50)}) == 1


def test_people_whose_address_is_a_number_stay_apart():
    assert counted("10001@qq.com") != counted("10002@qq.com")


def test_numbers_make_no_other_words():
    assert words_of("", "Your case 4711 was opened at 10:31") == words_of(
        "", "Your case 4712 was opened at 10:35"
    )


def test_two_short_texts_differ_by_their_subjects():
    assert words_of("打印机", "坏了") != words_of("收银机", "坏了")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_our_own_acknowledgement_is_known_in_every_language(language):
    slots = {"number": "100427", "symptom": "卡纸"}
    assert echoes(say("ticket_opened", slots, language=language, context="mail"))
    assert not echoes("三楼的打印机卡纸了,请尽快派人来看一下。")


@pytest.mark.parametrize(
    ("reopened", "automatic", "may"), [(0, False, True), (1, False, False), (0, True, False)]
)
def test_a_ticket_reopens_for_people_and_not_over_and_over(reopened, automatic, may):
    assert may_reopen(reopened, automatic=automatic) is may
