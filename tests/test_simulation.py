"""Promises of the simulation: it repeats, it is fair to all strategies, and planning pays."""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files
from math import inf

import pytest

from core.dispatch.rota import Need, gaps
from core.simulation.desk import WHO_GOES, BadDesk, read, read_text
from core.simulation.faults import Fault, draw, read_history
from core.simulation.run import STRATEGIES, rota, simulate

EXAMPLE = read_text(files("core").joinpath("desk_data/example.toml").read_text("utf-8"))
ZONE = EXAMPLE.rates.zone


def site(code, city="c", **more):
    return {"code": code, "city": city, "lat": 23.0, "lon": 113.0, **more}


def person(name, **more):
    return {"id": name, "roles": ["field_engineer"], **more}


OCTOBER = """
[[calendars]]
code = "resident"
hours = ["Mon-Fri 09:00-18:00"]
holidays = "CN"

[[calendars]]
code = "working_days"
hours = ["Mon-Fri 09:00-18:00"]
holidays = "CN"

[[sites]]
code = "HQ"
city = "广州"
kind = "resident"

[[people]]
id = "li"
roles = ["resident_engineer"]
resident_at = "HQ"

[simulation]
tickets_per_day = 500
start = 2026-09-28
weekend = 0
storms_per_month = 0
"""


def test_a_resident_has_the_customers_holidays_and_make_up_days_off_and_on():
    desk = read_text(OCTOBER)
    since = datetime(2026, 9, 28, tzinfo=desk.rates.zone)
    planned = rota(desk, since, since + timedelta(days=14))
    days = {row.starts.astimezone(desk.rates.zone).date() for row in planned.rows}
    assert date(2026, 10, 1) not in days
    assert {date(2026, 9, 30), date(2026, 10, 10)} <= days


def test_less_breaks_on_a_public_holiday_and_more_on_a_make_up_saturday():
    desk = read_text(OCTOBER)
    days = {fault.at.astimezone(desk.rates.zone).date() for fault in draw(desk, 14, seed=1)}
    assert date(2026, 10, 1) not in days
    assert date(2026, 10, 10) in days


def tiny(**more):
    """Two engineers, two sites, nobody who says no."""
    data = {
        "sites": [site("x"), site("y", lat=23.1)],
        "people": [person("a", base="x"), person("b", base="y")],
        "simulation": {"answers": {"decline": 0, "silent": 0, "minutes": 1}},
    }
    return read({**data, **more})


def fault(number=1, hour=10.0, **more):
    at = datetime(2026, 3, 2, tzinfo=ZONE) + timedelta(hours=hour)
    usual = Fault(
        number=f"{number:06}", at=at, site="x", mode="onsite", priority="P3", vip=False,
        skill=None, expected_minutes=60, minutes=60,
    )  # fmt: skip
    return replace(usual, **more)


# ── Repeating, fairness ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_repeats_a_run_exactly(strategy):
    faults = draw(EXAMPLE, 1, seed=5)
    assert simulate(EXAMPLE, faults, strategy, 5) == simulate(EXAMPLE, faults, strategy, 5)


def test_another_seed_is_another_month():
    assert draw(EXAMPLE, 2, seed=5) == draw(EXAMPLE, 2, seed=5) != draw(EXAMPLE, 2, seed=6)


def test_every_strategy_meets_the_same_tickets():
    faults = draw(EXAMPLE, 1, seed=1)
    assert {simulate(EXAMPLE, faults, one, 1).tickets for one in STRATEGIES} == {len(faults)}


def test_one_engineer_alone_is_as_good_under_any_strategy():
    """With nobody to choose from and one job at a time, the strategies cannot differ."""
    alone = tiny(people=[person("a", base="x")])
    faults = [fault(n, hour=6 + 3 * n, site="xy"[n % 2]) for n in range(1, 5)]
    assert len({simulate(alone, faults, one, 1) for one in STRATEGIES}) == 1


def test_the_rated_number_of_tickets_comes_in():
    days = 28
    drawn = len(draw(replace(EXAMPLE, rates=replace(EXAMPLE.rates, storms_per_month=0)), days, 1))
    assert drawn == pytest.approx(EXAMPLE.rates.tickets_per_day * days, rel=0.06)


def test_load_scales_what_breaks():
    assert len(draw(EXAMPLE, 14, 1, load=1.3)) == pytest.approx(
        1.3 * len(draw(EXAMPLE, 14, 1)), rel=0.1
    )


def test_mornings_are_busier_than_nights():
    hours = [one.at.hour for one in draw(EXAMPLE, 14, 1)]
    assert hours.count(9) > 10 * hours.count(3)


# ── What the clock counts ────────────────────────────────────────────────────────────────────────


def test_a_visit_within_its_target_is_not_late():
    figures = simulate(tiny(), [fault()], "planner", 1)
    assert (figures.late, figures.attainment, figures.offers_per_job) == (0, 1.0, 1.0)


def test_a_job_that_nobody_can_reach_in_time_is_late_by_the_difference():
    far = tiny(travel=[{"from": "x", "to": "y", "minutes": 300}], people=[person("a", base="y")])
    figures = simulate(far, [fault()], "planner", 1)
    assert figures.late == 1
    assert figures.late_minutes == pytest.approx(180, rel=0.6)  # the road varies


def test_a_job_that_nobody_ever_takes_is_late_until_the_end():
    orphan = tiny(people=[person("a", skills=["printer"])])
    figures = simulate(orphan, [fault(skill="network")], "planner", 1)
    assert (figures.late, figures.offers_per_job) == (1, 0)
    assert figures.late_minutes > 24 * 60


def test_what_is_solved_by_phone_or_remotely_moves_nobody():
    faults = [fault(1, mode="phone"), fault(2, mode="remote")]
    figures = simulate(tiny(), faults, "planner", 1)
    assert (figures.tickets, figures.late, figures.utilisation) == (2, 0, 0)


def test_nobody_is_sent_off_duty():
    days_only = tiny(people=[person("a", hours=["Mon-Fri 08:00-17:00"], on_call=[])])
    waits = simulate(days_only, [fault(hour=20)], "least_loaded", 1)
    assert waits.late_minutes == pytest.approx((12 - 2) * 60, abs=30)  # taken at eight


def test_a_resident_in_hours_is_there_within_the_half_hour():
    desk = tiny(
        sites=[site("x", kind="resident", zone="A"), site("y", lat=23.4)],
        people=[
            person("a", base="y"),
            {"id": "r", "roles": ["resident_engineer"], "resident_at": "x"},
        ],
    )
    assert simulate(desk, [fault(hour=10)], "planner", 1).late == 0


def test_outside_its_hours_a_resident_site_has_the_target_of_the_field():
    desk = tiny(sites=[site("x", kind="resident", zone="A"), site("y", lat=23.3)])
    assert simulate(desk, [fault(hour=21)], "planner", 1).late == 0
    assert simulate(desk, [fault(hour=10, site="x"), fault(2, 10.1)], "planner", 1).late > 0


def test_an_engineer_who_always_declines_is_overruled_by_the_supervisor():
    stubborn = tiny(simulation={"answers": {"decline": 1, "silent": 0, "minutes": 1}})
    figures = simulate(stubborn, [fault()], "planner", 1)
    assert (figures.late, figures.offers_per_job) == (0, 3)  # both say no, then one is told to


def test_silence_costs_the_time_of_the_ladder():
    silent = tiny(simulation={"answers": {"decline": 0, "silent": 1, "minutes": 1}})
    faults = [fault(n, hour=9 + n) for n in range(1, 8)]
    assert simulate(silent, faults, "planner", 1).offers_per_job > 1


# ── Planning pays ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("load", [1.0, 1.3])
@pytest.mark.parametrize("seed", [1, 2, 3] if os.environ.get("PAIDAN_SOAK") else [1])
def test_the_planner_is_late_far_less_often_than_other_desks(load, seed):
    days = 30 if os.environ.get("PAIDAN_SOAK") else 4
    faults = draw(EXAMPLE, days, seed, load)
    late = {one: simulate(EXAMPLE, faults, one, seed).late for one in STRATEGIES}
    assert late["planner"] <= 0.7 * late["least_loaded"]
    assert late["planner"] <= 0.5 * late["round_robin"]


# ── The example desk ─────────────────────────────────────────────────────────────────────────────


def test_somebody_covers_every_city_of_the_example_around_the_clock():
    monday = datetime(2026, 3, 2, tzinfo=ZONE)
    needs = [
        Need(
            name=f"{city} {skill}",
            people=frozenset(
                one.id
                for one in EXAMPLE.workers
                if one.role in WHO_GOES[1:] and city in one.cities and skill in one.skills
            ),
        )
        for city in {site.city for site in EXAMPLE.sites.values()}
        for skill in ("desktop", "printer", "pos", "network")
    ]
    week = timedelta(days=7)
    assert gaps(rota(EXAMPLE, monday, monday + 2 * week), monday, monday + week, needs) == []


def test_the_example_has_the_fifteen_sites_of_the_plan():
    kinds = [site.resident for site in EXAMPLE.sites.values()]
    assert (len(kinds), sum(kinds)) == (15, 1)


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sites": []}, "sites"),
        ({"people": [{"id": "x", "roles": ["requester"]}]}, "people"),
        ({"sites": "x"}, "sites"),
        ({"sites": [site("x"), site("x")]}, "sites[2].code"),
        ({"sites": [{"city": "c"}]}, "sites[1].code"),
        ({"sites": [site("x", kind="moon")]}, "sites[1].kind"),
        ({"sites": [site("x", lat="north")]}, "sites[1].lat"),
        ({"people": [person("a", hours=["Mon-Fri"])]}, "people[1].hours"),
        ({"people": [person("a", base="z")]}, "people[1].base"),
        ({"people": [person("a", capacity=0)]}, "people[1].capacity"),
        ({"people": [person("a", nda_until="soon")]}, "people[1].nda_until"),
        ({"travel": [{"from": "x", "to": "y"}]}, "travel[1].minutes"),
        ({"simulation": {"tickets_per_day": -1}}, "simulation.tickets_per_day"),
        ({"simulation": {"profile": [1, 2]}}, "simulation.profile"),
        ({"simulation": {"modes": {"pigeon": 1}}}, "simulation.modes.pigeon"),
        ({"simulation": {"sites": {"z": 1}}}, "simulation.sites.z"),
        ({"simulation": {"timezone": "Mars/Base"}}, "simulation.timezone"),
        ({"simulation": 3}, "simulation"),
    ],
)
def test_a_wrong_desk_is_refused_with_the_key_that_is_wrong(change, key):
    with pytest.raises(BadDesk) as refusal:
        tiny(**change)
    assert refusal.value.key == key


def test_a_desk_without_rates_still_has_a_month():
    assert draw(read({"sites": [site("x")], "people": [person("a")]}), 5, 1)


def test_leaving_somebody_out_leaves_the_others():
    names = {one.id for one in EXAMPLE.without(["li.wei"]).workers}
    assert names == {one.id for one in EXAMPLE.workers} - {"li.wei"}


def test_leaving_out_a_stranger_is_refused():
    with pytest.raises(BadDesk):
        EXAMPLE.without(["nobody"])


def test_one_engineer_fewer_is_felt():
    faults = draw(EXAMPLE, 2, 1)
    fewer = simulate(EXAMPLE.without(["tan.yongjian", "zhou.min"]), faults, "planner", 1)
    assert fewer.late > simulate(EXAMPLE, faults, "planner", 1).late


HEADING = "at,site,category,priority,mode,duration_minutes\n"


def history(tmp_path, rows, heading=HEADING):
    path = tmp_path / "history.csv"
    path.write_text(heading + rows, "utf-8")
    return read_history(EXAMPLE, path)


def test_a_history_is_read_in_the_desks_zone_and_by_time(tmp_path):
    faults = history(
        tmp_path,
        "2026-03-02 10:00,GZ-TH,printer,P2,onsite,35\n2026-03-02T01:00:00Z,GZ-PY,pc,P1,phone,\n",
    )
    assert [one.site for one in faults] == ["GZ-PY", "GZ-TH"]
    assert faults[1].at.utcoffset() == timedelta(hours=8)
    assert (faults[1].minutes, faults[1].skill, faults[1].priority) == (35, "printer", "P2")


def test_a_sheet_saved_with_a_byte_order_mark_is_read(tmp_path):
    assert history(tmp_path, "2026-03-02 10:00,GZ-TH,,,,\n", "\ufeff" + HEADING)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("yesterday,GZ-TH,pc,P3,onsite,30\n", "row 2, at"),
        ("2026-03-02 10:00,GZ-TH,,,,\n2026-03-02 10:00,MOON,,,,\n", "row 3, site"),
        ("2026-03-02 10:00,GZ-TH,pc,P9,onsite,30\n", "row 2, priority"),
        ("2026-03-02 10:00,GZ-TH,pc,P3,pigeon,30\n", "row 2, mode"),
        ("2026-03-02 10:00,GZ-TH,pc,P3,onsite,long\n", "row 2, duration_minutes"),
        ("", "no rows"),
    ],
)
def test_a_wrong_history_is_refused_with_row_and_column(tmp_path, rows, complaint):
    with pytest.raises(BadDesk) as refusal:
        history(tmp_path, rows)
    assert complaint in str(refusal.value)


def test_a_history_without_sites_is_refused(tmp_path):
    with pytest.raises(BadDesk):
        history(tmp_path, "2026-03-02 10:00\n", "at\n")


def test_an_agreement_that_ran_out_keeps_an_engineer_at_home():
    lapsed = tiny(people=[person("a", nda_until=date(2026, 3, 1)), person("b", nda_until=date.max)])
    assert simulate(lapsed, [fault()], "planner", 1).late == 0
    alone = tiny(people=[person("a", nda_until=date(2026, 3, 1))])
    assert 0 < simulate(alone, [fault()], "planner", 1).late_minutes < inf
