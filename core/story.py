"""/why: a ticket's journal and its clocks as sentences, for whoever has to account for them.

What was understood, who was asked and why; then each promise: which rule, which calendar day,
what moved the deadline, and how it was judged (promise 7).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clocks, deadlines, grievances, verdicts
from core.in_hand import InHand
from core.lifecycle import Action
from core.people import Person
from core.rows import TicketClocks, VerdictRow
from core.sla.clock import LATE_ENTRY
from core.sla.story import StoryLine, tell
from core.ticket import Offer, Step
from core.words import hours, say, span

SHOWN_PARTS = 3
PEOPLE = frozenset({Action.REASSIGN, Action.HAND_OVER, Action.DISPATCH, Action.ADD_ENGINEER})
# The former value that a step keeps, and the moments that it names, by their names in the journal.
_MOMENTS = {
    "until": "until",
    "promised": "until",
    "at": "until",
    "was_due": "was_due",
    "due": "due",
}


def lines(hand: InHand, language: str, *, zone: str, inside: bool = True) -> list[str]:
    """The story in the reader's language, oldest first; `inside`: for the desk's own people."""
    return list(_Teller(hand, language, zone, inside).lines())


@dataclass(frozen=True)
class _Teller:
    """One ticket told to one reader."""

    hand: InHand
    language: str
    zone: str
    inside: bool

    def say(self, key: str, slots: Mapping[str, object]) -> str:
        return say(key, slots, language=self.language, zone=self.zone)

    def name(self, person: Person | None) -> str:
        if person is None:
            return ""
        return person.called(self.language)

    def lines(self) -> Iterator[str]:
        yield from self._journal()
        yield from self._grievances()
        moved: dict[str, list[deadlines.Move]] = defaultdict(list)
        for move in deadlines.moves(self.hand):
            moved[move.milestone].append(move)
        written = self.hand.tx.find(VerdictRow, order="id", ticket_id=self.hand.ticket.id)
        for clock in clocks.readings(self.hand):
            yield ""
            yield self.say("why.clock", {"milestone": clock.milestone})
            yield from self._course(clock, [self._moved(move) for move in moved[clock.milestone]])
            yield from self._verdicts([r for r in written if r.milestone == clock.milestone])

    # -- the journal

    def _journal(self) -> Iterator[str]:
        """Steps as they were entered, and between them who was asked."""
        asked = self.hand.tx.find(Offer, ticket_id=self.hand.ticket.id, order="id")
        for step in self.hand.history:
            while asked and asked[0].offered_at < step.entered_at:
                yield from self._offer(asked.pop(0))
            yield from self._step(step)
        for offer in asked:
            yield from self._offer(offer)

    def _step(self, step: Step) -> Iterator[str]:
        reported = step.action == Action.REPORT
        if step.action == Action.NOTE and not self.inside:
            return
        slots = self._slots(step)
        yield self.say("why.reported" if reported else f"step.{step.action}", slots)
        if reported and slots["certainty"]:
            yield self.say("why.understood", slots)
        if step.entered_at - step.at > LATE_ENTRY:
            yield self._late_entry(step)

    def _slots(self, step: Step) -> dict[str, object]:
        detail, arg = step.detail, str(step.detail.get("arg", ""))
        slots: dict[str, object] = {
            "at": step.at.isoformat(),
            "actor": self.name(self.hand.person(step.actor_id)),
            "channel": step.channel,
            "status": step.to_status,
            "arg": self._named(step.action, arg),
            "was": self._named(step.action, str(detail.get("was") or "")),
            "text": detail.get("text", ""),
            "why": detail.get("why", ""),
            **{slot: detail.get(slot, "") for slot in ("category", "mode", "words")},
            "priority": detail.get("severity", ""),
            "certainty": _percent(detail.get("certainty")),
            "evidence": detail.get("evidence", ""),
            "milestone": detail.get("milestone", ""),
            "alarm": detail.get("alarm", ""),
            "told": self._people(str(detail.get("told", "")).split()),
        }
        return slots | {slot: detail[key] for key, slot in _MOMENTS.items() if detail.get(key)}

    def _named(self, action: str, value: str) -> str:
        """A site or a person by name; whatever else is a key of the catalogs or stands as it is."""
        if action == Action.SET_SITE:
            return self.hand.book.site_name(value or None, self.language)
        if action in PEOPLE and (person := self.hand.book.by_code.get(value)):
            return self.name(person)
        return value

    def _people(self, codes: list[str]) -> str:
        known = self.hand.book.by_code
        return self._list([self.name(known.get(code)) or code for code in codes])

    def _late_entry(self, step: Step) -> str:
        """It keeps both times; which of them counts is the contract's to say (clock rule 3)."""
        accepted = {
            s.detail.get("claim") for s in self.hand.history if s.action == Action.ACCEPT_CLAIM
        }
        asks = self.hand.desk.rules.claims_need_approval and step.action in clocks.CLAIMABLE
        kind = "why.entered_late"
        if asks:
            kind = "why.claim_accepted" if step.seq in accepted else "why.claim_waiting"
        gap = step.entered_at - step.at
        return self.say(kind, {"entered": step.entered_at.isoformat(), "gap": gap})

    def _offer(self, offer: Offer) -> Iterator[str]:
        parts = sorted(offer.score.items(), key=lambda part: -abs(float(part[1] or 0)))
        score = ", ".join(
            f"{self.say(f'term.part.{name}', {})} {float(value or 0):+.0f}"
            for name, value in parts[:SHOWN_PARTS]
            if self.inside
        )
        slots = {
            "at": offer.offered_at.isoformat(),
            "person": self.name(self.hand.person(offer.person_id)),
            "score": score,
            "state": offer.state,
        }
        yield self.say("why.offered", slots)
        if offer.passed_over and self.inside:
            yield self.say("why.passed_over", {"people": self._passed_over(offer)})

    def _passed_over(self, offer: Offer) -> str:
        """By objection, so that the same one is said once."""
        people: dict[str, list[str]] = defaultdict(list)
        for code, objection in offer.passed_over.items():
            people[objection].append(self.name(self.hand.book.by_code.get(code)) or code)
        return self._list(
            self.say(
                "why.objection",
                {
                    "objection": self.say(f"term.objection.{key}", {}),
                    "people": self._list(names, "list.comma"),
                },
            )
            for key, names in people.items()
        )

    def _list(self, parts: Iterator[str] | list[str], between: str = "list.semicolon") -> str:
        return self.say(between, {}).join(parts)

    def _grievances(self) -> Iterator[str]:
        for one in grievances.of_ticket(self.hand.tx, self.hand.ticket.id):
            slots = {
                "what": one.kind,
                "severity": one.severity,
                "requester": self.name(self.hand.person(one.person_id)),
                "person": self.name(self.hand.person(one.about_id)),
                "owner": self.name(self.hand.person(one.owner_id)),
                "state": one.state,
                "text": one.measure,
            }
            yield self.say("why.grievance", slots)

    # -- the clocks

    def _course(self, clock: clocks.Running, moved: list[str]) -> list[str]:
        """One promise span by span, what moved it, and how it stands in the last line."""
        calendar = self.hand.desk.calendars[clock.attached.clock.calendar]
        kept = self.hand.tx.get(TicketClocks, self.hand.ticket.id)
        told = tell(clock.reading, clock.attached, calendar, kept.policy if kept else "")
        whole_days = calendar.round_the_clock
        said = [self._line(line, clock, whole_days=whole_days) for line in told]
        spans = len(said) - (2 if clock.reading.claimed else 1)
        return [*said[:spans], *moved, *said[spans:]]

    def _line(self, line: StoryLine, clock: clocks.Running, *, whole_days: bool) -> str:
        """Open time of a calendar with closing hours is said in hours: its days have no 24."""
        slots: dict[str, object] = dict(line.params)
        if line.kind == "story_rule":
            slots["reason"] = self._reasons(clock)
        start, end = slots.get("start"), slots.get("end")
        if isinstance(start, datetime) and isinstance(end, datetime):
            slots["span"] = span(start, end, language=self.language, zone=self.zone)
        for name in ("spent", "left", "by"):
            length = slots.get(name)
            if not whole_days and isinstance(length, timedelta) and length:
                slots[name] = hours(length, self.language)
        return self.say(line.kind, slots)

    def _reasons(self, clock: clocks.Running) -> str:
        told = [self.say(f"why.fact.{k}", {k: v}) for k, v in clock.attached.reason.items()]
        return self._list(told, "list.comma")

    def _moved(self, move: deadlines.Move) -> str:
        later = "later" if move.due > move.was else "earlier"
        slots: dict[str, object] = {
            "at": move.step.at.isoformat(),
            "event": move.step.action,
            "was_due": move.was.isoformat(),
            "due": move.due.isoformat(),
        }
        if move.rule != move.old_rule:
            slots |= {"rule": move.rule, "old_rule": move.old_rule}
        return self.say(f"why.moved_{later}", slots)

    def _verdicts(self, written: list[VerdictRow]) -> Iterator[str]:
        for row in written:
            ground = _ground(row)
            slots = {
                # what was broken while it still ran was so from its deadline on
                "at": (row.at if ground == "due" else row.written_at).isoformat(),
                "cycle": row.cycle if written[-1].cycle > 1 else "",
                "outcome": row.outcome,
                "actor": self.name(self.hand.book.by_code.get(row.who)) or row.who,
                "text": row.why,
            }
            yield self.say(f"why.verdict.{ground}", slots)


def _ground(row: VerdictRow) -> str:
    """On what a verdict row rests; each has words of its own."""
    if row.why == verdicts.CLAIM:
        return "claim"
    if row.who:
        return "corrected"
    if row.why == "reopened":
        return "reopened"
    return "stopped" if row.final else "due"


def _percent(certainty: object) -> str:
    return f"{float(certainty):.0%}" if isinstance(certainty, int | float) else ""
