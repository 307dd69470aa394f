"""Actions on a ticket, by people: one door for buttons, words, digits and links (promise 5)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from core import actions, clocks, closing, corrections, emergency, grievances, pauses, planning
from core.desk import Desk
from core.dispatch import backlog, leaving, offers
from core.errors import (
    IllegalMove,
    Missing,
    NoSuchTicket,
    NotAllowed,
    Refusal,
    TakenByAnother,
    Unproven,
    WrongSiteCode,
)
from core.in_hand import Actor, InHand, relations
from core.lifecycle import Action, Status
from core.messages import Choice, File
from core.notices import (
    Acknowledged,
    AppointmentSet,
    AskChoice,
    AskResult,
    ClaimToAccept,
    DeskNotSolved,
    DeskStep,
    DeskUnresolved,
    EngineerArrived,
    EngineerAssigned,
    EngineerEnRoute,
    EngineerNumber,
    EngineerSays,
    JobAssigned,
    JobCancelled,
    JobConfirmed,
    JobHandedOver,
    JobMoved,
    JobNotSolved,
    JobTaken,
    NoteKept,
    NotSolvedReceived,
    NotWaitingForMe,
    Refused,
    Relayed,
    RemoteAgreed,
    RemoteAssigned,
    RemoteOffered,
    RemoteStarted,
    RemoteTaken,
    RequesterUrges,
    TicketCancelled,
    TicketClosed,
    TicketOpened,
    TicketReopened,
    UrgeReceived,
    VisitChanged,
    WaitingForYou,
    WhatComesNext,
)
from core.numbers import serial_of
from core.opening import open_ticket, understand
from core.people import ENGINEERS, Person, Role
from core.ports import Tx
from core.routing import propose, route, settle_ticket
from core.rows import InboxRow
from core.sla.clock import LATE_ENTRY
from core.telling import language_of, tell
from core.ticket import Draft, Message, Offer, Ticket

S, A = Status, Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One action that somebody asks for, however they said it."""

    action: Action
    number: str
    arg: str = ""
    text: str = ""
    files: tuple[File, ...] = ()
    at: datetime | None = None  # when it happened, if not now
    detail: Mapping[str, str] = field(default_factory=dict)  # such as a location's distance


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: a catalog key and slots for a toast, where the channel can show one."""

    kind: str
    ticket: Ticket | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    refused: bool = False


REPEATED = Outcome("done_already")
NOT_ME = "not_me"  # "you are not waiting for me", says the requester's button
Effect = Callable[[InHand, Request], str | None]


async def act(desk: Desk, request: Request, by: Actor, inbox_id: int | None = None) -> Outcome:
    """Do it in one transaction with everything that follows from it, or say why not."""

    def body(tx: Tx) -> Outcome:
        now = desk.now()
        if inbox_id is not None and not settle(tx, inbox_id, now):
            return REPEATED
        return perform(tx, desk, request, by, now, cause=f"in{inbox_id}" if inbox_id else "")

    outcome = await desk.store.write(body)
    desk.wake()
    return outcome


def settle(tx: Tx, inbox_id: int, now: datetime, note: str = "", state: str = "done") -> bool:
    """The first statement of every transaction that answers an inbox row: once, or not at all."""
    return (
        tx.update_where(
            InboxRow, {"id": inbox_id, "state": "new"}, state=state, note=note, settled_at=now
        )
        == 1
    )


async def ignore(desk: Desk, inbox_id: int, why: str) -> None:
    """Nothing to be done about this row, and it is written down why."""
    now = desk.now()
    await desk.store.write(lambda tx: settle(tx, inbox_id, now, note=why, state="ignored"))


def perform(
    tx: Tx, desk: Desk, request: Request, by: Actor, now: datetime, *, cause: str = ""
) -> Outcome:
    """One action within a transaction. Rules refuse before anything is written."""
    try:
        ticket = find_ticket(tx, request.number)
        request, claimed = _dated(desk, request, now), request.at is None
        hand = InHand(tx, desk, ticket, by=by, now=now, at=request.at, cause=cause)
        guard(hand, request.action)
        if claimed and hand.at < ticket.opened_at:
            raise Missing(number=ticket.number, what="moment")
        said = EFFECTS.get(request.action, _just_a_step)(hand, request)
        _ask_for_approval(hand, request)
        saved = hand.save()
        leaving.watch(hand, ticket)
        backlog.freed(hand, ticket)
        return Outcome(said or f"done_{request.action}", saved)
    except Refusal as refusal:
        return refuse(tx, desk, refusal, by, now, f"{request.number}.{request.action}")


def _dated(desk: Desk, request: Request, now: datetime) -> Request:
    """ "ARR 14:05" is entered late: it keeps both times (clock rule 3)."""
    if request.action not in clocks.CLAIMABLE or request.at is not None:
        return request
    at = desk.past_moment_in(request.arg, now)
    return replace(request, at=at, arg="") if at else request


def _ask_for_approval(hand: InHand, request: Request) -> None:
    """Where the contract wants it so, a late entry counts only once a supervisor accepts it."""
    if request.action not in clocks.CLAIMABLE or hand.now - hand.at <= LATE_ENTRY:
        return
    if not hand.desk.rules.claims_need_approval:
        return
    hand.tell_role(
        ClaimToAccept(
            number=hand.ticket.number,
            engineer=_name(hand.by.person),
            status=hand.ticket.status,
            at=hand.at,
            entered=hand.now,
        ),
        Role.SUPERVISOR,
        choices=(hand.choice(A.ACCEPT_CLAIM, str(hand.history[-1].seq), "primary"),),
    )


def refuse(tx: Tx, desk: Desk, refusal: Refusal, by: Actor, now: datetime, event: str) -> Outcome:
    """A refusal in words, and nobody is left without: who sees no outcome is sent a letter."""
    if by.person is not None and by.reply is not None and not by.sees_outcome:
        detail = str(refusal.params.get("by", refusal.params.get("number", "")))
        tell(
            tx,
            desk,
            by.person,
            Refused(reason=refusal.kind, detail=detail),
            event=f"{event}.{by.reply.message_id or now.timestamp()}",
            now=now,
            reply=by.reply,
        )
    return Outcome(refusal.kind, None, refusal.params, refused=True)


def find_ticket(tx: Tx, number: str) -> Ticket:
    """The ticket of that number, held until the transaction ends. Raises NoSuchTicket."""
    serial = serial_of(number)
    ticket = tx.lock(Ticket, serial) if serial else None
    if ticket is None:
        raise NoSuchTicket(number=number[:12])
    return ticket


def guard(hand: InHand, action: Action) -> None:
    """Who may (R-120), and by which proof. Whether the state allows it is for `step` to say."""
    person = hand.by.person
    if person is None:
        return
    ties = relations(hand.tx, hand.ticket, person)
    if actions.may(action, person.roles, ties):
        own = actions.may(action, (Role.REQUESTER,), ties)
        if hand.by.proven or own or not person.is_staff:
            return
        raise Unproven(number=hand.ticket.number)
    if action in {A.ACCEPT, A.DECLINE} and person.is_staff:
        _explain_lost_offer(hand, person, action)
    raise NotAllowed(number=hand.ticket.number)


def _explain_lost_offer(hand: InHand, person: Person, action: Action) -> None:
    """Who comes too late is told who has it; the winner's second press is fine."""
    asked = hand.tx.first(Offer, order="-id", ticket_id=hand.ticket.id, person_id=person.id)
    if asked is None:
        return
    if hand.ticket.assignee_id == person.id and action == A.ACCEPT:
        raise _Done
    holder = hand.assignee
    if holder is not None:
        raise TakenByAnother(number=hand.ticket.number, by=holder.called(language_of(person)))
    raise IllegalMove(status=asked.state, action=action)


class _Done(Refusal):
    """A second press by the winner is success."""

    kind = "done_accept"


# -- what each action does besides its step


def _just_a_step(hand: InHand, request: Request) -> None:
    hand.step(request.action, arg=request.arg, detail=_said(request))


def _said(request: Request) -> dict[str, str]:
    return {**({"text": request.text} if request.text else {}), **request.detail}


def _accept(hand: InHand, request: Request) -> None:
    person = hand.by.person
    assert person is not None
    offer = hand.tx.first(Offer, ticket_id=hand.ticket.id, person_id=person.id, state="open")
    if offer is None or not offers.answer(hand, offer, "accepted"):
        raise IllegalMove(status=hand.ticket.status, action=A.ACCEPT)
    on_site = hand.ticket.status == S.DISPATCHED
    hand.step(
        A.ACCEPT if on_site else A.START_PHONE,
        detail={"person": person.name, "offer": offer.id, **_said(request)},
        assignee_id=person.id,
    )
    offers.withdraw(hand, taken_by=person)
    hand.cancel_timers("offer_supervisor", "offer_again")
    number, requester = hand.ticket.number, hand.requester.name
    taken = JobTaken(number=number) if on_site else RemoteTaken(number=number, requester=requester)
    hand.answer(taken, choices=job_choices(hand))
    if on_site:
        hand.tell(
            hand.requester,
            EngineerAssigned(number=number, engineer=person.name, due=hand.ticket.due_at),
        )
    else:
        hand.tell(hand.requester, RemoteAssigned(number=number, engineer=person.name))
    _tell_desk(hand)


def ask(hand: InHand, action: Action, args: Iterable[str]) -> None:
    """The action needs one more tap: which reason, which site, who."""
    hand.answer(
        AskChoice(number=hand.ticket.number, asked=action),
        choices=[hand.choice(action, arg) for arg in args],
    )


def job_choices(hand: InHand) -> tuple[Choice, ...]:
    """The next thing that whoever holds the job can do."""
    following = {
        S.ACCEPTED: (A.DEPART, A.ARRIVE),
        S.EN_ROUTE: (A.ARRIVE,),
        S.ARRIVED: (A.RESOLVE, A.REPORT_UNRESOLVED),
        S.WORKING: (A.RESOLVE, A.REPORT_UNRESOLVED),
        S.IN_PHONE: (A.RESOLVE, A.OFFER_REMOTE, A.DISPATCH),
        S.IN_REMOTE: (A.RESOLVE, A.END_REMOTE),
        S.WAITING_USER: (A.RESUME,),
        S.WAITING_PARTS: (A.RESUME,),
        S.WAITING_VENDOR: (A.RESUME,),
    }
    return tuple(hand.choice(action) for action in following.get(hand.ticket.status, ()))


def _decline(hand: InHand, request: Request) -> None:
    person = hand.by.person
    assert person is not None
    if not request.arg and not request.text:
        # The reason is part of the answer, and one tap.
        ask(hand, A.DECLINE, actions.DECLINE_REASONS)
        return
    offer = hand.tx.first(Offer, ticket_id=hand.ticket.id, person_id=person.id, state="open")
    if offer is None or not offers.answer(hand, offer, "declined", request.arg or request.text):
        raise IllegalMove(status=hand.ticket.status, action=A.DECLINE)
    hand.step(A.DECLINE, arg=request.arg, detail={"person": person.name, **_said(request)})
    offers.offer_next(hand)


def _depart(hand: InHand, request: Request) -> None:
    hand.step(A.DEPART, detail=_said(request))
    number = hand.ticket.number
    hand.answer(JobMoved(number=number, status=S.EN_ROUTE), choices=job_choices(hand))
    site = hand.book.sites.get(hand.ticket.site or "")
    hand.tell(
        hand.requester,
        EngineerEnRoute(
            number=number,
            engineer=_name(hand.assignee),
            code=site.spoken_code if site else "",
        ),
    )
    _tell_desk(hand)


def _arrive(hand: InHand, request: Request) -> None:
    if request.arg:
        _check_site_code(hand, request.arg)
    hand.step(A.ARRIVE, detail={**({"code": "site"} if request.arg else {}), **_said(request)})
    number = hand.ticket.number
    hand.answer(JobMoved(number=number, status=S.ARRIVED), choices=job_choices(hand))
    hand.tell(hand.requester, EngineerArrived(number=number, engineer=_name(hand.assignee)))
    _tell_desk(hand)


def _check_site_code(hand: InHand, code: str) -> None:
    """A code that is spoken or scanned is proof; a wrong one is said, never silently dropped."""
    site = hand.book.sites.get(hand.ticket.site or "")
    if site is not None and code not in {site.spoken_code, site.code_on_site}:
        raise WrongSiteCode(number=hand.ticket.number)


def _start_work(hand: InHand, request: Request) -> None:
    hand.step(A.START_WORK, detail=_said(request))
    hand.answer(JobMoved(number=hand.ticket.number, status=S.WORKING), choices=job_choices(hand))


def _resolve(hand: InHand, request: Request) -> None:
    person = hand.by.person
    if not (request.arg or request.text or request.files) and person is not None:
        _wait_for_words(hand, person, "result")
        hand.answer(
            AskResult(number=hand.ticket.number),
            choices=[hand.choice(A.RESOLVE, result) for result in actions.RESULTS],
        )
        return
    if hand.ticket.status == S.ARRIVED:
        hand.step(A.START_WORK)
    hand.step(A.RESOLVE, arg=request.arg, detail=_said(request), resolved_at=hand.at)
    _forget_words(hand, person)
    result = request.text or request.arg or "fixed"
    closing.ask_whether_it_works(hand, result=result)
    emergency.tell_children(hand, result)
    hand.answer(JobMoved(number=hand.ticket.number, status=S.RESOLVED))
    _tell_desk(hand)


def _wait_for_words(hand: InHand, person: Person | None, kind: str, arg: str = "") -> None:
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


def _forget_words(hand: InHand, person: Person | None) -> None:
    if person is not None:
        hand.tx.delete(Draft, person_id=person.id, ticket_id=hand.ticket.id)


def _unresolved(hand: InHand, request: Request) -> str | None:
    request = _with_earlier_words(request)
    if not request.arg:
        ask(hand, A.REPORT_UNRESOLVED, actions.UNRESOLVED_CODES)
        return "asked_for_choice"
    if hand.ticket.status == S.ARRIVED and request.arg == "needs_onsite":
        raise IllegalMove(status=hand.ticket.status, action=A.REPORT_UNRESOLVED)
    said = pauses.read(hand, request.arg.removeprefix("needs_"), request.text, request.files)
    if said.missing:
        return _ask_about_pause(hand, request, said)
    if hand.ticket.status == S.ARRIVED:
        hand.step(A.START_WORK)
    who = _name(hand.assignee)
    hand.step(A.REPORT_UNRESOLVED, arg=request.arg, detail={**request.detail, **said.detail})
    _forget_words(hand, hand.by.person)
    number = hand.ticket.number
    if said.until is not None:
        hand.timer("follow_up", said.until)
    if hand.ticket.status == S.DISPATCHED:
        hand.change(mode="onsite", assignee_id=None)
        offers.offer_next(hand)
    elif hand.ticket.status == S.ESCALATED:
        hand.change(tier=2)
        _call_experts(hand)
    hand.tell_role(DeskUnresolved(number=number, engineer=who, reason=request.arg), Role.DESK_AGENT)
    hand.tell(hand.requester, WhatComesNext(number=number, reason=request.arg))
    hand.answer(JobMoved(number=number, status=hand.ticket.status), choices=job_choices(hand))
    return None


def _ask_about_pause(hand: InHand, request: Request, said: pauses.Pause) -> str:
    """The next words or picture of this person tell what the policy asks for."""
    so_far = "\n".join(part for part in (request.arg, said.evidence or said.text) if part)
    _wait_for_words(hand, hand.by.person, request.action, so_far)
    hand.answer(AskChoice(number=hand.ticket.number, asked=f"pause_{'_'.join(said.missing)}"))
    return "asked_for_words"


def _with_earlier_words(request: Request) -> Request:
    """What a first answer lacked is said in a second one: both count."""
    arg, _, earlier = request.arg.partition("\n")
    return replace(request, arg=arg, text=" ".join(filter(None, (earlier, request.text))))


def _confirm(hand: InHand, request: Request) -> None:
    hand.step(A.CONFIRM, detail=_said(request))
    closing.close(hand)
    number = hand.ticket.number
    hand.answer(TicketClosed(number=number))
    if hand.by.person is None or hand.by.person.id != hand.ticket.requester_id:
        hand.tell(hand.requester, TicketClosed(number=number))
    hand.tell(hand.assignee, JobConfirmed(number=number))
    _tell_desk(hand)


def _not_solved(hand: InHand, request: Request) -> None:
    """R-040: it comes back with its history, to the desk, the supervisor and whoever had it."""
    hand.step(A.NOT_SOLVED, detail=_said(request), tier=2, resolved_at=None)
    closing.forget_resolution(hand)
    number, who = hand.ticket.number, hand.requester.name
    hand.answer(NotSolvedReceived(number=number))
    hand.tell_role(
        DeskNotSolved(number=number, requester=who),
        Role.DESK_AGENT,
        Role.SUPERVISOR,
        choices=(hand.choice(A.DISPATCH, "again", "primary"), hand.choice(A.REASSIGN)),
        audience="desk",
    )
    hand.tell(
        hand.assignee, JobNotSolved(number=number), choices=(hand.choice(A.DISPATCH, "again"),)
    )
    _call_experts(hand)


def _call_experts(hand: InHand) -> None:
    hand.tell_role(
        DeskNotSolved(number=hand.ticket.number, requester=hand.requester.name),
        Role.ESCALATION_CENTRE,
        choices=(hand.choice(A.TAKE_OVER, style="primary"), hand.choice(A.SEND_PERSON)),
        audience="desk",
    )


def _cancel(hand: InHand, request: Request) -> None:
    was_held_by = hand.assignee
    asked = hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open")
    hand.step(request.action, arg=request.arg, detail=_said(request), closed_at=hand.now)
    number = hand.ticket.number
    for offer in asked:
        offers.answer(hand, offer, "withdrawn")
        hand.tell(hand.person(offer.person_id), JobCancelled(number=number))
    hand.tell(was_held_by, JobCancelled(number=number))
    hand.cancel_timers()
    emergency.let_go(hand)
    hand.tell(
        hand.requester,
        TicketCancelled(number=number),
        to_actor=hand.by.person is not None and hand.by.person.id == hand.ticket.requester_id,
    )


def _dispatch(hand: InHand, request: Request) -> None:
    """To the best one, or with "again" to whoever had it: they know the matter."""
    before = hand.assignee
    hand.step(
        A.DISPATCH,
        arg=request.arg,
        detail=_said(request),
        mode="onsite",
        assignee_id=None,
        settled=True,
    )
    hand.cancel_timers("settle", "untriaged")
    if request.arg == "again" and before is not None:
        offers.offer_to(hand, before)
    elif person := hand.book.by_code.get(request.arg):
        offers.offer_to(hand, person)
    else:
        offers.offer_next(hand)
    hand.answer(JobMoved(number=hand.ticket.number, status=S.DISPATCHED))


def _triage(hand: InHand, request: Request) -> None:
    mode = request.arg or hand.ticket.mode or "onsite"
    if mode not in actions.MODES:
        raise Missing(number=hand.ticket.number, what="mode")
    hand.step(A.TRIAGE, arg=mode, detail=_said(request), mode=mode, settled=True)
    hand.cancel_timers("settle", "untriaged")
    route(hand)
    hand.answer(JobMoved(number=hand.ticket.number, status=hand.ticket.status))


def _reassign(hand: InHand, request: Request) -> None:
    """R-034. Without a name the card asks for one; the arrival clock does not start again."""
    if not request.arg:
        ask(hand, A.REASSIGN, _colleagues(hand))
        return
    person = _named(hand, request.arg)
    if person is None:
        raise Missing(number=hand.ticket.number, what="engineer")
    before = hand.assignee
    if hand.ticket.status in {S.TRIAGED, S.NEW, S.REOPENED, S.ESCALATED}:
        if hand.ticket.status in {S.NEW, S.REOPENED}:
            hand.step(A.TRIAGE, arg="onsite", mode="onsite", settled=True)
        hand.step(A.DISPATCH, arg=request.arg, mode="onsite", assignee_id=None)
    else:
        hand.step(A.REASSIGN, arg=person.code or "", detail=_said(request), assignee_id=None)
    hand.cancel_timers("settle", "untriaged", "offer_again")
    _tell_moved(hand, before, person)
    offers.offer_to(hand, person)


MOST_NAMES = 12  # more buttons nobody reads


def _colleagues(hand: InHand) -> list[str]:
    """Engineers on duty who cover the place, and nobody who has the job already."""
    people = hand.book.on_duty(hand.book.with_role(*ENGINEERS), hand.now)
    site = hand.book.sites.get(hand.ticket.site or "")
    near = [p for p in people if site is None or site.city in p.cities] or people
    others = [p.code for p in near if p.code and p.id != hand.ticket.assignee_id]
    return others[:MOST_NAMES]


def _named(hand: InHand, word: str) -> Person | None:
    """By code or name; two people of one name are nobody."""
    wanted = word.strip().lower()
    found = [
        person
        for person in hand.book.staff.values()
        if wanted in {person.code, person.name.lower(), person.name_en.lower()}
    ]
    return found[0] if len(found) == 1 else None


def _tell_moved(hand: InHand, before: Person | None, after: Person | None) -> None:
    if before is not None and before.id != (after.id if after else None):
        hand.tell(before, JobHandedOver(number=hand.ticket.number))
        hand.tell(hand.requester, VisitChanged(number=hand.ticket.number))


def _detach(hand: InHand, request: Request) -> None:
    """ "Not that one": the message becomes a ticket of its own, and the desk sees both (R-014)."""
    message = hand.tx.first(
        Message,
        order="-id",
        ticket_id=hand.ticket.id,
        **({"inbox_id": int(request.arg)} if request.arg.isdigit() else {}),
    )
    if message is None:
        raise Missing(number=hand.ticket.number, what="message")
    hand.step(A.DETACH, arg=request.arg)
    read = understand(
        hand.tx,
        hand.desk,
        hand.requester,
        message.text,
        channel=message.channel,
        asked=frozenset(),
        files=0,
    )
    other = open_ticket(
        hand.tx,
        hand.desk,
        read,
        requester=hand.requester,
        text=message.text,
        origin=message.channel,
        by=hand.by,
        now=hand.now,
        at=message.at,
        opened_at=message.received_at,
        cause=f"detach{message.id}",
        after=hand.ticket,
    )
    hand.tx.update(message, ticket_id=other.ticket.id)
    settle_ticket(other)
    language = language_of(hand.requester)
    other.answer(
        TicketOpened(
            number=other.ticket.number,
            symptom=other.ticket.symptom,
            site=hand.book.site_name(other.ticket.site, language),
            device=other.ticket.device,
            category=other.ticket.category,
            priority=other.ticket.priority,
        ),
        audience="requester",
    )
    other.save()


NEXT_BEST = "next"


def _hand_over(hand: InHand, request: Request) -> None:
    """To whom, and what they must know. A press asks both: the name is one more tap, and words
    that are written instead are the note."""
    person, note = _whom_and_what(hand, request)
    kept = _kept_note(hand)
    if person is None and request.arg != NEXT_BEST and (kept is not None or not note):
        _ask_whom(hand, note)
        return
    note = note or (kept.arg if kept else "")
    before = hand.assignee
    hand.step(
        A.HAND_OVER,
        arg=person.code or "" if person else "",
        detail={
            **({"text": note} if note else {}),
            **({"from": before.id} if before else {}),
            **request.detail,
        },
        assignee_id=None,
    )
    _forget_words(hand, hand.by.person)
    _tell_moved(hand, before, person)
    if person is not None:
        offers.offer_to(hand, person)
    else:
        offers.withdraw(hand)
        offers.offer_next(hand)


def _whom_and_what(hand: InHand, request: Request) -> tuple[Person | None, str]:
    """ "li.wei the cable is still missing": a name at the front is whom, the rest is the note."""
    if request.arg and (person := _named(hand, request.arg)):
        return person, request.text
    first, _, rest = request.text.strip().partition(" ")
    if first and (person := _named(hand, first)):
        return person, rest.strip()
    return None, request.text.strip()


def _kept_note(hand: InHand) -> Draft | None:
    person = hand.by.person
    if person is None:
        return None
    return hand.tx.first(Draft, person_id=person.id, ticket_id=hand.ticket.id, kind="hand_over")


def _ask_whom(hand: InHand, note: str) -> None:
    _wait_for_words(hand, hand.by.person, "hand_over", note)
    ask(hand, A.HAND_OVER, [*_colleagues(hand), NEXT_BEST])


def _take_myself(hand: InHand, request: Request) -> None:
    """The dispatcher deals with it by telephone; whoever was asked is told who has it."""
    person = hand.by.person
    if hand.ticket.status in {S.NEW, S.REOPENED}:
        hand.step(A.TRIAGE, arg="phone", mode="phone", settled=True)
    hand.step(
        A.START_PHONE,
        detail={"person": _name(person), **_said(request)},
        assignee_id=person.id if person else None,
        mode="phone",
        settled=True,
    )
    offers.withdraw(hand, taken_by=person)
    hand.cancel_timers("settle", "untriaged", "offer_supervisor", "offer_again")
    hand.answer(JobTaken(number=hand.ticket.number), choices=job_choices(hand))
    hand.tell(hand.requester, RemoteAssigned(number=hand.ticket.number, engineer=_name(person)))


def _offer_remote(hand: InHand, request: Request) -> None:
    hand.step(A.OFFER_REMOTE, detail=_said(request))
    hand.tell(
        hand.requester,
        RemoteOffered(number=hand.ticket.number, engineer=_name(hand.by.person)),
        choices=(hand.choice(A.START_REMOTE, "agreed", "success"), hand.choice(A.CANCEL)),
    )


def _start_remote(hand: InHand, request: Request) -> None:
    """R-111: only the user starts it, and their press is the consent that the journal keeps."""
    if not any(step.action == A.OFFER_REMOTE for step in hand.history):
        raise IllegalMove(status=hand.ticket.status, action=A.START_REMOTE)
    hand.step(A.START_REMOTE, detail={"consent": "remote_terms_1", **_said(request)})
    number = hand.ticket.number
    hand.answer(
        RemoteStarted(number=number, engineer=_name(hand.assignee)),
        choices=(hand.choice(A.END_REMOTE, style="danger"),),
    )
    hand.tell(
        hand.assignee,
        RemoteAgreed(number=number, requester=hand.requester.name),
        choices=job_choices(hand),
    )


def _take_over(hand: InHand, request: Request) -> None:
    assert hand.by.person is not None
    hand.step(A.TAKE_OVER, detail=_said(request), assignee_id=hand.by.person.id)
    hand.answer(JobTaken(number=hand.ticket.number), choices=(hand.choice(A.RESOLVE),))


def _send_person(hand: InHand, request: Request) -> None:
    hand.step(A.SEND_PERSON, detail=_said(request), mode="onsite", assignee_id=None)
    offers.offer_next(hand)


def _set_appointment(hand: InHand, request: Request) -> None:
    """A time agreed with the user takes the place of the arrival target (clock rule 4)."""
    said = request.arg or request.text
    if not said:
        _wait_for_words(hand, hand.by.person, "appointment")
        ask(hand, A.SET_APPOINTMENT, ())
        return
    at = hand.desk.moment_in(said, hand.now)
    if at is None or at <= hand.now:
        raise Missing(number=hand.ticket.number, what="moment")
    hand.step(A.SET_APPOINTMENT, detail={**_said(request), "at": at.isoformat()})
    _forget_words(hand, hand.by.person)
    number = hand.ticket.number
    hand.tell(hand.requester, AppointmentSet(number=number, engineer=_name(hand.assignee), at=at))
    hand.answer(JobMoved(number=number, status=hand.ticket.status))


def _wait(hand: InHand, request: Request) -> str | None:
    """R-045: a pause has a reason, a day on which somebody looks again and, where the policy asks
    for it, evidence."""
    request = _with_earlier_words(request)
    reason, text = request.arg, request.text
    if not reason and text:
        reason, text = pauses.reason_in(text)
    if not reason:
        ask(hand, A.WAIT, actions.ACTIONS[A.WAIT].args)
        return "asked_for_choice"
    said = pauses.read(hand, reason, text, request.files)
    if said.missing:
        return _ask_about_pause(hand, replace(request, arg=reason), said)
    again = said.until or hand.desk.working_days.after_days(hand.now, 1)
    hand.step(A.WAIT, arg=reason, detail={**said.detail, "until": again.isoformat()})
    _forget_words(hand, hand.by.person)
    hand.timer("follow_up", again)
    moved = JobMoved(number=hand.ticket.number, status=hand.ticket.status)
    hand.answer(moved, choices=job_choices(hand))
    if hand.ticket.status == S.WAITING_USER:
        hand.tell(
            hand.requester,
            WaitingForYou(number=hand.ticket.number),
            choices=(hand.choice(A.RESUME, NOT_ME),),
        )
    return None


def _resume(hand: InHand, request: Request) -> None:
    by_requester = hand.by.person is not None and hand.by.person.id == hand.ticket.requester_id
    if by_requester and hand.ticket.status != S.WAITING_USER:
        raise IllegalMove(status=hand.ticket.status, action=A.RESUME)  # nobody waits for them
    hand.step(A.RESUME, detail={**_said(request), **({"flagged": True} if by_requester else {})})
    hand.cancel_timers("follow_up")
    number = hand.ticket.number
    hand.tell(
        hand.assignee,
        JobMoved(number=number, status=hand.ticket.status),
        choices=job_choices(hand),
    )
    if by_requester:
        notice = NotWaitingForMe(number=number, requester=hand.requester.name)
        hand.tell_role(notice, Role.DESK_AGENT)
        hand.answer(JobMoved(number=number, status=hand.ticket.status))


def _reopen(hand: InHand, request: Request) -> None:
    """R-041."""
    closed = hand.ticket.closed_at
    if closed is not None and hand.now - closed > hand.desk.rules.reopen:
        raise IllegalMove(status=hand.ticket.status, action=A.REOPEN)
    last = hand.assignee
    hand.step(
        A.REOPEN,
        detail=_said(request),
        reopened=hand.ticket.reopened + 1,
        cycle=hand.ticket.cycle + 1,
        resolved_at=None,
        closed_at=None,
        close_code="",
    )
    closing.forget_resolution(hand)
    hand.answer(TicketReopened(number=hand.ticket.number))
    hand.tell(last, JobNotSolved(number=hand.ticket.number))
    propose(hand, Role.DESK_AGENT, Role.SUPERVISOR)


def _urge(hand: InHand, request: Request) -> None:
    since = hand.now - hand.desk.rules.urge_every
    if any(s.action == A.URGE and s.entered_at > since for s in hand.history):
        hand.answer(UrgeReceived(number=hand.ticket.number))
        return
    hand.step(A.URGE, detail=_said(request))
    notice = RequesterUrges(number=hand.ticket.number, requester=hand.requester.name)
    if hand.ticket.assignee_id is None:
        hand.tell_role(notice, Role.DESK_AGENT)
    else:
        hand.tell(hand.assignee, notice)
    hand.answer(UrgeReceived(number=hand.ticket.number))


def _set_site(hand: InHand, request: Request) -> None:
    if not request.arg:
        ask(hand, A.SET_SITE, hand.book.sites)
        return
    if request.arg not in hand.book.sites:
        raise Missing(number=hand.ticket.number, what="site")
    before = hand.ticket.site
    hand.step(A.SET_SITE, arg=request.arg, detail={"was": before or ""}, site=request.arg)
    person = hand.requester
    if person.site is None and not person.is_staff:
        hand.tx.update(person, site=request.arg)  # so that nobody is asked twice
    _tell_other_tickets_the_site(hand, request)
    if before != request.arg and hand.ticket.status == S.DISPATCHED:
        offers.withdraw(hand)
        offers.offer_next(hand)
    if hand.ticket.status == S.NEW and hand.ticket.settled:
        route(hand)


def _tell_other_tickets_the_site(hand: InHand, request: Request) -> None:
    """An answer counts for everything the person has reported and not said a site for (R-012)."""
    others = hand.tx.find(
        Ticket, requester_id=hand.ticket.requester_id, site=None, status=(S.NEW, S.TRIAGED)
    )
    for other in others:
        if other.id != hand.ticket.id:
            held = InHand(hand.tx, hand.desk, other, by=hand.by, now=hand.now)
            held.step(A.SET_SITE, arg=request.arg, detail={"why": "said for another ticket"})
            held.change(site=request.arg)
            held.save()


def _set(name: str) -> Callable[[InHand, Request], None]:
    def effect(hand: InHand, request: Request) -> None:
        if not request.arg:
            ask(hand, request.action, actions.ACTIONS[request.action].args)
            return
        was = getattr(hand.ticket, name)
        hand.step(request.action, arg=request.arg, detail={"was": was})
        hand.change(**{name: request.arg})

    return effect


def _set_priority(hand: InHand, request: Request) -> None:
    if not request.arg:
        ask(hand, A.SET_PRIORITY, actions.PRIORITIES)
        return
    if request.arg not in actions.PRIORITIES:
        raise Missing(number=hand.ticket.number, what="priority")
    was = hand.ticket.priority
    hand.step(
        A.SET_PRIORITY,
        arg=request.arg,
        detail={"was": was},
        severity=request.arg,
        priority=request.arg,
    )


def _relay(hand: InHand, request: Request) -> None:
    """What whoever holds the job writes reaches the requester, in the requester's own channel."""
    hand.step(A.RELAY, detail=_said(request))
    hand.tell(
        hand.requester,
        EngineerSays(number=hand.ticket.number, engineer=_name(hand.by.person), text=request.text),
    )
    hand.answer(Relayed(number=hand.ticket.number, name=hand.requester.name))


def _note(hand: InHand, request: Request) -> None:
    hand.step(A.NOTE, detail=_said(request))
    hand.answer(NoteKept(number=hand.ticket.number))


def _acknowledge(hand: InHand, request: Request) -> None:
    """One promise silences all levels; the alert wakes again only if it fails (clock rule 13)."""
    said = hand.desk.moment_in(request.arg or request.text, hand.now)
    until = said if said and said > hand.now else hand.now + hand.desk.rules.promise
    hand.step(A.ACKNOWLEDGE, detail={"promised": until.isoformat(), **_said(request)})
    hand.timer("promise", until, version=hand.ticket.version)
    hand.answer(Acknowledged(number=hand.ticket.number, until=until))


def _accept_claim(hand: InHand, request: Request) -> None:
    """The supervisor agrees that it happened when it is said to have happened."""
    late = [step for step in hand.history if step.entered_at - step.at > LATE_ENTRY]
    claim = next((step for step in late if request.arg in {"", str(step.seq)}), None)
    if claim is None:
        raise Missing(number=hand.ticket.number, what="moment")
    hand.step(A.ACCEPT_CLAIM, detail={"claim": claim.seq, **_said(request)})
    hand.answer(NoteKept(number=hand.ticket.number))


def _call(hand: InHand, request: Request) -> None:
    """An answered call is a human response (clock rule 5), and it is written down (R-009)."""
    hand.step(A.CALL, detail={"answered": True, **_said(request)})
    hand.answer(NoteKept(number=hand.ticket.number))


def _call_engineer(hand: InHand, request: Request) -> None:
    """The number of whoever holds the job or was asked to; the journal keeps who was given it."""
    me = hand.by.person.id if hand.by.person else None
    asked = hand.tx.find(Offer, order="-id", ticket_id=hand.ticket.id)
    others = (offer.person_id for offer in asked if offer.person_id != me)
    person = hand.assignee or hand.person(next(others, None))
    if person is None:
        raise Missing(number=hand.ticket.number, what="engineer")
    hand.step(A.CALL_ENGINEER, detail={"person": person.name, **_said(request)})
    hand.answer(EngineerNumber(number=hand.ticket.number, engineer=person.name, phone=person.phone))


def _rate(hand: InHand, request: Request) -> None:
    closing.rate(hand, int(request.arg) if request.arg in actions.SCORES else None, request.text)


def _add_engineer(hand: InHand, request: Request) -> None:
    if not request.arg:
        ask(hand, A.ADD_ENGINEER, _colleagues(hand))
        return
    person = _named(hand, request.arg)
    if person is None:
        raise Missing(number=hand.ticket.number, what="engineer")
    hand.step(A.ADD_ENGINEER, arg=person.code or "", detail=_said(request))
    hand.tell(
        person,
        JobAssigned(
            number=hand.ticket.number,
            site=hand.book.site_name(hand.ticket.site, language_of(person)),
            symptom=hand.ticket.symptom,
            due=hand.ticket.due_at,
        ),
        audience="engineer",
    )
    hand.answer(JobMoved(number=hand.ticket.number, status=hand.ticket.status))


def _declare_emergency(hand: InHand, request: Request) -> None:
    emergency.declare(hand, request.arg)
    hand.answer(
        JobMoved(number=hand.ticket.number, status=hand.ticket.status),
        choices=(hand.choice(A.STAND_DOWN, style="success"),),
    )


def _stand_down(hand: InHand, request: Request) -> None:
    emergency.stand_down(hand)
    hand.answer(NoteKept(number=hand.ticket.number))


def _link_duplicate(hand: InHand, request: Request) -> None:
    emergency.link(hand, request.arg or request.text)
    hand.answer(NoteKept(number=hand.ticket.number))


def _apply_plan(hand: InHand, request: Request) -> None:
    planning.use(hand, request.arg)
    hand.answer(NoteKept(number=hand.ticket.number))


def _correct_verdict(hand: InHand, request: Request) -> str | None:
    """Which of the ticket's verdicts, and why: asked one after the other where it was not said."""
    milestone, why = request.arg, request.text
    if not milestone and why:
        milestone, why = corrections.milestone_in(hand, why)
    if not milestone:
        ask(hand, A.CORRECT_VERDICT, corrections.correctable(hand))
        return "asked_for_choice"
    if not why:
        _wait_for_words(hand, hand.by.person, A.CORRECT_VERDICT, milestone)
        hand.answer(AskChoice(number=hand.ticket.number, asked="why_corrected"))
        return "asked_for_words"
    corrections.correct(hand, milestone, why)
    _forget_words(hand, hand.by.person)
    return None


def _in_words(effect: grievances.Effect) -> Effect:
    """Nothing happens without words: where none came with it, the next text is taken for them."""

    def effect_or_question(hand: InHand, request: Request) -> str | None:
        said = request.text or request.arg
        if not said:
            _wait_for_words(hand, hand.by.person, request.action)
            ask(hand, request.action, ())
            return "asked_for_words"
        effect(hand, said)
        _forget_words(hand, hand.by.person)
        return None

    return effect_or_question


def _at_once(effect: grievances.Effect) -> Effect:
    return lambda hand, request: effect(hand, request.arg or request.text)


def _tell_desk(hand: InHand) -> None:
    """The desk is told of every step on site at once (R-038), without a sound."""
    notice = DeskStep(
        number=hand.ticket.number, status=hand.ticket.status, engineer=_name(hand.assignee)
    )
    hand.tell_role(notice, Role.DESK_AGENT, audience="desk")


def _name(person: Person | None) -> str:
    return person.name if person else ""


EFFECTS: Mapping[Action, Effect] = {
    A.ACCEPT: _accept,
    A.DECLINE: _decline,
    A.DEPART: _depart,
    A.ARRIVE: _arrive,
    A.START_WORK: _start_work,
    A.RESOLVE: _resolve,
    A.REPORT_UNRESOLVED: _unresolved,
    A.CONFIRM: _confirm,
    A.NOT_SOLVED: _not_solved,
    A.CANCEL: _cancel,
    A.NOT_A_FAULT: _cancel,
    A.DISPATCH: _dispatch,
    A.TRIAGE: _triage,
    A.REASSIGN: _reassign,
    A.HAND_OVER: _hand_over,
    A.START_PHONE: _take_myself,
    A.DETACH: _detach,
    A.OFFER_REMOTE: _offer_remote,
    A.START_REMOTE: _start_remote,
    A.TAKE_OVER: _take_over,
    A.SEND_PERSON: _send_person,
    A.SET_APPOINTMENT: _set_appointment,
    A.WAIT: _wait,
    A.RESUME: _resume,
    A.REOPEN: _reopen,
    A.URGE: _urge,
    A.SET_SITE: _set_site,
    A.SET_CATEGORY: _set("category"),
    A.SET_DEVICE: _set("device"),
    A.SET_MODE: _set("mode"),
    A.SET_PRIORITY: _set_priority,
    A.RELAY: _relay,
    A.NOTE: _note,
    A.ACKNOWLEDGE: _acknowledge,
    A.CALL: _call,
    A.CALL_ENGINEER: _call_engineer,
    A.ACCEPT_CLAIM: _accept_claim,
    A.RATE: _rate,
    A.ADD_ENGINEER: _add_engineer,
    A.DECLARE_EMERGENCY: _declare_emergency,
    A.STAND_DOWN: _stand_down,
    A.LINK_DUPLICATE: _link_duplicate,
    A.APPLY_PLAN: _apply_plan,
    A.CORRECT_VERDICT: _correct_verdict,
    **{action: _in_words(effect) for action, effect in grievances.NEED_WORDS.items()},
    **{action: _at_once(effect) for action, effect in grievances.WITHOUT_WORDS.items()},
}
