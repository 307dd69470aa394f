"""The catalogs: the same keys and slots in every language, none missing, none that nobody asks."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from importlib.resources import files

import holidays
import pytest
from chinese_calendar.constants import Holiday

from bot import menus
from core import errors, passing_on, privacy
from core.actions import ACTIONS, DECLINE_REASONS, NOT_ME, RESULTS, SEVERITIES, UNRESOLVED_CODES
from core.dispatch.choose import OBJECTIONS, PARTS
from core.dispatch.offers import Alarm
from core.errors import Refusal
from core.grievances import NEED_WORDS
from core.lifecycle import LIFE, UNRESOLVED, WAIT_FOR, Action, Status
from core.messages import KINDS
from core.notices import NOTICES
from core.people import Role
from core.sla.clock import ACCEPT_CLAIM, Pace
from core.sla.days import DayKind
from core.sla.forecast import Needs
from core.sla.ladder import Kind
from core.sla.policy import Facts, shipped_policy
from core.sla.story import REST
from core.sla.verdict import Outcome
from core.understand.devices import devices
from core.words import NAMED, languages
from core.words.catalogs import entries
from core.words.template import slots

LANGUAGES = languages()
CONTEXTS = {"chat", "sms", "mail", "mail_subject", "toast"}


def refusals() -> set[str]:
    named = [value for value in vars(errors).values() if isinstance(value, type)]
    return {v.kind for v in named if issubclass(v, Refusal) and v is not Refusal}


def milestones() -> set[str]:
    policy = files("core.sla").joinpath("data/policy.toml").read_text(encoding="utf-8")
    return set(tomllib.loads(policy)["clocks"])


def categories() -> set[str]:
    text = files("core.understand").joinpath("data/categories.toml").read_text(encoding="utf-8")
    return {category["code"] for category in tomllib.loads(text)["category"]}


def calendars() -> set[str]:
    text = files("core.sla").joinpath("data/calendars.toml").read_text(encoding="utf-8")
    return {calendar["code"] for calendar in tomllib.loads(text)["calendars"]}


def occasions() -> set[str]:
    """Names of holidays in China, as the libraries write them, published and estimated."""
    named = {day.value for day in Holiday} - {"Anti-Fascist 70th Day"}
    estimated = holidays.country_holidays("CN", years=2027).values()
    return named | {name for name in estimated if "observed" not in name}


def clock_events() -> set[str]:
    """What moves a clock and is no action of a ticket."""
    policy = files("core.sla").joinpath("data/policy.toml").read_text(encoding="utf-8")
    clocks = tomllib.loads(policy)["clocks"].values()
    sorts = ("starts", "stops", "continues", "renews", "voids")
    events = {event for clock in clocks for sort in sorts for event in clock.get(sort, ())}
    return (events | {ACCEPT_CLAIM}) - {*Action}


ASKED = {action for action, spec in ACTIONS.items() if spec.args} | NAMED
OFFER_STATES = {"open", "accepted", "declined", "expired", "withdrawn"}

TERMS: dict[str, set[str]] = {
    "category": categories(),
    "status": {*Status} | OFFER_STATES,  # a lost offer is refused by its own state
    "state": OFFER_STATES | {"answered", "closed", "taken"},
    "mode": {"onsite", "remote", "phone"},
    "priority": {"P1", "P2", "P3", "P4"},
    "result": {*RESULTS},
    "reason": {*DECLINE_REASONS, *UNRESOLVED},
    "milestone": milestones(),
    "asked": {*ASKED, *NEED_WORDS, "set_appointment", "link_duplicate", "correct_verdict",
              "why_corrected", "pause_evidence", "pause_until", "pause_evidence_until"},
    "trouble": {
        "poison",
        "mailbox_login_refused", "mailbox_folder_refused",
        "smtp_login_refused", "smtp_sender_refused",
        "telegram_token_refused", "telegram_answer_failed", "telegram_refused",
        "second_poller", "storage_busy", "telegram_unreachable", "sms_silent", "mail_flood",
        "mail_storm", "mail_too_large", "mail_not_marked",
        "mail_unreadable", "smtp_tls_failed",
    },
    "role": {*Role},
    "channel": {"telegram", "mail", "sms", "hotline", "web", "api"},
    "wish": set(privacy.WISHES.values()),
    "what": {"mode", "engineer", "site", "priority", "category", "device", "moment",
             "complaint", "deviation", "complaint_answer", "deviation_answer", "verdict",
             "reason"},
    "why": {"reply", "album", "settling", "recent", "follow_up",
            "reply_address", "return_address", "message_id", "subject_number"},
    "event": clock_events(),
    "alarm": {*Kind, *Alarm},
    "calendar": calendars(),
    "day": {*DayKind} - {DayKind.ORDINARY} | {REST},
    "rule": {rule.name for rule in shipped_policy().rules},
    "occasion": occasions(),
    "site_kind": {"resident", "field"},
    "severity": {*SEVERITIES},
    "brought": {*KINDS, "location"},
    "sent": {*passing_on.WORDS.values(), "photos", "file", "files"},
    "vip": {"yes"},
    "estimated": {"yes"},
    "part": {*PARTS},
    "outcome": {*Outcome},
    "objection": {*OBJECTIONS},
    "needs": {*Needs} - {Needs.NOTHING_HELPS},
    "device": {device.label for device in devices().values()},
    "provisional": {"yes"},
    "on_attach": {"yes"},
    "official": {"yes"},
}  # fmt: skip
ANSWERS: dict[str, set[str]] = {
    "decline": {*DECLINE_REASONS},
    "resolve": {*RESULTS},
    "speak": {*languages()},
    "report_unresolved": {*UNRESOLVED_CODES},
    "wait": {*WAIT_FOR},
    "rate": {"5", "4", "3", "2", "1"},
    "triage": {"onsite", "remote", "phone"},
    "set_mode": {"onsite", "remote", "phone"},
    "set_priority": {"P1", "P2", "P3", "P4"},
    "dispatch": {"again"},
    "hand_over": {"next"},
    "take_complaint": {*SEVERITIES},
    "resume": {NOT_ME},
    "correct_verdict": milestones(),
}
STORY = {
    "paused_outside", "closed",
    "rule", "target", "target_days", "appointment", "idle", "cycle", "day", "claimed",
    "void", "met", "broken", "late", "resting", "due", *Pace,
}  # fmt: skip
CARD = {
    "title", "vip", "symptom", "site", "address", "requester", "device", "category",
    "engineer", "due", "overdue", "answer_by", "repeated", "received", "offer", "unanswered",
    "phone", "hint",
}  # fmt: skip
COMMANDS = {
    "new", "my", "status", "why", "lang", "help", "queue", "assign", "call", "duty",
    "leave", "cover", "forecast", "privacy", "cancel", "board",
    "complaint", "deviation", "correct",
    "sticker",
}  # fmt: skip
PICTURES = {
    "week.title", "leave", "gap", "drawn", "queue.title", "minutes", "late", "more", "no_font",
    "sticker.desk", "sticker.scan",
    *(f"day.{n}" for n in range(1, 8)),
    *(f"kind.{kind}" for kind in ("shift", "on_call", "cover", "leave", "busy", "gap")),
    *(f"column.{name}" for name in (
        "number", "priority", "left", "status", "site", "engineer", "symptom",
    )),
}  # fmt: skip
OTHER = {
    "moment", "day", "choices", "choices_linked", "choice", "choice.between",
    "length.days", "length.hours", "length.minutes", "length.seconds",
    "asked_for_words", "asked_for_choice",
    "opened", "added", "edited", "unchanged", "filed", "done_already",
    "queue.line", "queue.empty", "duty.line", "duty.empty",
    "time", "span", "list.comma", "list.semicolon", "why.objection", "why.grievance",
    "why.entered_late", "why.claim_waiting", "why.claim_accepted",
    "why.moved_later", "why.moved_earlier",
    *(f"why.verdict.{ground}" for ground in ("due", "stopped", "reopened", "claim", "corrected")),
    *(f"why.fact.{fact.name}" for fact in fields(Facts)),
    "forecast.line", "forecast.missed", "forecast.late", "forecast.empty", "why.clock",
    "board.title", "board.line", "board.left", "board.late", "board.more", "plan.line",
    "duty.now", "duty.day", "duty.hours", "sticker.caption",
    "action.unsubscribe", "unsubscribed", "file_missing", "left_out",
    "why.reported", "why.understood", "why.offered", "why.passed_over",
}  # fmt: skip


def expected() -> Iterator[str]:
    yield from NOTICES
    yield from refusals()
    yield from (f"done_{action}" for action in (*LIFE, Action.REPORT))
    yield from (f"action.{action}" for action in Action)
    yield from (f"step.{action}" for action in Action if action is not Action.SPEAK)
    yield from (f"term.{slot}.{key}" for slot, keys in TERMS.items() for key in keys)
    yield from (f"arg.{action}.{arg}" for action, args in ANSWERS.items() for arg in args)
    yield from (f"story_{kind}" for kind in STORY)
    yield from (f"card.{line}" for line in CARD)
    yield from (f"command.{name}" for name in COMMANDS)
    yield from (f"picture.{name}" for name in PICTURES)
    yield from OTHER


def keys(language: str) -> set[str]:
    return {key for _, key in entries(language)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_that_may_be_asked_has_words(language: str) -> None:
    assert set(expected()) - keys(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_are_kept_that_nobody_asks_for(language: str) -> None:
    assert keys(language) - set(expected()) == set()


def test_the_languages_know_the_same_keys_in_the_same_contexts() -> None:
    one, other = (set(entries(language)) for language in LANGUAGES)
    assert one == other
    assert {context for context, _ in one} <= CONTEXTS


def test_a_wording_of_its_own_stands_beside_one_for_the_chat() -> None:
    known = entries("en")
    assert [key for _, key in known if ("chat", key) not in known] == []


@pytest.mark.parametrize("kind", NOTICES)
def test_the_slots_of_a_notice_are_its_fields(kind: str) -> None:
    named = set(NOTICES[kind].slots)
    for language in LANGUAGES:
        assert slots(entries(language)["chat", kind]) == named
        for context in CONTEXTS:
            assert slots(entries(language).get((context, kind), "")) <= named


def test_the_languages_use_the_same_slots() -> None:
    chinese, english = (entries(language) for language in LANGUAGES)
    differing = [
        (context, key)
        for (context, key), wording in chinese.items()
        if context == "chat" and slots(wording) != slots(english[context, key])
    ]
    assert differing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_optional_part_is_closed_and_holds_a_slot(language: str) -> None:
    for (context, key), wording in entries(language).items():
        assert wording.count("[[") == wording.count("]]"), (context, key)
        for part in wording.split("[[")[1:]:
            assert slots(part.partition("]]")[0]), (context, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_is_left_in_the_other_language(language: str) -> None:
    both = {
        "arg.speak.zh_CN",
        "choose_language",
        "command.lang",
        "help",
        "help_desk",
        "help_staff",
        "language_set",
    }
    for (_, key), wording in entries(language).items():
        has_chinese = any("\u4e00" <= char <= "\u9fff" for char in wording)
        if language == "en" and key not in both and key != "moment" and key != "day":
            assert not has_chinese, key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("key", "menu"),
    [("help", menus.EVERYBODY), ("help_staff", menus.STAFF), ("help_desk", menus.DESK)],
)
def test_the_help_of_a_role_names_every_command_of_its_menu(
    language: str, key: str, menu: tuple[str, ...]
) -> None:
    named = set(re.findall(r"/([a-z]+)", entries(language)["chat", key]))
    assert set(menu) <= named


def test_the_categories_are_named_as_in_the_desks_own_list() -> None:
    text = files("core.understand").joinpath("data/categories.toml").read_text(encoding="utf-8")
    for category in tomllib.loads(text)["category"]:
        key = ("chat", f"term.category.{category['code']}")
        assert entries("zh_CN")[key] == category["zh"]
        assert entries("en")[key] == category["en"]


def test_who_never_speaks_does_not_pay_for_babel() -> None:
    code = "import sys, core.words; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
