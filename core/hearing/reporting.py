"""One message is a report: the ticket exists once it is stored (promise 1)."""

from datetime import timedelta

from core.hearing import Hearing
from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import Inbound, Value
from core.notices.requester import AskSite, PasswordSeen
from core.numbers import serial_of
from core.opening import files_in_words, open_ticket, say_opened
from core.passing_on import JOB
from core.requests import Outcome
from core.routing import settle_ticket
from core.ticket import Ticket
from core.understand.reading import Understanding
from core.understand.secrets import mask_passwords

A = Action


def report(hearing: Hearing, after: Ticket | None = None) -> Outcome:
    """One message is a report: the ticket exists once the message is stored (promise 1)."""
    hand = opened(hearing, after)
    hearing.keep(hand.ticket.id, shown_to=JOB)
    _acknowledge(hearing, hand, hearing.read)
    if hearing.read.severity == "P1":
        settle_ticket(hand)
    else:
        hand.later("settle", _settling(hearing, hand))
    return Outcome("opened", hand.save())


def opened(hearing: Hearing, after: Ticket | None = None) -> InHand:
    return open_ticket(
        hearing.tx,
        hearing.desk,
        hearing.read,
        requester=hearing.person,
        text=mask_passwords(hearing.matter) or in_words(hearing.inbound),
        origin=hearing.inbound.channel,
        by=hearing.guest.actor,
        now=hearing.now,
        at=hearing.inbound.occurred_at,
        opened_at=hearing.inbound.received_at,
        cause=hearing.event,
        after=after,
        also=_origin(hearing),
    )


def _origin(hearing: Hearing) -> dict[str, Value]:
    """Whatever else decided about a new ticket, for /why."""
    if hearing.inbound.automatic:  # a machine's words ring nobody before a person has read them
        return {"automatic": hearing.inbound.detail.get("automatic", ""), "certainty": 0.0}
    number = hearing.inbound.detail.get("number", "")
    return {"related": number} if serial_of(number) else {}


def _settling(hearing: Hearing, hand: InHand) -> timedelta:
    rules = hearing.desk.rules
    return rules.site_answer if hand.ticket.asked else rules.settle


def _acknowledge(hearing: Hearing, hand: InHand, read: Understanding) -> None:
    ticket = hand.ticket
    asked_already = "site" in hearing.asked
    asks = ticket.site is None and read.mode == "onsite" and not asked_already
    if not (asks and _says_all_at_once(hearing)):
        say_opened(hand)
    if asks:
        # The only question that routing cannot do without, asked once.
        hand.change(asked="site")
        hand.answer(
            AskSite(number=ticket.number),
            choices=[hand.choice(A.SET_SITE, code) for code in hand.book.sites],
        )
    warn_of_password(hearing, hand)


def warn_of_password(hearing: Hearing, hand: InHand) -> None:
    if mask_passwords(hearing.text) != hearing.text:
        hand.answer(PasswordSeen(number=hand.ticket.number))


def _says_all_at_once(hearing: Hearing) -> bool:
    """Without buttons the question acknowledges too: one text or one mail instead of two.
    Reviewed templates know no such question."""
    can = hearing.desk.channels.get(hearing.inbound.channel)
    return can is not None and not can.buttons and not can.templates_only


def in_words(inbound: Inbound) -> str:
    """What came instead of a text."""
    words = files_in_words(file.kind for file in inbound.files)
    return words or ("[location]" if inbound.location else "")
