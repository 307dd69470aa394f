"""Presses that are about no ticket: a language, and words of which it was asked whose they are."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from core.desk import Desk
from core.errors import Stale
from core.in_hand import Actor
from core.lifecycle import OPEN, Action
from core.notices.answers import LanguageSet
from core.opening import kept_words, open_from
from core.people import Person
from core.ports import Tx
from core.register import amend
from core.requests import Outcome, Request
from core.telling import tell
from core.ticket import Card, Ticket
from core.words import languages

NEVER_DRAWN = -1  # below every version that a card can want


def speak(tx: Tx, person: Person, language: str) -> Person:
    """The person reads in that language from now on; what is still going on is drawn again."""
    shown = tuple({card.ticket_id for card in tx.find(Card, person_id=person.id)})
    _draw_again(tx, person, tx.find(Ticket, id=shown, status=tuple(OPEN)))
    return amend(tx, person, language=language)


def _draw_again(tx: Tx, person: Person, tickets: Iterable[Ticket]) -> None:
    """The person's cards of these tickets, although nothing has changed about the tickets."""
    theirs = {"person_id": person.id, "ticket_id": tuple(ticket.id for ticket in tickets)}
    tx.update_where(Card, theirs, drawn_version=NEVER_DRAWN)


def _speak(tx: Tx, desk: Desk, request: Request, by: Actor, now: datetime, cause: str) -> Outcome:
    if by.person is None or request.arg not in languages():
        raise Stale
    person = speak(tx, by.person, request.arg)
    tell(tx, desk, person, LanguageSet(), event=cause, now=now, reply=by.reply)
    return Outcome("language_set")


def _report(tx: Tx, desk: Desk, request: Request, by: Actor, now: datetime, cause: str) -> Outcome:
    """The words were none for a job at hand: they are a report like any other."""
    person = by.person
    if person is None:
        raise Stale
    message = kept_words(tx, person, request.arg)
    hand = open_from(tx, desk, message, requester=person, by=by, now=now, cause=cause)
    # The question goes from under the job that it stands with.
    _draw_again(tx, person, tx.find(Ticket, assignee_id=person.id))
    return Outcome("done_report", hand.save())


Effect = Callable[[Tx, Desk, Request, Actor, datetime, str], Outcome]
APART: Mapping[Action, Effect] = {Action.SPEAK: _speak, Action.REPORT: _report}
