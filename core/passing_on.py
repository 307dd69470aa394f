"""Files on their way to the other side of a ticket: each to whoever may see it, and once.

They follow the words that they came with, as soon as their bytes are here; a burst goes together.
Whoever takes the job later is sent what came before. Notes, complaints and scores keep theirs.
"""

import mimetypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from core.in_hand import InHand
from core.lifecycle import Action
from core.messages import File
from core.notices.engineer import ColleagueSends, RequesterSends
from core.notices.notice import AboutTicket
from core.notices.requester import EngineerSends, FileNotPassedOn
from core.people import Person, Role, name_of
from core.ports import Capabilities
from core.requests import Request
from core.telling import carrier, parcels
from core.ticket import FileShown, Message, Offer, StoredFile, Ticket

A = Action
JOB, BOTH = "job", "both"
# Words that the other side hears; what comes with all others stays with the desk.
SHOWN: Mapping[Action, str] = {
    A.RELAY: BOTH,
    A.RESOLVE: BOTH,
    A.HAND_OVER: JOB,
    A.ADD: JOB,
    A.NOT_SOLVED: JOB,
    A.REOPEN: JOB,
    A.RESUME: JOB,
    A.URGE: JOB,
    A.ASK_CANCEL: JOB,
}
SENT_ALONG = 10  # of what came before somebody took the job
LOOKED_AT = 100
LOST = ("too_big", "gone")
# What mimetypes calls otherwise, or not at all on some machines.
ENDINGS = {"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "video/mp4": ".mp4", "image/webp": ".webp"}
WORDS = {"photo": "photo", "voice": "voice", "audio": "voice", "video": "video"}


def follow(hand: InHand, before: Ticket, request: Request) -> None:
    """After an action: its files go where its words went, and who has the job now sees the rest."""
    shown_to = SHOWN.get(request.action)
    if shown_to and request.message:
        hand.tx.update_where(StoredFile, {"message_id": request.message}, shown_to=shown_to)
    if hand.ticket.assignee_id not in {None, before.assignee_id}:
        pass_on(hand, newcomer=hand.assignee)
    elif shown_to:
        pass_on(hand)


def pass_on(hand: InHand, *, newcomer: Person | None = None) -> None:
    """Send what is here and was not sent yet.

    Nothing goes while a part of a burst has not been tried to be fetched: what becomes of that
    calls this again.
    """
    found = hand.tx.find(
        StoredFile,
        order="-id",
        limit=LOOKED_AT,
        ticket_id=hand.ticket.id,
        shown_to=(JOB, BOTH),
    )
    if not found or any(file.state == "wanted" and file.next_at is None for file in found):
        return
    messages = hand.tx.find(Message, id=tuple({file.message_id for file in found}))
    authors = {message.id: message.person_id for message in messages}
    workers = {person.id: person for person in _workers(hand, newcomer)}
    here = [file for file in reversed(found) if file.state != "wanted"]
    for reader in {**workers, hand.requester.id: hand.requester}.values():
        can = carrier(hand.tx, hand.desk, reader)
        if can is None:
            continue
        theirs = [
            file
            for file in here
            if authors[file.message_id] != reader.id
            and (file.shown_to == BOTH or reader.id in workers)
        ]
        unseen = _not_yet_shown(hand, reader, theirs)
        if newcomer is not None and reader.id == newcomer.id:
            unseen = unseen[-SENT_ALONG:]
        for author, parts in groupby(unseen, key=lambda file: authors[file.message_id]):
            _send(hand, reader, can, hand.person(author), list(parts))


def _workers(hand: InHand, newcomer: Person | None) -> Sequence[Person]:
    """The holder of the job or, where nobody is even asked to take it, the desk."""
    if newcomer is not None:
        return [newcomer]
    if hand.assignee is not None:
        return [hand.assignee]
    if not hand.ticket.settled or not hand.ticket.is_open:
        return []
    if hand.tx.first(Offer, ticket_id=hand.ticket.id, state="open") is not None:
        return []
    return hand.book.on_duty_or_all(hand.book.with_role(Role.DESK_AGENT), hand.now)


def _not_yet_shown(hand: InHand, reader: Person, files: list[StoredFile]) -> list[StoredFile]:
    """From now on they are."""
    ids = tuple(file.id for file in files)
    if not ids:
        return []
    shown = {row.file_id for row in hand.tx.find(FileShown, person_id=reader.id, file_id=ids)}
    unseen = [file for file in files if file.id not in shown]
    new: list[object] = [FileShown(file_id=file.id, person_id=reader.id) for file in unseen]
    if new:
        hand.tx.add_new(new, key=("file_id", "person_id"))
    return unseen


def _send(
    hand: InHand,
    reader: Person,
    can: Capabilities,
    author: Person | None,
    files: Sequence[StoredFile],
) -> None:
    for parcel in parcels(list(_on_their_way(hand.ticket, files)), can):
        if parcel:
            hand.tell(reader, _notice(hand, reader, author, called(parcel)), files=parcel)
    number, name = hand.ticket.number, name_of(author)
    for file in files:
        if file.state in LOST:
            sent = WORDS.get(file.kind, "file")
            hand.tell(reader, FileNotPassedOn(number=number, name=name, sent=sent))


def _on_their_way(ticket: Ticket, files: Iterable[StoredFile]) -> Iterator[File]:
    for file in files:
        if file.state == "stored":
            ending = ENDINGS.get(file.type) or mimetypes.guess_extension(file.type) or ""
            yield File(
                kind=file.kind,
                name=file.name or f"{ticket.number}-{file.id}{ending}",
                type=file.type,
                size=file.size,
                sha256=file.sha256,
            )


def called(files: Sequence[File]) -> str:
    """What they are, as a key of the catalogs."""
    words = {WORDS.get(file.kind, "file") for file in files}
    if words == {"photo"}:
        return "photo" if len(files) == 1 else "photos"
    return words.pop() if len(files) == 1 else "files"


def _notice(hand: InHand, reader: Person, author: Person | None, sent: str) -> AboutTicket:
    number, name = hand.ticket.number, name_of(author)
    if reader.id == hand.ticket.requester_id:
        return EngineerSends(number=number, engineer=name, sent=sent)
    if author is not None and author.is_staff and author.id != hand.ticket.requester_id:
        return ColleagueSends(number=number, engineer=name, sent=sent)
    return RequesterSends(number=number, requester=name, sent=sent)
