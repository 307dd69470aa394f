"""Promises of the choice: the hard rules hold, and every part of the answer can be told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import isclose
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch.choose import (
    BACKUP,
    OBJECTIONS,
    PARTS,
    RESIDENT,
    Engineer,
    Job,
    Rules,
    choose,
    eligible,
    urgency,
)

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROADS = {"near": 10.0, "middle": 40.0, "far": 115.0, "there": 2.0, None: 60.0}


def minutes(place, site):
    return ROADS[place]


def job(**more):
    known = {"number": "100427", "site": "GZ-TH", "city": "广州", "due": NOW + 2 * HOUR}
    return Job(**{**known, "skill": "printer", **more})


def engineer(name="chen", **more):
    known = {
        "cities": frozenset({"广州"}),
        "skills": frozenset({"printer"}),
        "nda_until": date(2027, 1, 1),
        "place": "middle",
        "last_job_at": NOW - HOUR,
    }
    return Engineer(id=name, **{**known, **more})


def best(asked, *engineers, **more):
    choice = choose(asked, engineers, NOW, minutes, **more)
    return choice.best and choice.best.engineer


def test_in_an_emergency_the_nearest_of_another_city_may_come_but_no_resident():
    others = {"cities": frozenset({"深圳"})}
    people = [
        engineer("far", place="far", **others),
        engineer("near", place="near", **others),
        engineer("resident", place="there", role=RESIDENT, resident_at="SZ-FT"),
    ]
    assert best(job(), *people) is None
    assert best(job(), *people, rules=Rules(anywhere=True)) == "near"


def test_somebody_fit_has_no_objection():
    assert best(job(), engineer()) == "chen"


@pytest.mark.parametrize(
    ("key", "asked", "candidate"),
    [
        ("inactive", job(), engineer(active=False)),
        ("excluded", job(excluded=frozenset({"chen"})), engineer()),
        ("other_place", job(city="深圳"), engineer()),
        ("lacks_skill", job(skill="network"), engineer()),
        ("no_nda", job(), engineer(nda_until=None)),
        ("no_nda", job(), engineer(nda_until=date(2026, 3, 1))),
        ("no_pass", job(needs_pass=True), engineer(pass_until=date(2026, 3, 1))),
        ("declined", job(declined={"chen": NOW - 23 * HOUR}), engineer()),
        ("on_leave", job(), engineer(on_leave=True, on_duty=False)),
        ("off_duty", job(), engineer(on_duty=False)),
        ("no_room", job(), engineer(open_jobs=3, capacity=3)),
    ],
)
def test_each_hard_rule_passes_somebody_over_by_its_name(key, asked, candidate):
    choice = choose(asked, [candidate], NOW, minutes)
    assert (choice.best, choice.passed_over) == (None, {"chen": key})


def test_every_objection_has_been_tried_above():
    marks = test_each_hard_rule_passes_somebody_over_by_its_name.pytestmark
    assert {case[0] for case in marks[0].args[1]} == set(OBJECTIONS)


def test_a_decliner_may_be_asked_again_after_a_day():
    assert best(job(declined={"chen": NOW - 24 * HOUR}), engineer()) == "chen"


def test_an_agreement_is_good_through_its_last_local_day():
    evening = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)  # 23:30 in Guangzhou
    last_day = engineer(nda_until=date(2026, 3, 2))
    assert choose(job(), [last_day], evening, minutes).best
    assert choose(job(), [last_day], evening + HOUR, minutes).passed_over == {"chen": "no_nda"}


def test_a_desk_that_keeps_no_agreements_can_say_so():
    assert best(job(), engineer(nda_until=None), rules=Rules(nda_required=False)) == "chen"


RESIDENT_JOB = job(site="GZ-ZJXC", resident=True, due=NOW + HOUR / 2)


def resident(**more):
    return engineer("li", role=RESIDENT, resident_at="GZ-ZJXC", place="there", **more)


def test_in_resident_hours_the_resident_goes():
    assert best(RESIDENT_JOB, resident(jobs_today=3), engineer(place="near")) == "li"


def test_outside_resident_hours_a_field_engineer_goes():
    evening = replace(RESIDENT_JOB, resident=False)
    choice = choose(evening, [resident(), engineer()], NOW, minutes)
    assert choice.best is not None
    assert choice.best.engineer == "chen"
    assert choice.passed_over == {"li": "other_place"}


def test_a_resident_serves_no_other_site():
    assert best(job(resident=True), resident()) is None


def test_whoever_stands_first_on_the_ladder_of_the_site_has_nothing_held_against_them():
    for asked, first in ((job(), engineer()), (RESIDENT_JOB, resident())):
        (alone,) = choose(asked, [first], NOW, minutes).ranked
        assert alone.routing == 0


def test_a_field_engineer_goes_before_a_backup_who_is_nearer():
    assert best(job(), engineer("luo", role=BACKUP, place="near"), engineer()) == "chen"


def test_a_backup_goes_when_the_field_engineer_would_be_late():
    busy = engineer(free_at=NOW + 3 * HOUR, open_jobs=1)
    assert best(job(), busy, engineer("luo", role=BACKUP)) == "luo"


def test_the_nearer_of_two_alike_goes():
    assert best(job(), engineer("a", place="far"), engineer("b", place="near")) == "b"


def test_who_arrives_in_time_goes_before_who_is_nearer_but_busy():
    near_but_busy = engineer("a", place="near", free_at=NOW + 2 * HOUR)
    assert best(job(), near_but_busy, engineer("b", place="far")) == "b"


def test_the_site_may_prefer_somebody():
    assert best(job(preferred=frozenset({"b"})), engineer("a"), engineer("b")) == "b"


def test_the_less_loaded_of_two_alike_goes():
    assert best(job(), engineer("a", open_jobs=2), engineer("b", open_jobs=1)) == "b"


def test_among_equals_the_one_with_fewer_jobs_today_goes():
    assert best(job(), engineer("a", jobs_today=4), engineer("b", jobs_today=1)) == "b"


def test_among_equals_the_longest_idle_goes():
    rested = engineer("b", last_job_at=NOW - 4 * HOUR)
    assert best(job(), engineer("a"), rested) == "b"


def test_the_parts_of_the_score_add_up_to_it_and_carry_names():
    choice = choose(job(), [engineer("a", open_jobs=1, place="far")], NOW, minutes)
    assert choice.best is not None
    parts = choice.best.parts
    assert tuple(parts) == PARTS
    assert isclose(sum(parts.values()), choice.best.total)
    assert parts["travel"] == pytest.approx(Rules().travel * 115)


def test_the_arrival_that_was_reckoned_with_is_told():
    choice = choose(job(), [engineer(place="near", free_at=NOW + HOUR)], NOW, minutes)
    assert choice.best is not None
    assert choice.arrival(choice.best) == NOW + timedelta(minutes=70)


def test_nobody_at_all_is_an_answer():
    assert choose(job(), [], NOW, minutes).best is None


def test_a_backlog_is_read_with_vips_first_and_then_by_deadline():
    later, vip = job(number="2", due=NOW + 3 * HOUR), job(number="3", vip=True, due=NOW + 9 * HOUR)
    assert [one.number for one in sorted([later, vip, job(number="1")], key=urgency)] == [
        "3",
        "1",
        "2",
    ]


def test_someone_off_duty_or_full_is_still_eligible_for_later():
    assert eligible(job(), [engineer(on_duty=False, open_jobs=9)], NOW)
    assert not eligible(job(), [engineer(cities=frozenset())], NOW)


engineers = st.lists(
    st.builds(
        engineer,
        st.uuids().map(str),
        role=st.sampled_from([RESIDENT, "field_engineer", BACKUP]),
        active=st.booleans(),
        on_duty=st.booleans(),
        open_jobs=st.integers(0, 4),
        jobs_today=st.integers(0, 9),
        place=st.sampled_from(["near", "middle", "far", None]),
        cities=st.sampled_from([frozenset(), frozenset({"广州"})]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(engineers=engineers)
def test_everybody_is_either_ranked_or_passed_over_with_a_reason(engineers):
    choice = choose(job(), engineers, NOW, minutes)
    ranked = {candidate.engineer for candidate in choice.ranked}
    assert ranked | set(choice.passed_over) == {one.id for one in engineers}
    assert not ranked & set(choice.passed_over)


@settings(deadline=None, max_examples=60)
@given(engineers=engineers, seed=st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_listed_changes_nothing(engineers, seed):
    shuffled = list(engineers)
    seed.shuffle(shuffled)
    first, second = (choose(job(), one, NOW, minutes) for one in (engineers, shuffled))
    assert (first.ranked, first.passed_over) == (second.ranked, second.passed_over)


@settings(deadline=None, max_examples=60)
@given(engineers=engineers, loss=st.integers(0, 11))
def test_taking_away_somebody_else_does_not_change_the_best(engineers, loss):
    choice = choose(job(), engineers, NOW, minutes)
    rest = [one for index, one in enumerate(engineers) if index != loss]
    if choice.best and choice.best.engineer in {one.id for one in rest}:
        assert choose(job(), rest, NOW, minutes).best == choice.best


def test_one_among_a_thousand_is_chosen_within_milliseconds():
    thousand = [engineer(f"e{number}", open_jobs=number % 3) for number in range(1000)]

    def once():
        started = process_time()
        choose(job(), thousand, NOW, minutes)
        return process_time() - started

    # The promise is 5 ms, measured by the bench; a shared machine gets room to breathe here.
    assert min(once() for _ in range(10)) < 0.01
