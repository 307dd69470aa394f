"""Policies: the first rule that fits decides, and what cannot decide is shown before saving."""

# ruff: noqa: E501  a table is read by its rows

from datetime import date, timedelta

import pytest

from core.sla.calendars import shipped
from core.sla.errors import WrongPolicy
from core.sla.policy import (
    Facts,
    Finding,
    Policy,
    load,
    policy_on,
    shipped_policy,
    unknown_calendars,
    zone_now,
)

SHIPPED = shipped_policy()


def policy(*rules: str, version: str = "1", dates: str = "valid_from = 2026-01-01") -> Policy:
    """Rules as "name | when | target" for one clock."""
    text = f'version = "{version}"\n{dates}\n'
    text += '[clocks.arrival]\nstarts = ["offer"]\nstops = ["arrive"]\ncalendar = "field"\n'
    for rule in rules:
        name, when, target = (part.strip() for part in rule.split("|"))
        text += f'[[rules]]\nname = "{name}"\nclock = "arrival"\nwhen = {{ {when} }}\n'
        text += f'target = "{target}"\n'
    return load(text)


@pytest.mark.parametrize(
    ("zone", "priority", "vip", "minutes", "rule"),
    [
        ("A", "P3", False, 30, "A"),
        ("A", "P1", False, 15, "A urgent"),
        ("A", "P3", True, 15, "A VIP"),
        ("B", "P2", False, 120, "B"),
        ("B", "P1", True, 90, "B urgent"),
        ("C", "P4", False, 240, "C and wherever else"),
        ("C", "P4", True, 180, "C VIP"),
        ("", "P1", False, 240, "C and wherever else"),
    ],
)
def test_the_arrival_table_of_the_plan(zone, priority, vip, minutes, rule):
    found = SHIPPED.clocks(Facts(zone=zone, priority=priority, vip=vip))["onsite_arrival"]
    assert (found.clock.target, found.rule) == (timedelta(minutes=minutes), rule)


def test_a_ticket_learns_why_a_rule_was_chosen():
    found = SHIPPED.clocks(Facts(zone="A", priority="P2", vip=True))["onsite_arrival"]
    assert found.reason == {"zone": "A", "vip": True}


def test_the_remote_clock_runs_only_for_remote_work():
    modes = [
        mode
        for mode in ("", "phone", "remote", "onsite")
        if "remote_access" in SHIPPED.clocks(Facts(mode=mode))
    ]
    assert modes == ["remote"]


def test_what_the_plan_promises_is_contract_and_the_rest_is_reported():
    clocks = SHIPPED.clocks(Facts(mode="remote"))
    assert {name for name, found in clocks.items() if not found.clock.contract} == {
        "resolution",
        "user_update",
    }


def test_outside_the_residents_hours_zone_a_is_served_like_zone_b():
    assert [zone_now("A", True), zone_now("A", False), zone_now("C", False)] == ["A", "B", "C"]


def test_the_policy_that_ships_is_clean():
    assert SHIPPED.findings() == []
    assert unknown_calendars(SHIPPED, shipped()) == set()


def test_a_category_contains_its_branches():
    branch = policy('printers | category = "printer" | 1h')
    assert branch.clocks(Facts(category="printer.jam"))
    assert not branch.clocks(Facts(category="printers"))


# ── What is shown when saving ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rules", "findings"),
    [
        # A special case before the general one is how it should be
        (['one | zone = "A" | 1h', "all | | 2h"], []),
        # Behind the general one it never decides
        (["all | | 2h", 'one | zone = "A" | 1h'], [Finding("unreachable", "one", ("all",))]),
        # Nor where the rules before cover it together
        (
            [
                "vips | vip = true | 1h",
                "others | vip = false | 2h",
                'one | priority = "P1" | 3h',
            ],
            [Finding("unreachable", "one", ("vips", "others"))],
        ),
        (
            ['high | priority = ["P1", "P2"] | 1h', 'low | priority = ["P3", "P4"] | 2h', "all | | 3h"],
            [Finding("unreachable", "all", ("high", "low"))],
        ),
        # Zones have no end, so a general rule behind two of them still decides
        (['a | zone = "A" | 1h', 'b | zone = "B" | 2h', "all | | 3h"], []),
        # Two rules that both fit some tickets, and neither is the special case
        (
            ['a | zone = "A" | 1h', "vips | vip = true | 30m"],
            [Finding("overlap", "vips", ("a",))],
        ),
        # ... which is nothing to look at when both say the same
        (['a | zone = "A" | 1h', "vips | vip = true | 1h"], []),
        # A branch behind its tree
        (
            ['tree | category = "printer" | 1h', 'branch | category = "printer.jam" | 2h'],
            [Finding("unreachable", "branch", ("tree",))],
        ),
    ],
)  # fmt: skip
def test_rules_that_never_decide_or_compete_are_found(rules, findings):
    assert policy(*rules).findings() == findings


def test_a_ticket_keeps_the_version_of_its_day():
    old = policy("all | | 4h", version="2026", dates="valid_from = 2026-01-01")
    new = policy(
        "all | | 2h", version="2027", dates="valid_from = 2027-01-01\nvalid_until = 2027-12-31"
    )
    days = [date(2025, 12, 31), date(2026, 12, 31), date(2027, 1, 1), date(2028, 1, 1)]
    found = [policy_on([new, old], day) for day in days]
    assert [one and one.version for one in found] == [None, "2026", "2027", "2026"]


# ── What is refused ──────────────────────────────────────────────────────────────────────────────

CLOCK = '[clocks.x]\nstarts = ["a"]\nstops = ["b"]\ncalendar = "field"\n'
HEAD = 'version = "1"\nvalid_from = 2026-01-01\n'
RULE = '[[rules]]\nclock = "x"\ntarget = "1h"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("version = ", "this is no TOML"),
        (CLOCK + RULE, "version: is missing"),
        (HEAD + CLOCK, "rules: a policy needs at least one rule"),
        (HEAD + 'colour = "red"\n' + CLOCK + RULE, "colour: nobody knows this"),
        (HEAD + "valid_until = 2025-01-01\n" + CLOCK + RULE, "valid_until: 2025-01-01 is before valid_from"),
        (HEAD + CLOCK.replace('["b"]', "[]") + RULE, "clocks.x.stops: a clock needs at least one event"),
        (HEAD + CLOCK.replace("field", "fild") + RULE, "clocks.x.calendar: there is no calendar 'fild'"),
        (HEAD + CLOCK + 'contract = "yes"\n' + RULE, "clocks.x.contract: 'yes' is neither true nor false"),
        (HEAD + CLOCK + 'ladder = [{ at = "soon", tell = ["desk"] }]\n' + RULE, "clocks.x.ladder[1].at: 'soon' is not like"),
        (HEAD + CLOCK + 'ladder = [{ at = "50%", tell = ["boss"] }]\n' + RULE, "clocks.x.ladder[1].tell: 'boss' is none of"),
        (HEAD + CLOCK + 'repeat = { every = "1h", at_most = 0, tell = ["desk"] }\n' + RULE, "clocks.x.repeat.at_most: 0 is no number"),
        (HEAD + CLOCK + RULE.replace('"x"', '"y"'), "rules[1].clock: 'y' is none of x"),
        (HEAD + CLOCK + RULE.replace("1h", "soon"), "rules[1].target: 'soon' is no amount of time"),
        (HEAD + CLOCK + RULE.replace("1h", "0h"), "rules[1].target: a target of no time"),
        (HEAD + CLOCK + RULE + 'when = { priority = "P9" }\n', "rules[1].when.priority: 'P9' is none of P1, P2, P3, P4"),
        (HEAD + CLOCK + RULE + "when = { vip = 1 }\n", "rules[1].when.vip: 1 is none of True, False"),
        (HEAD + CLOCK + RULE + 'when = { moon = "full" }\n', "rules[1].when.moon: a rule can ask for zone"),
        (HEAD + CLOCK + RULE + "when = { zone = [] }\n", "rules[1].when.zone: an empty list fits no ticket"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_path(text, sentence):
    with pytest.raises(WrongPolicy) as refusal:
        load(text, calendars={"field"})
    assert any(problem.startswith(sentence) for problem in refusal.value.problems)


def test_all_wrong_values_are_named_at_once():
    with pytest.raises(WrongPolicy) as refusal:
        load(HEAD + CLOCK + RULE.replace("1h", "x") + RULE.replace("1h", "y"))
    assert len(refusal.value.problems) == 2
