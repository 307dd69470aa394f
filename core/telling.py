"""Notices become letters: to whom, by which of their addresses, in which language."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from core.desk import Desk
from core.messages import Choice, File, Value
from core.notices.notice import Notice
from core.people import Address, Person
from core.ports import Capabilities, Tx
from core.rows import OutboxRow
from core.ticket import Card, Ticket

# Chat first, mail second (requirements §1, `default`); SMS costs money and comes last.
PREFERENCE = ("telegram", "mail", "sms")
REACHABLE = ("ok", "doubtful")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Where the person just wrote or pressed: answers go back the same way."""

    channel: str
    account: str
    address: str
    message_id: str = ""
    pressed: str = ""  # the message of ours whose button was pressed


def language_of(person: Person) -> str:
    return person.language or "zh_CN"


def addresses_of(tx: Tx, desk: Desk, person: Person) -> list[Address]:
    """Where the person can be reached now, best first."""
    found = [
        address
        for address in tx.find(Address, person_id=person.id, state=REACHABLE)
        if address.channel in desk.channels
    ]
    return sorted(
        found,
        key=lambda a: (
            a.state != "ok",
            PREFERENCE.index(a.channel) if a.channel in PREFERENCE else len(PREFERENCE),
            a.id,
        ),
    )


def carrier(tx: Tx, desk: Desk, person: Person) -> Capabilities | None:
    """What the way can do on which files go to this person; None where none leads there."""
    best = next(iter(_for_files(desk, addresses_of(tx, desk, person))), None)
    return desk.channels[best.channel] if best else None


def _for_files(desk: Desk, addresses: list[Address]) -> list[Address]:
    return sorted(addresses, key=lambda a: not desk.channels[a.channel].files)


def parcels(files: Sequence[File], can: Capabilities) -> list[tuple[File, ...]]:
    """The files in order, as letters take them; where none takes any, one tells of all of them."""
    if not can.files:
        return [tuple(files)]
    made: list[list[File]] = []
    for file in files:
        last = made[-1] if made else []
        pictures = {each.kind for each in (*last, file)} == {"photo"}
        room = max(can.files, can.album) if pictures else can.files
        if last and len(last) < room:
            last.append(file)
        else:
            made.append([file])
    return [tuple(parcel) for parcel in made]


def has_card(tx: Tx, ticket_id: int, person_id: int, audience: str) -> bool:
    """What nobody must act on is said by the card that the person has."""
    card = tx.first(Card, ticket_id=ticket_id, person_id=person_id, audience=audience)
    return card is not None


def tell(
    tx: Tx,
    desk: Desk,
    person: Person,
    notice: Notice,
    *,
    event: str,
    now: datetime,
    choices: Iterable[Choice] = (),
    files: Iterable[File] = (),
    ticket: Ticket | None = None,
    reply: Reply | None = None,
    audience: str = "",
    only: str = "",
    not_before: datetime | None = None,
) -> int:
    """Write the letters of one notice to one person; how many there are.

    `event` names what happened, the same on every run: a letter about it is written once. With
    `reply` the letter goes back where the person just spoke; `audience` makes it a live card
    where the channel can edit; `only` keeps it to one channel.
    """
    brought = tuple(asdict(file) for file in files)
    targets = _targets(tx, desk, person, notice, reply, only, with_files=bool(brought))
    params = _with_names(tx, desk, person, notice, ticket)
    answers = tuple(_plain(choice) for choice in choices)
    for target in targets:
        tx.add(
            OutboxRow(
                person_id=person.id,
                channel=target.channel,
                account=target.account,
                address=target.value,
                language=language_of(person),
                zone=person.zone,
                kind=notice.kind,
                params=params,
                choices=answers,
                files=brought,
                loud=notice.loud,
                must=notice.must,
                audience=audience if desk.channels[target.channel].edits else "",
                ticket_id=ticket.id if ticket else None,
                ticket=ticket.number if ticket else "",
                reference=f"{event}.{notice.kind}.{person.id}",
                reply_to=reply.message_id if reply and reply.channel == target.channel else "",
                # With two letters out already, a failure of one needs no third.
                fallback=len(targets) == 1,
                next_at=not_before,
                created_at=now,
            )
        )
    return len(targets)


def _plain(choice: Choice) -> dict[str, str]:
    # dataclasses.asdict copies deeply, and took a tenth of a letter's time
    return {name: getattr(choice, name) for name in Choice.__slots__}


# Slots that hold a person's name.
NAMED = ("engineer", "requester", "holder", "commander", "name", "covered")


def _with_names(
    tx: Tx, desk: Desk, reader: Person, notice: Notice, ticket: Ticket | None
) -> dict[str, Value]:
    """The notice's slots, with people called as the reader writes them."""
    params, language = dict(notice.params()), language_of(reader)
    named = [slot for slot in NAMED if params.get(slot)]
    if not named:
        return params
    people = desk.register.open(tx).by_name
    a_stranger = any(str(params[slot]) not in people for slot in named)
    requester = tx.get(Person, ticket.requester_id) if ticket and a_stranger else None
    for slot in named:
        found = people.get(str(params[slot]), requester)
        if found is not None and found.name == params[slot]:
            params[slot] = found.called(language)
    return params


def _targets(
    tx: Tx,
    desk: Desk,
    person: Person,
    notice: Notice,
    reply: Reply | None,
    only: str,
    *,
    with_files: bool,
) -> list[Address]:
    if reply is not None and reply.channel in desk.channels:
        return [
            Address(
                person_id=person.id,
                channel=reply.channel,
                account=reply.account,
                value=reply.address,
            )
        ]
    found = [a for a in addresses_of(tx, desk, person) if not only or a.channel == only]
    if with_files:
        found = _for_files(desk, found)
    if not notice.everywhere:
        return found[:1]
    # By two ways at least, so that one dead telephone is not one lost job.
    first_of_each = {address.channel: address for address in reversed(found)}
    return sorted(first_of_each.values(), key=found.index)[:2]
