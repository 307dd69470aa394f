"""Words to the other side, to the file, and by telephone."""

from dataclasses import replace

from core.errors import Missing
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import File
from core.notices.desk import EngineerNumber
from core.notices.engineer import NoteKept, Relayed
from core.notices.requester import EngineerSays
from core.opening import file_under, files_in_words, kept_words
from core.passing_on import BOTH
from core.people import Person, name_of
from core.requests import Request
from core.ticket import Offer, StoredFile

A = Action


def relay(hand: InHand, request: Request) -> None:
    """What whoever holds the job writes reaches the requester, in the requester's own channel."""
    if request.arg and hand.by.person is not None:
        request = _with_kept_words(hand, request, hand.by.person)
    files = files_in_words(file.kind for file in request.files)
    hand.step(A.RELAY, detail={"text": files, **request.said} if files else request.said)
    if request.text or not files:  # files speak for themselves
        hand.tell(
            hand.requester,
            EngineerSays(
                number=hand.ticket.number, engineer=name_of(hand.by.person), text=request.text
            ),
        )
    hand.answer(Relayed(number=hand.ticket.number, name=hand.requester.name))


def _with_kept_words(hand: InHand, request: Request, person: Person) -> Request:
    """It was asked whose the words are, and they are for this ticket."""
    message = kept_words(hand.tx, person, request.arg)
    files = hand.tx.find(StoredFile, message_id=message.id)
    file_under(hand.tx, message, hand.ticket.id, shown_to=BOTH)
    return replace(request, text=message.text, files=tuple(File(kind=file.kind) for file in files))


def note(hand: InHand, request: Request) -> None:
    hand.step(A.NOTE, detail=request.said)
    hand.answer(NoteKept(number=hand.ticket.number))


def call(hand: InHand, request: Request) -> None:
    """An answered call is a human response (clock rule 5), and it is written down (R-009)."""
    hand.step(A.CALL, detail={"answered": True, **request.said})
    hand.answer(NoteKept(number=hand.ticket.number))


def call_engineer(hand: InHand, request: Request) -> None:
    """The number of whoever holds the job or was asked to; the journal keeps who was given it."""
    asked = hand.tx.find(Offer, order="-id", ticket_id=hand.ticket.id)
    others = (offer.person_id for offer in asked if offer.person_id != hand.by.id)
    person = hand.assignee or hand.person(next(others, None))
    if person is None:
        raise Missing(number=hand.ticket.number, what="engineer")
    hand.step(A.CALL_ENGINEER, detail={"person": person.name, **request.said})
    hand.answer(EngineerNumber(number=hand.ticket.number, engineer=person.name, phone=person.phone))
