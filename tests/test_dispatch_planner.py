"""Promises of the planner: never worse than one by one, never against a hard rule, quick."""

import random
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise, permutations, product
from time import process_time

import pytest
import scipy.optimize  # noqa: F401 - slow to load, and not to be measured here
from hypothesis import given, settings
from hypothesis import strategies as st

from core.dispatch import planner
from core.dispatch.choose import Engineer, Job, Rules
from core.dispatch.planner import _Board, plan
from core.dispatch.travel import Place, Travel

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
CITIES = ["广州", "佛山", "深圳"]


def after(minutes):
    return NOW + timedelta(minutes=minutes)


def desk(jobs, engineers, seed):
    """A morning with a backlog: sites around three towns, everybody somewhere, some still busy."""
    chance = random.Random(seed)
    towns = {city: (23 + chance.random(), 113 + chance.random()) for city in CITIES}
    places = [
        Place(f"s{n}", city, towns[city][0] + chance.gauss(0, 0.1), towns[city][1])
        for n in range(12)
        for city in [CITIES[n % 3]]
    ]
    waiting = [
        Job(
            number=f"{n:03}",
            site=place.code,
            city=place.city,
            due=after(chance.uniform(20, 300)),
            priority=chance.choice(["P1", "P2", "P3", "P4"]),
            minutes=chance.choice([30, 60, 75]),
        )
        for n in range(jobs)
        for place in [chance.choice(places)]
    ]
    people = [
        Engineer(
            id=f"e{n:02}",
            cities=frozenset(chance.sample(CITIES, 2)),
            nda_until=date(2027, 1, 1),
            free_at=after(chance.uniform(0, 60)),
            place=chance.choice(places).code,
        )
        for n in range(engineers)
    ]
    return waiting, people, Travel(places).minutes


def test_every_job_that_anybody_may_do_is_planned_once():
    jobs, engineers, minutes = desk(30, 6, seed=1)
    made = plan(jobs, engineers, NOW, minutes)
    assert sorted([visit.job for visit in made.visits] + list(made.unplaced)) == [
        job.number for job in jobs
    ]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    jobs=st.integers(1, 14),
    engineers=st.integers(1, 5),
    effort=st.sampled_from([-1, 2000]),
)
def test_a_plan_is_never_worse_than_one_choice_after_the_other(seed, jobs, engineers, effort):
    waiting, people, minutes = desk(jobs, engineers, seed)
    made = plan(waiting, people, NOW, minutes, effort=effort)
    assert made.cost <= made.greedy_cost + 1e-6


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_nobody_is_sent_where_a_hard_rule_forbids(seed):
    jobs, engineers, minutes = desk(12, 4, seed)
    cities = {one.id: one.cities for one in engineers}
    where = {job.number: job.city for job in jobs}
    made = plan(jobs, engineers, NOW, minutes, effort=2000)
    assert all(where[visit.job] in cities[visit.engineer] for visit in made.visits)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_an_engineer_is_at_one_place_at_a_time(seed):
    jobs, engineers, minutes = desk(12, 3, seed)
    by_number = {job.number: job for job in jobs}
    made = plan(jobs, engineers, NOW, minutes, effort=2000)
    for _, group in groupby(made.visits, key=lambda visit: visit.engineer):
        visits = list(group)
        for earlier, later in pairwise(visits):
            work = timedelta(minutes=by_number[earlier.job].minutes)
            assert later.departs >= earlier.arrives + work - timedelta(milliseconds=1)


def test_nobody_departs_before_they_are_free():
    jobs, engineers, minutes = desk(12, 3, seed=5)
    free = {one.id: one.free_at for one in engineers}
    assert all(v.departs >= free[v.engineer] for v in plan(jobs, engineers, NOW, minutes).visits)


def test_a_small_morning_is_planned_as_well_as_trying_everything():
    for seed in range(8):
        jobs, engineers, minutes = desk(4, 2, seed)
        board = _Board(jobs, engineers, NOW, minutes, Rules())
        placed = [job for job, fit in enumerate(board.fit) if fit]
        everything = min(
            board.total([[j for j in order if who[j] == e] for e in range(2)])
            for order in permutations(placed)
            for hands in product(range(2), repeat=len(placed))
            for who in [dict(zip(placed, hands, strict=True))]
            if all(who[job] in board.fit[job] for job in placed)
        )
        assert plan(jobs, engineers, NOW, minutes).cost <= everything * 1.02 + 1e-6


def test_a_plan_swaps_two_whom_the_greedy_choice_would_cross():
    """The first job takes the one engineer who could have kept the second promise."""
    roads = {("a", "x"): 20.0, ("a", "y"): 25.0, ("b", "x"): 30.0, ("b", "y"): 90.0}
    people = [
        Engineer(id=name, cities=frozenset({"c"}), nda_until=date(2027, 1, 1), place=name)
        for name in "ab"
    ]
    jobs = [
        Job(number="1", site="x", city="c", due=after(60)),
        Job(number="2", site="y", city="c", due=after(61)),
    ]
    made = plan(jobs, people, NOW, lambda place, site: roads.get((place or "", site), 60.0))
    assert {visit.job: visit.engineer for visit in made.visits} == {"1": "b", "2": "a"}
    assert made.late == 0
    assert made.cost < made.greedy_cost


def test_a_p1_is_reached_before_a_p4_when_both_cannot_be():
    person = Engineer(id="a", cities=frozenset({"c"}), nda_until=date(2027, 1, 1), place="a")
    jobs = [
        Job(number="low", site="x", city="c", due=after(40), priority="P4"),
        Job(number="high", site="y", city="c", due=after(40), priority="P1"),
    ]
    made = plan(jobs, [person], NOW, lambda place, site: 30.0)
    assert [visit.job for visit in made.visits] == ["high", "low"]


def test_somebody_whose_shift_starts_later_is_planned_from_then():
    later = Engineer(
        id="a",
        cities=frozenset({"c"}),
        nda_until=date(2027, 1, 1),
        place="a",
        on_duty=False,
        free_at=after(45),
    )
    (visit,) = plan(
        [Job(number="1", site="x", city="c", due=after(120))], [later], NOW, lambda p, s: 30.0
    ).visits
    assert visit.arrives == after(75)


def test_a_job_that_nobody_may_do_is_named():
    jobs, engineers, minutes = desk(3, 2, seed=2)
    orphan = Job(number="orphan", site="s0", city="nowhere", due=after(60))
    assert "orphan" in plan([*jobs, orphan], engineers, NOW, minutes).unplaced


def test_without_scipy_the_greedy_choice_stands(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    jobs, engineers, minutes = desk(10, 3, seed=1)
    made = plan(jobs, engineers, NOW, minutes)
    assert (made.method, made.cost) == ("greedy", made.greedy_cost)
    assert len(made.visits) + len(made.unplaced) == 10


def test_where_the_library_fails_the_greedy_choice_stands(monkeypatch):
    def fails(cells):
        raise ValueError("cost matrix is infeasible")

    monkeypatch.setattr(planner, "_solver", lambda: fails)
    jobs, engineers, minutes = desk(10, 3, seed=1)
    made = plan(jobs, engineers, NOW, minutes)
    assert (made.method, made.cost) == ("greedy", made.greedy_cost)
    assert len(made.visits) + len(made.unplaced) == 10


def test_out_of_time_the_greedy_choice_stands():
    jobs, engineers, minutes = desk(10, 3, seed=1)
    assert plan(jobs, engineers, NOW, minutes, enough=lambda: True).method == "greedy"


def test_equal_questions_get_equal_plans():
    jobs, engineers, minutes = desk(25, 5, seed=3)
    assert plan(jobs, engineers, NOW, minutes) == plan(jobs, engineers, NOW, minutes)


@pytest.mark.parametrize(("jobs", "engineers"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_plan_is_an_empty_plan(jobs, engineers):
    waiting, people, minutes = desk(jobs, engineers, seed=1)
    made = plan(waiting, people, NOW, minutes)
    assert made.visits == ()
    assert len(made.unplaced) == jobs


def test_two_hundred_jobs_for_sixty_engineers_are_planned_within_a_second():
    jobs, engineers, minutes = desk(200, 60, seed=1)
    plan(jobs[:1], engineers, NOW, minutes)  # loads scipy, which a running desk has done
    started = process_time()
    made = plan(jobs, engineers, NOW, minutes)
    # The promise is one second, measured by the bench; a shared machine gets room to breathe.
    assert process_time() - started < 2
    assert made.cost < 0.9 * made.greedy_cost
