"""Promises of the ladder: remind, go on, tell the supervisor; silence never accepts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.ladder import (
    Answer,
    BadLadder,
    Do,
    Ladder,
    Offer,
    Rung,
    default_ladders,
    next_move,
    read,
    steps,
)

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
FIELD = steps("P3", "onsite", "field")
EVERYBODY = {"resident_engineer", "field_engineer", "backup_engineer", "escalation_centre"}


def after(minutes):
    return START + timedelta(minutes=minutes)


def offer(person="chen", role="field_engineer", minutes=0.0, **more):
    return Offer(person=person, role=role, made_at=after(minutes), **more)


def move(offers, minutes, ladder=FIELD, roles=EVERYBODY, **more):
    return next_move(ladder, offers, after(minutes), roles=roles, **more)


def test_the_first_offer_at_a_field_site_goes_to_a_field_engineer():
    assert (move([], 0).do, move([], 0).role) == (Do.OFFER, "field_engineer")


def test_the_first_offer_at_a_resident_site_goes_to_the_resident():
    assert move([], 0, ladder=steps("P3", "onsite", "resident")).role == "resident_engineer"


@pytest.mark.parametrize(("minutes", "do"), [(9.9, Do.WAIT), (10, Do.REMIND), (20, Do.EXPIRE)])
def test_silence_is_reminded_at_ten_minutes_and_over_at_twenty(minutes, do):
    assert move([offer()], minutes).do is do


def test_a_reminder_is_sent_once():
    assert move([offer(reminded=True)], 12).do is Do.WAIT


def test_waiting_names_the_next_moment_that_matters():
    assert move([offer()], 1).at == after(10)
    assert move([offer(reminded=True)], 11).at == after(20)


@pytest.mark.parametrize(("priority", "minutes"), [("P3", 30), ("P1", 10)])
def test_the_supervisor_hears_of_a_job_that_nobody_takes(priority, minutes):
    ladder = steps(priority, "onsite", "field")
    offers = [offer(answer=Answer.EXPIRED), offer("luo", minutes=minutes - 1)]
    assert move(offers, minutes - 0.1, ladder=ladder).do is Do.WAIT
    assert move(offers, minutes, ladder=ladder).do is Do.TELL_SUPERVISOR


def test_the_supervisor_is_told_once():
    offers = [offer(answer=Answer.EXPIRED), offer("luo", minutes=25)]
    assert move(offers, 31, supervisor_told=True).do is Do.WAIT


def test_a_decline_asks_the_next_at_once():
    assert move([offer(answer=Answer.DECLINED)], 1).do is Do.OFFER


def test_after_two_field_engineers_a_backup_is_asked():
    offers = [offer(answer=Answer.DECLINED), offer("he", answer=Answer.DECLINED)]
    assert move(offers, 2).role == "backup_engineer"


def test_a_step_without_anybody_fit_is_passed():
    assert move([], 0, roles={"escalation_centre"}).role == "escalation_centre"


def test_when_nobody_is_left_the_supervisor_hears_at_once():
    assert move([offer(answer=Answer.DECLINED)], 1, roles=()).do is Do.TELL_SUPERVISOR
    assert move([], 0, roles=(), supervisor_told=True).do is Do.STOP


def test_nothing_follows_an_acceptance():
    assert move([offer(answer=Answer.ACCEPTED)], 60).do is Do.STOP


def test_an_offer_taken_back_by_the_desk_does_not_use_up_a_try():
    offers = [offer(answer=Answer.DECLINED), offer("he", answer=Answer.WITHDRAWN)]
    assert move(offers, 2).role == "field_engineer"


@pytest.mark.parametrize("mode", ["remote", "phone"])
def test_remote_and_phone_jobs_ring_the_remote_agent_then_the_desk_then_the_supervisor(mode):
    roles = [rung.role for rung in steps("P3", mode).steps]
    assert roles == ["remote_agent", "desk_agent", "service_supervisor"]


def test_an_emergency_asks_everybody_of_a_step_at_once():
    ladder = steps("P1", "emergency")
    assert ladder.broadcast
    asked = [offer("a", answer=Answer.EXPIRED), offer("b", answer=Answer.EXPIRED)]
    assert move(asked, 5, ladder=ladder, supervisor_told=True).role == "backup_engineer"


def test_an_emergency_asks_every_engineer_before_any_supervisor():
    ladder = steps("P1", "emergency")
    engineers = ["resident_engineer", "field_engineer", "backup_engineer"]
    assert [ladder.asked_with(role) for role in engineers] == [engineers] * 3
    assert ladder.asked_with("service_supervisor") == ["service_supervisor"]


def test_any_other_job_asks_one_role_after_the_other():
    ladder = steps("P1", "onsite")
    assert all(ladder.asked_with(rung.role) == [rung.role] for rung in ladder.steps)


@pytest.mark.parametrize("mode", ["onsite", "remote", "phone", "emergency"])
@pytest.mark.parametrize("site_kind", ["resident", "field"])
@pytest.mark.parametrize("priority", ["P1", "P2", "P3", "P4"])
def test_there_is_a_ladder_for_every_job(mode, site_kind, priority):
    assert steps(priority, mode, site_kind).steps


def test_a_p1_waits_for_nobody_as_long_as_the_others():
    for mode in ("onsite", "remote", "phone"):
        assert steps("P1", mode).next < steps("P2", mode).next


GOOD = """
[[ladder]]
steps = [{ role = "field_engineer" }]
remind = 1
next = 2
supervisor = 3
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("remind = 1", "remind = 5", "must grow"),
        ("remind = 1", "", "ladder 1, remind"),
        ("field_engineer", "plumber", "'plumber'"),
        ("next = 2", "next = 'soon'", "ladder 1, next"),
        ("[[ladder]]", "[[ladder]]\nmode = 'pigeon'", "ladder 1, mode"),
        ("[[ladder]]", "[[ladder]]\ncolour = 'red'", "colour"),
        ("[{ role", "[{ tries = 0, role", "ladder 1, tries"),
        ('[{ role = "field_engineer" }]', "[]", "nobody is asked"),
        ("[{ role", "[{ together = 'yes', role", "ladder 1, together"),
        ("[{ role", "[{ together = true, role", "none before the first"),
        ("[[ladder]]", "[[snake]]", "no [[ladder]]"),
    ],
)
def test_a_ladder_file_that_is_wrong_is_refused_with_its_place(old, new, complaint):
    assert read(GOOD)
    with pytest.raises(BadLadder) as refusal:
        read(GOOD.replace(old, new))
    assert complaint in str(refusal.value)


def test_the_shipped_ladders_are_sound():
    assert len(default_ladders()) >= 5


def _settled(ladder, answers):
    """Plays the ladder to its end against people who answer as told; the moves it made."""
    offers: list[Offer] = []
    done: list[Do] = []
    told, now = False, START
    people = iter(answers)
    for _ in range(200):
        roles = EVERYBODY | {"service_supervisor"}
        made = next_move(ladder, offers, now, roles=roles, supervisor_told=told)
        done.append(made.do)
        if made.do is Do.STOP:
            return done, offers
        if made.do is Do.OFFER:
            answer = next(people, None)
            offers.append(offer(f"p{len(offers)}", made.role, (now - START) / timedelta(minutes=1)))
            if answer is not None:
                offers[-1] = _answered(offers[-1], answer)
        elif made.do is Do.WAIT:
            assert made.at is not None
            assert made.at > now
            now = made.at
        elif made.do is Do.REMIND:
            offers[-1] = _answered(offers[-1], None, reminded=True)
        elif made.do is Do.EXPIRE:
            offers[-1] = _answered(offers[-1], Answer.EXPIRED)
        else:
            told = True
    raise AssertionError("the ladder goes on for ever")


def _answered(one, answer, reminded=False):
    return Offer(
        person=one.person,
        role=one.role,
        made_at=one.made_at,
        reminded=reminded or one.reminded,
        answer=answer,
    )


@settings(deadline=None, max_examples=60)
@given(answers=st.lists(st.sampled_from([None, Answer.DECLINED, Answer.ACCEPTED]), max_size=12))
def test_every_ladder_ends_and_only_an_acceptance_gives_the_job_away(answers):
    done, offers = _settled(FIELD, answers)
    accepted = [one for one in offers if one.answer is Answer.ACCEPTED]
    assert len(accepted) <= 1
    assert all(one.answer is not None for one in offers)
    assert accepted or Do.TELL_SUPERVISOR in done


def test_a_ladder_needs_times_that_grow():
    minute = timedelta(minutes=1)
    with pytest.raises(BadLadder):
        Ladder(steps=(Rung("field_engineer"),), remind=minute, next=minute, supervisor=minute)
