"""Words that answer nothing, from an engineer with a job: for whom they are is asked."""

from core.actions import Relation, available
from core.hearing import AT_WORK, Hearing
from core.in_hand import relations
from core.lifecycle import Action
from core.messages import Choice
from core.notices.engineer import WhoseWords
from core.requests import Outcome
from core.ticket import Ticket

A = Action


def about_a_job(hearing: Hearing) -> Outcome | None:
    """Nobody gets the words before it is answered: neither the requester nor the desk."""
    if hearing.inbound.subject or not hearing.person.is_staff:
        return None  # a new mail is a matter of its own, and its sender knew how to answer
    jobs = _jobs(hearing)
    if not jobs:
        return None
    kept = hearing.keep_apart()
    hand = hearing.hand(jobs[0])
    choices = [choice for job in jobs for choice in _answers(hearing, job, str(kept.id))]
    choices.append(Choice(action=A.REPORT, arg=str(kept.id)))
    hand.answer(WhoseWords(number=hand.ticket.number, text=kept.text), choices=choices)
    return Outcome("whose_words", hand.ticket)


def _jobs(hearing: Hearing) -> list[Ticket]:
    """What the person is at, or was asked to take."""
    mine = hearing.mine(AT_WORK)
    return [job for job in mine if _ties(hearing, job) & {Relation.JOB, Relation.OFFERED}]


def _ties(hearing: Hearing, job: Ticket) -> set[Relation]:
    return relations(hearing.tx, job, hearing.person)


def _answers(hearing: Hearing, job: Ticket, words: str) -> list[Choice]:
    """A number that proves nothing passes no words on, whatever digit comes from it."""
    can = available(job.status, hearing.person.roles, _ties(hearing, job))
    passing_on = [A.RELAY] if hearing.guest.proven else []
    return [
        Choice(action=action, ticket=job.number, arg=words if action is A.RELAY else "")
        for action in (*passing_on, A.ACCEPT, A.DECLINE)
        if action in can
    ]
