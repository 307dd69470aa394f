"""Who is asked to take a job, and what follows from an answer or from silence (R-024, R-028)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from core.desk import Desk
from core.dispatch import backlog
from core.dispatch import ladder as rungs
from core.dispatch.choose import Choice as Choosing
from core.dispatch.choose import Engineer, Job, Rules, choose
from core.in_hand import InHand
from core.lifecycle import Action, Status, possible
from core.masking import mask_name_of_number
from core.messages import Choice
from core.notices.desk import NobodyAccepts, NobodyToAsk
from core.notices.engineer import (
    HandOverNote,
    JobOffered,
    OfferExpired,
    OfferReminder,
    OfferTaken,
    OfferWithdrawn,
)
from core.notices.notice import Notice
from core.people import ENGINEERS, Person, Role
from core.register import Book
from core.ticket import Offer, Step

DAY = timedelta(days=1)
NO_DEADLINE = timedelta(hours=8)  # for the score only, where no clock runs
NEW_ROUND = {
    Action.DISPATCH,
    Action.TRIAGE,
    Action.HAND_OVER,
    Action.REASSIGN,
    Action.DECLARE_EMERGENCY,
}
WATCH = "watch"  # the timer that looks whether a report is one of several
SUPERVISOR = "offer_supervisor"  # the timer that looks whether anybody has accepted
AGAIN = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=2)
# What an engineer must know for a category; asked for only where somebody of the desk has it.
SKILLS = {
    "printer": "printer",
    "POS": "pos",
    "network": "network",
    "os": "desktop",
    "office": "desktop",
    "hardware": "desktop",
    "virus": "desktop",
}


class Alarm(StrEnum):
    """What the ladder says to people besides the offer itself; catalog keys of the journal."""

    REMINDER = "offer_reminder"
    NOBODY_ACCEPTS = "nobody_accepts"
    NOBODY_TO_ASK = "nobody_to_ask"


def offer_next(hand: InHand, *, again: int = 0) -> Offer | None:
    """Ask the next one, in an emergency all: the ladder decides the role, the score decides who.

    `again` counts how often everybody was through: then who was silent is asked once more, who
    declined is not before the cool-off is over.
    """
    made = _made(hand)
    if any(offer.state == "open" for offer in made):
        return None
    ladder, asked = _ladder(hand), _asked(hand, made)
    passes = _passes(asked)
    this_pass = [] if again else passes[-1]
    declined = {offer.person for offer in asked if offer.answer is rungs.Answer.DECLINED}
    silent = {offer.person for offer in this_pass}
    by_role, choosing = _fit(hand, ladder, silent | declined | _gave_it_away(hand))
    role = rungs.next_role(ladder, this_pass, {r for r, people in by_role.items() if people})
    if role is None:
        _nobody_left(hand, max(again, len(passes) - 1))
        return None
    hand.cancel_timers(backlog.AGAIN)
    offers = [
        _offer(hand, person, role, ladder, choosing)
        for person, role in _asked_now(ladder, role, by_role)
    ]
    if not asked:
        hand.later(SUPERVISOR, ladder.supervisor)
        hand.later(WATCH, timedelta())
    return offers[0]


def _asked_now(
    ladder: rungs.Ladder, role: str, by_role: Mapping[str, Sequence[Person]]
) -> list[tuple[Person, str]]:
    """The best of each role whose moment has come, or all of them; nobody twice for two roles."""
    found: dict[int, tuple[Person, str]] = {}
    for one in ladder.asked_with(role):
        for person in by_role[one][: None if ladder.broadcast else 1]:
            found.setdefault(person.id, (person, one))
    return list(found.values())


def extra_hands(hand: InHand, many: int) -> list[Person]:
    """The best who could help whoever has the job, where too few cover the place from the
    nearest cities; nobody is asked, they are told."""
    if hand.ticket.site not in hand.book.sites:
        return []
    busy, loads = {str(hand.ticket.assignee_id)}, _loads(hand)
    found = [candidate.engineer for candidate in _choose(hand, busy, loads).ranked]
    if len(found) < many:
        farther = _choose(hand, busy, loads, anywhere=True).ranked
        found += [other.engineer for other in farther if other.engineer not in found]
    return [hand.book.by_code[code] for code in found[:many]]


def offer_to(hand: InHand, person: Person) -> Offer:
    """Ask this person, by decision of a human being."""
    withdraw(hand)
    ladder = _ladder(hand)
    if not _asked(hand, _made(hand)):
        hand.later(SUPERVISOR, ladder.supervisor)
    return _offer(hand, person, "manual", ladder, None)


def _offer(
    hand: InHand, person: Person, role: str, ladder: rungs.Ladder, choosing: Choosing | None
) -> Offer:
    ticket, code = hand.ticket, person.code or str(person.id)
    chosen = next((c for c in choosing.ranked if c.engineer == code), None) if choosing else None
    offer = hand.tx.insert(
        Offer(
            ticket_id=ticket.id,
            person_id=person.id,
            step=role,
            score=chosen.parts if chosen else {},
            passed_over=choosing.passed_over if choosing else {},
            offered_at=hand.now,
            answer_by=hand.now + ladder.next,
        )
    )
    site = hand.book.sites.get(ticket.site or "")
    hand.tell(
        person,
        JobOffered(
            number=ticket.number,
            site=hand.site_name(person),
            address=site.address if site else "",
            requester=mask_name_of_number(hand.requester.name),
            device=ticket.device,
            symptom=ticket.symptom,
            priority=ticket.priority,
            due=ticket.still_due(hand.now),
            overdue=ticket.overdue(hand.now),
            answer_by=offer.answer_by,
        ),
        choices=_answers(hand),
        audience="engineer",
    )
    _tell_note(hand, person)
    subject = f"offer/{offer.id}"
    hand.later("offer_remind", ladder.remind, subject=subject, offer=offer.id)
    hand.later("offer_expire", ladder.next, subject=subject, offer=offer.id)
    return offer


def _answers(hand: InHand) -> tuple[Choice, ...]:
    return (hand.choice(Action.ACCEPT, style="success"), hand.choice(Action.DECLINE))


def _tell_note(hand: InHand, person: Person) -> None:
    """What whoever had the job wants the next one to know."""
    handed = next((s for s in reversed(hand.history) if s.action in NEW_ROUND), None)
    note = str(handed.detail.get("text") or "") if handed else ""
    if handed is None or handed.action != Action.HAND_OVER or not note:
        return
    before = hand.person(handed.actor_id)
    name = before.name if before else ""
    hand.tell(person, HandOverNote(number=hand.ticket.number, engineer=name, text=note))


def remind(hand: InHand, offer: Offer) -> None:
    person = hand.person(offer.person_id)
    if person is None:
        return
    _stamp(hand, Alarm.REMINDER, [person])
    hand.tell(
        person,
        OfferReminder(
            number=hand.ticket.number,
            site=hand.site_name(person),
            answer_by=offer.answer_by,
        ),
        choices=_answers(hand),
    )


def expire(hand: InHand, offer: Offer) -> None:
    """Silence is never acceptance: the next one is asked, and the silent one is told."""
    answer(hand, offer, "expired")
    if not possible(hand.ticket.status, Action.EXPIRE_OFFER):
        return  # meanwhile the ticket waits for somebody, and nobody need be asked
    person = hand.person(offer.person_id)
    hand.step(Action.EXPIRE_OFFER, detail={"person": person.name if person else ""})
    hand.tell(person, OfferExpired(number=hand.ticket.number))
    offer_next(hand)


def answer(hand: InHand, offer: Offer, state: str, reason: str = "") -> bool:
    """Close the offer, once: the second of two answers finds nothing to change."""
    won = hand.tx.update_where(
        Offer,
        {"id": offer.id, "state": "open"},
        state=state,
        reason=reason,
        answered_at=hand.now,
    )
    hand.cancel_timers("offer_remind", "offer_expire", subject=f"offer/{offer.id}")
    if state == "declined":
        backlog.look_again(hand)
    return won == 1


def withdraw(hand: InHand, *, taken_by: Person | None = None) -> None:
    """Close what is still open, and tell whoever was asked."""
    for offer in hand.tx.find(Offer, ticket_id=hand.ticket.id, state="open"):
        answer(hand, offer, "withdrawn")
        person = hand.person(offer.person_id)
        number = hand.ticket.number
        hand.tell(
            person,
            OfferTaken(number=number, engineer=taken_by.name)
            if taken_by
            else OfferWithdrawn(number=number),
        )


def nobody_accepts(hand: InHand) -> None:
    """Half an hour and no yes: the supervisor can still do something about it (R-028)."""
    asked = _asked(hand, _made(hand))
    if not asked or any(offer.answer is rungs.Answer.ACCEPTED for offer in asked):
        return
    minutes = (hand.now - asked[0].made_at) // timedelta(minutes=1)

    def notice(supervisor: Person) -> NobodyAccepts:
        return NobodyAccepts(
            number=hand.ticket.number,
            site=hand.site_name(supervisor),
            symptom=hand.ticket.symptom,
            minutes=minutes,
            due=hand.ticket.still_due(hand.now),
            overdue=hand.ticket.overdue(hand.now),
        )

    _tell_supervisors(hand, Alarm.NOBODY_ACCEPTS, notice, audience="supervisor")


def _tell_supervisors(
    hand: InHand, alarm: Alarm, notice: Callable[[Person], Notice], audience: str = ""
) -> None:
    supervisors = hand.book.with_role(Role.SUPERVISOR)
    _stamp(hand, alarm, supervisors)
    for person in supervisors:
        hand.tell(person, notice(person), choices=hand.interventions(), audience=audience)


def _stamp(hand: InHand, alarm: Alarm, told: Iterable[Person]) -> None:
    """Each step of the ladder stands in the journal, with who was told (R-028)."""
    names = " ".join(person.code or "" for person in told)
    hand.step(Action.CHASE, detail={"alarm": str(alarm), "told": names})


def _nobody_left(hand: InHand, again: int) -> None:
    """Everybody fit was asked: the ticket stays queued, and is offered again before long."""
    wait = min(AGAIN * 2 ** min(again, 8), LONGEST_WAIT)
    coming = backlog.until_somebody_comes(hand)
    wait = wait if coming is None else min(wait, coming)
    hand.later(backlog.AGAIN, wait, again=again + 1)
    if any(step.detail.get("alarm") == Alarm.NOBODY_TO_ASK for step in _round(hand)):
        return  # the supervisor knows
    number = hand.ticket.number
    _tell_supervisors(
        hand,
        Alarm.NOBODY_TO_ASK,
        lambda supervisor: NobodyToAsk(number=number, site=hand.site_name(supervisor)),
    )


# -- what the pure rules need to know


def _ladder(hand: InHand) -> rungs.Ladder:
    ticket = hand.ticket
    site = hand.book.sites.get(ticket.site or "")
    mode = "emergency" if ticket.emergency and ticket.mode == "onsite" else ticket.mode or "onsite"
    kind = site.kind if site else "field"
    return rungs.steps(ticket.priority, mode, kind, hand.book.ladders)


def _round(hand: InHand) -> list[Step]:
    """The journal since the job was last sent out: a hand-over or a reopening begins anew."""
    history = hand.history
    begun = (n for n in reversed(range(len(history))) if history[n].action in NEW_ROUND)
    return history[next(begun, 0) :]


def _made(hand: InHand) -> list[Offer]:
    return hand.tx.find(Offer, ticket_id=hand.ticket.id, order="id")


def _asked(hand: InHand, made: Iterable[Offer]) -> list[rungs.Offer]:
    """This round's offers."""
    since = _round(hand)[0].entered_at
    return [
        rungs.Offer(
            person=str(offer.person_id),
            role=offer.step,
            made_at=offer.offered_at,
            answer=None if offer.state == "open" else rungs.Answer(offer.state),
        )
        for offer in made
        if offer.offered_at >= since
    ]


def _passes(asked: Iterable[rungs.Offer]) -> list[list[rungs.Offer]]:
    """Up the ladder and up again: a pass ends where somebody is asked once more."""
    passes: list[list[rungs.Offer]] = [[]]
    for offer in asked:
        if any(offer.person == before.person for before in passes[-1]):
            passes.append([])
        passes[-1].append(offer)
    return passes


def _gave_it_away(hand: InHand) -> set[str]:
    """Whoever handed the job over does not want it back in the same round."""
    begun = _round(hand)[0].detail
    return {str(begun["from"])} if "from" in begun else set()


def _fit(
    hand: InHand, ladder: rungs.Ladder, asked: set[str]
) -> tuple[dict[str, list[Person]], Choosing | None]:
    """Fit people for each role of the ladder who were not asked in this round, best first."""
    roles = {rung.role for rung in ladder.steps}
    visiting = hand.ticket.mode == "onsite" and hand.ticket.site in hand.book.sites
    loads = _loads(hand)
    choosing = _choose(hand, asked, loads) if visiting else None
    by_role: dict[str, list[Person]] = {}
    for role in roles:
        if role in ENGINEERS and choosing is not None:
            ranked = [hand.book.by_code[c.engineer] for c in choosing.ranked]
            by_role[role] = [person for person in ranked if role in person.roles]
        else:
            people = [p for p in hand.book.with_role(Role(role)) if str(p.id) not in asked]
            free = hand.book.on_duty_or_all(people, hand.now)
            by_role[role] = sorted(free, key=lambda p: (loads.get(p.id, 0), p.id))
    return by_role, choosing


def _loads(hand: InHand) -> dict[int, int]:
    """Jobs in hand and jobs just offered, by person."""
    found: dict[int, int] = {}
    for name in ("loads", "offered_loads"):
        for row in hand.tx.ask(name):
            found[row["person"]] = found.get(row["person"], 0) + row["open"]
    return found


def job_of(hand: InHand) -> Job:
    """The visit as the choice and the planner see it."""
    ticket = hand.ticket
    site = hand.book.sites[ticket.site or ""]
    resident_hours = hand.desk.calendars.get("resident")
    declined = {
        (hand.book.staff[offer.person_id].code or ""): offer.answered_at
        for offer in hand.tx.find(Offer, ticket_id=ticket.id, state="declined")
        if offer.answered_at and offer.person_id in hand.book.staff
    }
    return Job(
        number=ticket.number,
        site=site.code,
        city=site.city,
        due=ticket.due_at or hand.now + NO_DEADLINE,
        priority=ticket.priority,
        vip=ticket.vip,
        needs_pass=site.needs_pass,
        resident=site.kind == "resident"
        and (resident_hours is None or resident_hours.is_open(hand.now)),
        preferred=frozenset(site.preferred),
        excluded=frozenset(site.excluded),
        declined=declined,
        skill=skill_for(hand, ticket.category),
    )


def _choose(
    hand: InHand, asked: set[str], loads: Mapping[int, int], *, anywhere: bool = False
) -> Choosing:
    people = [p for p in hand.book.with_role(*ENGINEERS) if str(p.id) not in asked]
    return choose(
        job_of(hand),
        engineers(hand, people, loads),
        hand.now,
        hand.book.travel.minutes,
        replace(rules_of(hand.desk, hand.book), anywhere=anywhere),
    )


def rules_of(desk: Desk, book: Book) -> Rules:
    """A desk that keeps no agreements is not one on which nobody has signed any."""
    return Rules(
        nda_required=any(person.nda_until for person in book.staff.values()),
        zone=desk.rules.zone,
    )


def skill_for(hand: InHand, category: str) -> str | None:
    skill = SKILLS.get(category)
    engineers = hand.book.with_role(*ENGINEERS)
    return skill if any(skill in person.skills for person in engineers) else None


def engineers(
    hand: InHand, people: Iterable[Person], loads: Mapping[int, int] | None = None
) -> list[Engineer]:
    """What the register, the rota and the day say about each of them."""
    if loads is None:
        loads = _loads(hand)
    places = {row["person"]: row["site"] for row in hand.tx.ask("whereabouts")}
    days = {row["person"]: row for row in hand.tx.ask("last_jobs", since=hand.now - DAY)}
    rested = hand.book.engineers(hand.now, hand.desk.rules.zone)
    idle = rested.keys() - loads.keys() - places.keys() - days.keys()
    found = []
    for person in people:
        engineer = rested[person.id]
        if person.id not in idle:
            day = days.get(person.id)
            engineer = replace(
                engineer,
                open_jobs=loads.get(person.id, 0),
                jobs_today=day["jobs"] if day else 0,
                last_job_at=day["last_at"] if day else None,
                place=places.get(person.id, engineer.place),
            )
        found.append(engineer)
    return found


def is_waiting_for_yes(hand: InHand) -> bool:
    return hand.ticket.assignee_id is None and (
        hand.ticket.status == Status.DISPATCHED
        or (hand.ticket.status == Status.TRIAGED and hand.ticket.mode != "onsite")
    )
