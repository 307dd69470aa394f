"""After the work: does it work again, silence, closing, the next day's question (R-039, R-064)."""

from datetime import datetime

from core.in_hand import InHand
from core.lifecycle import Action, Status
from core.messages import Choice
from core.notices.desk import LowScore
from core.notices.requester import (
    ClosedUnconfirmed,
    ResolvedCheck,
    ResolvedReminder,
    SurveyAsked,
    SurveyReminder,
    SurveyThanks,
)
from core.people import Role
from core.register import amend
from core.ticket import Survey

SURVEY_TIMERS = ("survey", "survey_remind", "survey_expire")


def ask_whether_it_works(hand: InHand, *, result: str) -> None:
    hand.tell(
        hand.requester,
        ResolvedCheck(number=hand.ticket.number, result=result),
        choices=_works_again(hand),
    )
    days, rules = hand.desk.working_days, hand.desk.rules
    for nth, day in enumerate(rules.remind_days, start=1):
        hand.timer(
            "confirm_remind", days.after_days(hand.now, day), subject=f"{hand.subject}/{nth}"
        )
    hand.timer("close_unconfirmed", days.after_days(hand.now, rules.silent_days))
    _plan_survey(hand)


def _works_again(hand: InHand) -> tuple[Choice, ...]:
    return (
        hand.choice(Action.CONFIRM, style="success"),
        hand.choice(Action.NOT_SOLVED, style="danger"),
    )


def remind(hand: InHand) -> None:
    if hand.ticket.status == Status.RESOLVED:
        hand.tell(
            hand.requester, ResolvedReminder(number=hand.ticket.number), choices=_works_again(hand)
        )


def close(hand: InHand, *, code: str = "confirmed") -> None:
    hand.step(Action.CLOSE, closed_at=hand.now, close_code=code)
    _forget_silence(hand)


def close_unconfirmed(hand: InHand) -> None:
    """Silence until the end of the third working day; counted apart (R-039)."""
    if hand.ticket.status != Status.RESOLVED:
        return
    hand.step(Action.CLOSE_UNCONFIRMED, closed_at=hand.now, close_code="closed_unconfirmed")
    _forget_silence(hand)
    hand.tell(
        hand.requester,
        ClosedUnconfirmed(number=hand.ticket.number),
        choices=(hand.choice(Action.REOPEN),),
    )


def forget_resolution(hand: InHand) -> None:
    """It was not solved after all: no reminder, no survey about it."""
    _forget_silence(hand)
    hand.cancel_timers(*SURVEY_TIMERS)
    hand.tx.update_where(
        Survey,
        {"ticket_id": hand.ticket.id, "state": "planned"},
        state="cancelled",
    )


def _forget_silence(hand: InHand) -> None:
    hand.cancel_timers("close_unconfirmed")
    for nth, _ in enumerate(hand.desk.rules.remind_days, start=1):
        hand.cancel_timers("confirm_remind", subject=f"{hand.subject}/{nth}")


# -- the survey


def _plan_survey(hand: InHand) -> None:
    """The next working day at ten, once for each resolution (R-064)."""
    person, ticket = hand.requester, hand.ticket
    if person.unsurveyed_until and person.unsurveyed_until > hand.now:
        return
    due = _next_working_morning(hand)
    planned = hand.tx.first(Survey, ticket_id=ticket.id, cycle=ticket.cycle)
    if planned is None:
        hand.tx.insert(
            Survey(ticket_id=ticket.id, cycle=ticket.cycle, person_id=person.id, due_at=due)
        )
    elif planned.state in {"planned", "cancelled"}:
        hand.tx.update(planned, state="planned", due_at=due)
    else:
        return
    hand.timer("survey", due, cycle=ticket.cycle)


def _next_working_morning(hand: InHand) -> datetime:
    days, rules = hand.desk.working_days, hand.desk.rules
    end_of_day = days.after_days(hand.now, 1).astimezone(rules.zone)
    return datetime.combine(end_of_day.date(), rules.survey_at, rules.zone)


def send_survey(hand: InHand, cycle: int) -> None:
    survey = hand.tx.first(Survey, ticket_id=hand.ticket.id, cycle=cycle)
    if survey is None or survey.state != "planned":
        return
    hand.tx.update(survey, state="sent", sent_at=hand.now)
    hand.tell(hand.requester, SurveyAsked(number=hand.ticket.number), choices=_scores(hand))
    days = hand.desk.rules.survey_remind_days
    remind_at = hand.desk.working_days.after_days(hand.now, days)
    hand.timer("survey_remind", remind_at, cycle=cycle)
    hand.later("survey_expire", hand.desk.rules.survey_expires, cycle=cycle)


def _scores(hand: InHand) -> list[Choice]:
    return [hand.choice(Action.RATE, score) for score in ("5", "4", "3", "2", "1")]


def remind_survey(hand: InHand, cycle: int) -> None:
    if hand.tx.first(Survey, ticket_id=hand.ticket.id, cycle=cycle, state="sent"):
        hand.tell(hand.requester, SurveyReminder(number=hand.ticket.number), choices=_scores(hand))


def expire_survey(hand: InHand, cycle: int) -> None:
    hand.tx.update_where(
        Survey,
        {"ticket_id": hand.ticket.id, "cycle": cycle, "state": "sent"},
        state="expired",
    )


def rate(hand: InHand, score: int | None, comment: str) -> None:
    """One tap answers, another within a day changes it; a low score goes to quality (R-065)."""
    survey = hand.tx.first(Survey, order="-cycle", ticket_id=hand.ticket.id)
    if survey is None or survey.state not in {"sent", "answered", "planned"}:
        return
    rules = hand.desk.rules
    if survey.answered_at and hand.now - survey.answered_at > rules.survey_change:
        return
    value = survey.score if score is None else score
    hand.step(Action.RATE, arg=str(value or ""), detail={"comment": comment} if comment else {})
    hand.tx.update(
        survey,
        state="answered",
        score=value,
        comment=comment or survey.comment,
        answered_at=survey.answered_at or hand.now,
    )
    hand.cancel_timers("survey_remind", "survey_expire", "survey")
    hand.answer(SurveyThanks(number=hand.ticket.number, score=value or 0))
    if value is not None and value <= rules.low_score and value != survey.score:
        _tell_quality(hand, value)


def _tell_quality(hand: InHand, score: int) -> None:
    amend(hand.tx, hand.requester, unsurveyed_until=hand.now + hand.desk.rules.survey_rest)
    hand.tell_role(
        LowScore(number=hand.ticket.number, score=score, requester=hand.requester.name),
        Role.QUALITY,
        Role.SUPERVISOR,
        choices=(hand.choice(Action.REOPEN), hand.choice(Action.ACKNOWLEDGE)),
        audience="supervisor",
    )
