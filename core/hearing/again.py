"""What the desk has in another form already: an edit, a machine's words, a repetition."""

from core import keypad
from core.hearing import Hearing
from core.hearing.adding import corrected, tell_holder
from core.hearing.reporting import report, warn_of_password
from core.hearing.typed import WORDS
from core.lifecycle import Action, Status
from core.numbers import is_number
from core.requests import Outcome
from core.ticket import Message, Ticket
from core.understand.secrets import mask_passwords

A = Action


def edited(hearing: Hearing) -> Outcome | None:
    """An edit changes what was said; it never says it again."""
    inbound = hearing.inbound
    if not inbound.edited_of:
        return None
    said = hearing.tx.first(
        Message,
        channel=inbound.channel,
        account=inbound.account,
        person_id=hearing.person.id,
        external_id=inbound.edited_of,
    )
    if said is None:
        return None  # it was said before the desk could hear: then this is the first we know
    # A caption that was taken away does not take the words with it.
    text = mask_passwords(hearing.text) or said.text
    if said.text == text:
        return Outcome("unchanged")
    hearing.tx.update(said, text=text, former=(*said.former, said.text))
    if said.ticket_id is not None:
        _reread(hearing, said.ticket_id, said.text, text)
    return Outcome("edited")


def _reread(hearing: Hearing, ticket_id: int, before: str, text: str) -> None:
    ticket = hearing.tx.lock(Ticket, ticket_id)
    if ticket is None:
        return
    hand = hearing.hand(ticket)
    hand.step(A.ADD, detail={"edited": True, "was": before, "text": text})
    warn_of_password(hearing, hand)
    if ticket.symptom == before or before in ticket.symptom:
        hand.change(symptom=ticket.symptom.replace(before, text) if before else text)
    if ticket.status == Status.NEW and not ticket.settled:
        read = hearing.understand(hand.ticket.symptom)
        hand.change(**corrected(ticket, read))
    elif ticket.assignee_id is not None:
        tell_holder(hearing, hand, text)
    hand.save()


def automatic(hearing: Hearing) -> Outcome | None:
    """Out-of-office notes and lists are filed where they belong and never answered."""
    if not hearing.inbound.automatic:
        return None
    ticket = hearing.of_thread()
    if ticket is None and hearing.inbound.subject:
        return report(hearing)  # a monitor's alarm, perhaps: a person of the desk decides
    hearing.keep(ticket.id if ticket else None)
    return Outcome("filed", ticket)


def said_again(hearing: Hearing) -> Outcome | None:
    """The carrier may have brought one message twice: it is attached, and changes nothing.

    A digit alone may as well be the answer to the next question: that is asked back.
    """
    first = hearing.inbound.detail.get("repeat_of")
    if not first or isinstance(keypad.read(hearing.text, WORDS, is_number), keypad.Digit):
        return None
    said = hearing.tx.first(
        Message,
        order="-id",
        channel=hearing.inbound.channel,
        account=hearing.inbound.account,
        person_id=hearing.person.id,
        external_id=first,
    )
    ticket = hearing.tx.get(Ticket, said.ticket_id) if said and said.ticket_id else None
    hearing.keep(ticket.id if ticket else None)
    if ticket is not None and ticket.is_open:
        hand = hearing.hand(ticket)
        hand.step(A.ADD, detail={"text": mask_passwords(hearing.text), "repeat_of": first})
        hand.save()
    return Outcome("repeated", ticket)
