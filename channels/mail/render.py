"""A letter as a mail's content: sentences from the catalogs, choices as digits and links."""

from collections.abc import Callable, Mapping, Sequence

from channels.mail.layout import Content, Offer
from core.messages import Choice, Letter
from core.words import label, normal, plain, say

ACKNOWLEDGEMENTS = frozenset(
    {"ticket_opened", "ask_site", "message_added", "home", "thanks", "held"}
)
"""Answers to one mail by nobody: they bounce to nobody, and are not repeated when in doubt."""

BY_PEOPLE = frozenset(
    {"engineer_says", "relayed", "requester_says", "engineer_sends", "requester_sends"}
)
"""Words and files of a person: other programs would drop them as automatic."""

SURVEYS = frozenset({"survey_asked", "survey_reminder"})

Link = Callable[[Choice], str]
"""The page on which a choice is confirmed; empty where the desk has no address on the web."""


def render(
    letter: Letter,
    *,
    link: Link = lambda _: "",
    unsubscribe: str = "",
    names: Mapping[str, str] | None = None,
    references: Sequence[str] = (),
) -> Content:
    """`names`: what stands on a button for a site's or a person's code."""
    language = letter.language
    offers = tuple(
        Offer(
            label=_label(c, letter, names or {}),
            url=link(c),
            digit=digit(c, place),
            style=c.style,
        )
        for place, c in enumerate(letter.choices, start=1)
    )
    return Content(
        subject=_said(letter, "mail_subject"),
        paragraphs=tuple(_paragraphs(letter)),
        choices=offers,
        hint=say(_hint(offers), {"choices": ""}, language=language, context="mail").strip(),
        language=normal(language),
        automatic=letter.kind not in BY_PEOPLE,
        acknowledgement=letter.kind in ACKNOWLEDGEMENTS,
        survey=letter.kind in SURVEYS,
        left_out=say("left_out", {}, language=language, context="mail") if letter.files else "",
        unsubscribe=unsubscribe,
        references=tuple(references),
    )


def _hint(offers: Sequence[Offer]) -> str:
    return "choices_linked" if any(offer.url for offer in offers) else "choices"


def digit(choice: Choice, place: int) -> str:
    """Choices are numbered in their order; a survey's go by their score, as the desk reads them."""
    return choice.arg if choice.action == "rate" and choice.arg else str(place)


def _label(choice: Choice, letter: Letter, names: Mapping[str, str]) -> str:
    named = names.get(choice.arg)
    words = plain(named or label(choice.action, choice.arg, letter.language, context="mail"))
    return words if choice.ticket in {"", letter.ticket} else f"{words} {choice.ticket}"


def _paragraphs(letter: Letter) -> Sequence[str]:
    repeated = [say("card.repeated", {}, language=letter.language)] if letter.repeated else []
    return [*repeated, *(part for part in _said(letter, "mail").split("\n\n") if part.strip())]


def _said(letter: Letter, context: str) -> str:
    return say(
        letter.kind, letter.params, language=letter.language, context=context, zone=letter.zone
    )
