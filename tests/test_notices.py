"""A kind of notice is written like a frozen dataclass and behaves like one."""

from dataclasses import FrozenInstanceError

import pytest

from core.notices import NOTICES
from core.notices.notice import AboutTicket, Notice


class Shut(AboutTicket):
    loud = False
    site: str
    why: str = "storm"


def test_a_kind_has_the_slots_of_what_it_is_about_and_its_own():
    assert Shut.slots == ("number", "site", "why")


def test_what_a_kind_is_says_nothing_about_its_kin():
    assert AboutTicket.slots == ("number",)
    assert Notice.slots == ()


def test_what_was_not_said_is_as_declared():
    assert Shut(number="100", site="gz").params() == {"number": "100", "site": "gz", "why": "storm"}


@pytest.mark.parametrize("said", [{"number": "100"}, {"number": "100", "site": "", "due": None}])
def test_a_slot_too_few_or_too_many_is_refused(said):
    with pytest.raises(TypeError, match="shut"):
        Shut(**said)


def test_what_was_said_stays_said():
    told = Shut(number="100", site="gz")
    with pytest.raises(FrozenInstanceError):
        told.site = "sz"  # type: ignore[misc]  # as mypy says, too
    with pytest.raises(FrozenInstanceError):
        del told.site


def test_the_same_words_are_the_same_notice():
    one, other = Shut(number="100", site="gz"), Shut(why="storm", site="gz", number="100")
    assert one == other
    assert hash(one) == hash(other)
    assert one != Shut(number="100", site="sz")


def test_no_kind_takes_a_slot_from_another():
    assert not [
        kind for kind, notice in NOTICES.items() if len({*notice.slots}) < len(notice.slots)
    ]
