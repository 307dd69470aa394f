"""What an action still needs: one more tap, or the next words of the person."""

from collections.abc import Iterable
from dataclasses import replace

from core import grievances, pauses
from core.errors import IllegalMove
from core.in_hand import InHand
from core.lifecycle import Action, possible
from core.notices.engineer import AskChoice
from core.people import Person
from core.requests import Effect, Request
from core.ticket import Draft


def check(hand: InHand, action: Action) -> None:
    """Nobody is asked for more about what would be refused. Raises IllegalMove (R-036)."""
    if not possible(hand.ticket.status, action):
        raise IllegalMove(status=hand.ticket.status, action=action)


def ask(hand: InHand, action: Action, args: Iterable[str]) -> None:
    """The action needs one more tap: which reason, which site, who. Raises IllegalMove."""
    check(hand, action)
    hand.answer(
        AskChoice(number=hand.ticket.number, asked=action),
        choices=[hand.choice(action, arg) for arg in args],
    )


def wait_for_words(hand: InHand, person: Person | None, kind: str, arg: str = "") -> None:
    """The next text, voice or photo of this person is the answer, until the draft runs out."""
    if person is None:
        return
    hand.tx.delete(Draft, person_id=person.id)
    hand.tx.insert(
        Draft(
            person_id=person.id,
            kind=kind,
            ticket_id=hand.ticket.id,
            arg=arg,
            expires_at=hand.now + hand.desk.rules.draft,
        )
    )


def forget_words(hand: InHand, person: Person | None) -> None:
    if person is not None:
        hand.tx.delete(Draft, person_id=person.id, ticket_id=hand.ticket.id)


def ask_about_pause(hand: InHand, request: Request, said: pauses.Pause) -> str:
    """The next words or picture of this person tell what the policy asks for."""
    so_far = "\n".join(part for part in (request.arg, said.evidence or said.text) if part)
    wait_for_words(hand, hand.by.person, request.action, so_far)
    hand.answer(AskChoice(number=hand.ticket.number, asked=f"pause_{'_'.join(said.missing)}"))
    return "asked_for_words"


def with_earlier_words(request: Request) -> Request:
    """What a first answer lacked is said in a second one: both count."""
    arg, _, earlier = request.arg.partition("\n")
    return replace(request, arg=arg, text=" ".join(filter(None, (earlier, request.text))))


def in_words(effect: grievances.Effect) -> Effect:
    """Nothing happens without words: where none came with it, the next text is taken for them."""

    def effect_or_question(hand: InHand, request: Request) -> str | None:
        said = request.text or request.arg
        if not said:
            ask(hand, request.action, ())
            wait_for_words(hand, hand.by.person, request.action)
            return "asked_for_words"
        effect(hand, said)
        forget_words(hand, hand.by.person)
        return None

    return effect_or_question


def at_once(effect: grievances.Effect) -> Effect:
    return lambda hand, request: effect(hand, request.arg or request.text)
