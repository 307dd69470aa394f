"""One text that arrives in parts or twice, and what reports say over time."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sms.joining import Seen, fingerprint, mark_repeat, stitch
from channels.sms.receipts import State, advance, doubtful, silent
from core.messages import Inbound
from tests.sms_servers.golden import NOW, PHONE

LONG = "打" * 67


def text(body, key="m1", after=0.0, sender=PHONE, **detail):
    at = NOW + timedelta(seconds=after)
    return Inbound(
        channel="sms", account="phone", external_id=key, sender=sender, text=body,
        occurred_at=at, received_at=at, detail={k.replace("_", "-"): v for k, v in detail.items()},
    )  # fmt: skip


def part(body, place, total="2", ref="16", after=0.0, **more):
    return text(
        body, f"p{ref}-{place}-{after}", after, concat_ref=ref, concat_total=total,
        concat_part=place, **more,
    )  # fmt: skip


def seen(message):
    return Seen(
        external_id=message.external_id,
        fingerprint=fingerprint(message.sender, message.text),
        received_at=message.received_at,
    )


def later(seconds):
    return NOW + timedelta(seconds=seconds)


# --- repeats ---


def test_the_same_text_under_another_id_is_marked_and_kept():
    first, again = text("打印机坏了", "1"), text("打印机坏了 ", "2", after=60)
    marked = mark_repeat(again, [seen(first)])
    assert (marked.text, marked.detail) == (again.text, {"repeat_of": "1"})


@pytest.mark.parametrize(
    "other",
    [
        text("打印机坏了", "2", after=121),
        text("打印机好了", "2", after=1),
        text("打印机坏了", "2", after=1, sender="+8613800138001"),
        text("打印机坏了", "1", after=1),
    ],
    ids=["two minutes later", "another text", "another sender", "the same id"],
)
def test_what_is_no_repetition_stays_unmarked(other):
    assert mark_repeat(other, [seen(text("打印机坏了", "1"))]) == other


# --- parts ---


@pytest.mark.parametrize("order", list(permutations("123")), ids="".join)
def test_numbered_parts_are_joined_in_any_order(order):
    arriving = [part(f"[{place}]", place, "3", after=n) for n, place in enumerate(order)]
    joined = stitch(arriving, later(3))
    assert ([one.text for one in joined.whole], joined.waiting) == (["[1][2][3]"], ())


def test_a_part_that_comes_twice_is_said_once():
    arriving = [part("a", "1"), part("a", "1", after=1), part("b", "2", after=2)]
    assert [one.text for one in stitch(arriving, later(3)).whole] == ["ab"]


def test_a_missing_part_is_waited_for_and_then_shown_as_a_gap():
    arriving = [part("b", "2")]
    assert stitch(arriving, later(60)).waiting == tuple(arriving)
    [joined] = stitch(arriving, later(301)).whole
    assert (joined.text, joined.detail["missing_parts"]) == ("[…]b", "1")


def test_a_reference_that_comes_round_again_is_another_text():
    arriving = [part(body, place, after=after) for body, place, after in
                [("a", "1", 0), ("b", "2", 1), ("c", "1", 4000), ("d", "2", 4001)]]  # fmt: skip
    assert [one.text for one in stitch(arriving, later(4002)).whole] == ["ab", "cd"]


def test_two_senders_parts_never_mix():
    arriving = [part("a", "1"), part("b", "2", sender="+8613800138001")]
    assert stitch(arriving, later(1)).whole == ()


def test_a_long_text_without_part_numbers_is_joined_within_twenty_seconds():
    arriving = [text(LONG, "1"), text("完", "2", after=19)]
    assert [one.text for one in stitch(arriving, later(19)).whole] == [LONG + "完"]


def test_a_text_as_long_as_a_part_waits_for_the_rest():
    arriving = [text(LONG, "1")]
    assert stitch(arriving, later(10)).waiting == tuple(arriving)
    assert stitch(arriving, later(21)).whole == tuple(arriving)


def test_two_short_messages_are_two_messages():
    arriving = [text("1", "1"), text("打印机坏了", "2", after=1)]
    assert stitch(arriving, later(2)).whole == tuple(arriving)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "坏了", LONG, "x" * 153]), st.integers(0, 600), st.booleans()
        ),
        max_size=12,
    )
)
def test_no_text_is_lost_or_doubled_by_joining(arrivals):
    sent = [
        text(body, f"m{n}", after, sender=PHONE if mine else "+8613800138001")
        for n, (body, after, mine) in enumerate(arrivals)
    ]
    joined = stitch(sent, later(300))
    out = [*joined.whole, *joined.waiting]
    ids = [key for one in out for key in one.detail.get("parts", one.external_id).split(",")]
    assert sorted(ids) == sorted(one.external_id for one in sent)
    assert sum(len(one.text) for one in out) == sum(len(one.text) for one in sent)


# --- reports ---

STATES = st.sampled_from(["sent", "accepted", "failed", "delivered"])


@given(st.lists(STATES, min_size=1), st.randoms())
def test_reports_in_any_order_end_in_the_same_state(reports, random):
    def after(news):
        state: State = "sent"
        for report in news:
            state = advance(state, report)
        return state

    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    assert after(reports) == after(shuffled)


def test_a_delivered_letter_stays_delivered():
    assert [advance("delivered", late) for late in ("accepted", "failed")] == ["delivered"] * 2


def test_silence_for_half_an_hour_is_no_delivery():
    asked = [silent(NOW, state, later(1800)) for state in ("accepted", "delivered", "failed")]
    assert (asked, silent(NOW, "accepted", later(1799))) == ([True, False, False], False)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["failed"] * 2, False),
        (["failed"] * 3, True),
        (["delivered", "failed", "failed", "failed"], True),
        (["failed", "failed", "delivered", "failed"], False),
    ],
)
def test_three_failures_in_a_row_make_a_number_doubtful(outcomes, verdict):
    assert doubtful(outcomes) is verdict
