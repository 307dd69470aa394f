"""A year in the life of the clocks: every warning that was due is sent once, and none is forgotten.

People report, accept, wait and change their minds; the desk is switched off for hours, and the wall
clock is put back and forth. What should have been sent is then read off the journal alone.
"""

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from random import Random

import pytest

from core import clocks
from core.actions import ACTIONS, available
from core.desk import Rules
from core.in_hand import InHand, relations
from core.lifecycle import Action
from core.people import Person
from core.ports import Tx
from core.rows import VerdictRow
from core.sla.clock import Mark, Reading, State, read, read_all
from core.sla.ladder import Warning, promise_in, warnings
from core.sla.verdict import Outcome
from core.ticket import Offer, Step, Ticket
from tests.scenario import Scenario, a_desk

SOAK = os.environ.get("PAIDAN_SOAK") == "1"
DAYS, TICKETS = (365, 20_000) if SOAK else (2, 10)
SEEDS = range(3) if SOAK else range(1)
TICK = timedelta(seconds=5)  # the sweeper's, as bot/schedule.py has it
SOON = timedelta(seconds=10)
AFTER_A_RESTART = timedelta(seconds=30)
Name = tuple[int, str, int, str]  # ticket, milestone, cycle, warning
REPORTS = (
    "珠海香洲店 收款机开不了机 黑屏 客人排队 急",
    "打印机卡纸 三楼财务 天河",
    "电脑上不了网 佛山",
    "鼠标坏了 想换一个",
    "忘记密码 登录不了 请远程",
    "总部 证券中心 电脑蓝屏 急",
)
LIKELY = {
    "accept": 30, "decline": 4, "depart": 6, "arrive": 14, "resolve": 12, "wait": 4, "resume": 6,
    "relay": 5, "call": 4, "acknowledge": 3, "set_priority": 3, "set_site": 3, "cancel": 1,
    "set_appointment": 3, "not_solved": 3, "confirm": 6, "reopen": 6, "triage": 8, "dispatch": 4,
    "offer_remote": 3, "reassign": 2, "report_unresolved": 2, "hand_over": 1, "set_mode": 2,
}  # fmt: skip


@dataclass
class Life:
    """What happens to the desk, drawn by lot, in order of time."""

    desk: Scenario
    chance: Random
    off: list[tuple[datetime, datetime]] = field(default_factory=list)
    steps_of_the_clock: int = 0

    async def goes_on(self, days: int, tickets: int) -> None:
        end = self.desk.moment + timedelta(days=days)
        pause = timedelta(days=days) / (tickets * 8)
        while self.desk.moment < end:
            await self.time(pause * self.chance.expovariate(1))
            await self.something_happens()
            if self.chance.random() < 0.02:
                await self.the_desk_is_off()
            if self.chance.random() < 0.02:
                self.the_wall_clock_is_put()
        await self.time(timedelta(hours=1))

    async def time(self, amount: timedelta) -> None:
        """The sweeper looks at every tick at which something is due."""
        until = self.desk.moment + amount
        while True:
            due = await self.desk.desk.store.read(lambda tx: tx.ask("next_timer")[0]["due_at"])
            if due is None or due > until:
                break
            late = max(due - self.desk.moment, timedelta())
            self.desk.moment += TICK * ceil(late / TICK) if late else timedelta()
            await self.desk.settle()
        self.desk.moment = max(until, self.desk.moment)

    async def the_desk_is_off(self) -> None:
        started = self.desk.moment
        self.desk.moment += timedelta(hours=6) * self.chance.random()
        self.off.append((started, self.desk.moment))
        await self.desk.settle()

    def the_wall_clock_is_put(self) -> None:
        before = self.desk.moment
        self.desk.moment += self.chance.choice((-1, 1)) * timedelta(hours=1)
        self.steps_of_the_clock += 1
        if self.desk.moment > before:  # for whoever waits this is a downtime
            self.off.append((before, self.desk.moment))

    async def something_happens(self) -> None:
        tickets = await self.desk.desk.store.read(lambda tx: tx.find(Ticket, order="-id", limit=40))
        alive = [ticket for ticket in tickets if ticket.status != "cancelled"]
        if not alive or self.chance.random() < 1 / 8:
            sender = self.chance.choice(("tang.wei", "xu.lan"))
            await self.desk.hears(sender, self.chance.choice(REPORTS))
            await self.time(timedelta(minutes=1))
            await self.somebody_accepts()
            return
        ticket = self.chance.choice(alive)
        names = [name for name in LIKELY if ACTIONS.get(Action(name))]
        action = self.chance.choices(names, [LIKELY[name] for name in names])[0]
        who = await self.somebody_for(ticket, action)
        if who is not None:
            arg, text = self.said_with(action)
            await self.desk.does(who, action, ticket.number, arg, text)

    async def somebody_accepts(self) -> None:
        offer = await self.desk.desk.store.read(
            lambda tx: tx.first(Offer, order="-id", state="open")
        )
        if offer is None or self.chance.random() < 0.1:
            return
        person = await self.desk.desk.store.read(lambda tx: tx.get(Person, offer.person_id))
        ticket = await self.desk.desk.store.read(lambda tx: tx.get(Ticket, offer.ticket_id))
        assert person is not None
        assert ticket is not None
        await self.desk.does(person.code or "", "accept", ticket.number)

    def said_with(self, action: str) -> tuple[str, str]:
        later = self.desk.moment + timedelta(minutes=self.chance.randrange(20, 3000))
        typed = f"{later:%Y-%m-%d %H:%M}"
        return {
            "decline": ("schedule", ""),
            "resolve": ("fixed", ""),
            "wait": (self.chance.choice(("user", "parts", "vendor")), typed),
            "set_priority": (self.chance.choice(("P1", "P2", "P3", "P4")), ""),
            "set_site": (self.chance.choice(("GZ-TH", "GZ-ZJXC", "ZH-XZ")), ""),
            "set_mode": (self.chance.choice(("onsite", "remote", "phone")), ""),
            "triage": (self.chance.choice(("onsite", "onsite", "remote", "phone")), ""),
            "set_appointment": (typed, ""),
            "acknowledge": (self.chance.choice(("", typed)), ""),
            "report_unresolved": ("needs_expert", ""),
            "relay": ("", "马上到"),
        }.get(action, ("", ""))

    async def somebody_for(self, ticket: Ticket, action: str) -> str | None:
        """A person whom the table of authority allows it, if there is one."""

        def body(tx: Tx) -> list[str]:
            book = self.desk.desk.register.open(tx)
            requester = InHand(tx, self.desk.desk, ticket, now=self.desk.moment).requester
            return [
                person.code or ""
                for person in [*book.staff.values(), requester]
                if Action(action)
                in available(ticket.status, person.roles, relations(tx, ticket, person))
            ]

        able = await self.desk.desk.store.read(body)
        return self.chance.choice(able) if able else None


# -- what the desk did, seen from outside


@dataclass(frozen=True)
class Saved:
    """A ticket as a transaction left it: from here its clocks have a new course."""

    ticket: Ticket
    now: datetime


@dataclass(frozen=True)
class Sent:
    name: Name
    at: datetime  # when it was due
    now: datetime  # when it was sent
    cause: str
    late: bool


@dataclass
class Witness:
    saved: dict[int, dict[int, Saved]] = field(default_factory=lambda: defaultdict(dict))
    sent: dict[tuple[str, Name], Sent] = field(default_factory=dict)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        save, warn = InHand.save, clocks._warn

        def saving(hand: InHand) -> Ticket:
            ticket = save(hand)
            if hand._steps:
                self.saved[ticket.id][ticket.version] = Saved(ticket, hand.now)
            return ticket

        def warning(hand: InHand, due: list[tuple[clocks.Running, Warning]]) -> None:
            for clock, one in due:
                name = (hand.ticket.id, clock.milestone, clock.reading.cycle, one.name)
                self.sent[hand._cause, name] = Sent(name, one.at, hand.now, hand._cause, one.late)
            warn(hand, due)

        monkeypatch.setattr(InHand, "save", saving)
        monkeypatch.setattr(clocks, "_warn", warning)


# -- the oracle: the journal and core.sla, and nothing of the sweeper's


@dataclass(frozen=True)
class Window:
    """While the ticket stood so, the warning was due from `since`; it is `at` by the clock."""

    at: datetime
    since: datetime
    until: datetime


@dataclass
class Oracle:
    """What should have happened to one ticket, replayed state by state."""

    due: dict[Name, list[Window]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[tuple[int, str, int], str] = field(default_factory=dict)
    _came: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)
    _before: dict[str, Reading] = field(default_factory=dict)
    _silent: set[Name] = field(default_factory=set)

    def replay(self, tx: Tx, desk: Scenario, saves: list[Saved]) -> None:
        journal = clocks.marks(tx.find(Step, order="seq", ticket_id=saves[0].ticket.id))
        ends = [*(saved.now for saved in saves[1:]), desk.moment]
        for nth, (saved, until) in enumerate(zip(saves, ends, strict=True)):
            hand = InHand(tx, desk.desk, saved.ticket, now=saved.now)
            marks = journal[: saved.ticket.version]
            for milestone in desk.desk.policies[0].clocks(clocks.facts(hand)):
                self.read(hand, milestone, marks, until, is_first=nth == 0)

    def read(
        self, hand: InHand, milestone: str, marks: list[Mark], until: datetime, *, is_first: bool
    ) -> None:
        policy = hand.desk.policies[0]
        rule = policy.clocks(clocks.facts(hand))[milestone]
        calendar = hand.desk.calendars[rule.clock.calendar]
        begun = read(marks, rule.clock, calendar, hand.now).started
        if begun is None:
            return
        rule = policy.clocks(clocks.facts(hand, begun))[milestone]
        calendar = hand.desk.calendars[rule.clock.calendar]
        if self._came.get(milestone, ("", None))[0] != rule.rule:
            self._came[milestone] = (rule.rule, None if is_first else hand.now)
        cycles = read_all(
            marks, rule.clock, calendar, hand.now, attached_at=self._came[milestone][1]
        )
        self.judge(hand.ticket.id, milestone, cycles)
        reading, before = cycles[-1], self._before.get(milestone)
        self._before[milestone] = reading
        if not reading.ticking:
            return
        returned = before and before.cycle == reading.cycle and before.state is State.STOPPED
        for one in warnings(reading, rule.clock, calendar, promise_in(marks, reading)):
            name = (hand.ticket.id, milestone, reading.cycle, one.name)
            if returned and one.at <= hand.now:
                self._silent.add(name)  # nobody is warned at the moment of reopening
            if one.at <= until and name not in self._silent:
                self.due[name].append(Window(one.at, max(one.at, hand.now), until))

    def judge(self, ticket: int, milestone: str, cycles: list[Reading]) -> None:
        """A cycle is judged when it stops, by the target that it had then."""
        before = self._before.get(milestone)
        for reading in cycles:
            again = before and before.stopped_at == reading.stopped_at
            if before and (
                reading.cycle < before.cycle or (reading.cycle == before.cycle and again)
            ):
                continue
            if reading.state is State.STOPPED:
                outcome = Outcome.BROKEN if reading.breached else Outcome.MET
                self.verdicts[ticket, milestone, reading.cycle] = str(outcome)


@dataclass
class Trial:
    """The witness heard against the oracle."""

    sent: list[Sent]
    due: dict[Name, list[Window]]
    off: list[tuple[datetime, datetime]]

    def missed(self, window: Window) -> bool:
        """The sweeper had its time to look before the ticket moved on."""
        return window.until > self.back(window.since) + SOON

    def settled(self, name: Name, window: Window) -> bool:
        """Something higher was due by the time of the first look, and was said instead."""
        return any(
            other.name[:3] == name[:3]
            and other.at >= window.at
            and window.since <= other.now <= self.back(window.since) + SOON
            for other in self.sent
        )

    def back(self, moment: datetime) -> datetime:
        """From when on the desk was up again."""
        for start, end in self.off:
            if start <= moment <= end:
                return self.back(end) if end > moment else end
        return moment

    def forgotten(self) -> list[Name]:
        said = {one.name for one in self.sent}
        return [
            name
            for name, windows in self.due.items()
            if name not in said
            and any(self.missed(window) for window in windows)
            and not any(self.settled(name, window) for window in windows)
        ]

    def not_due(self) -> list[Sent]:
        return [
            one
            for one in self.sent
            if not any(w.since <= one.now for w in self.due.get(one.name, []))
        ]

    def twice(self) -> list[Name]:
        counted = Counter(one.name for one in self.sent)
        return [name for name, times in counted.items() if times > 1]

    def lateness(self) -> tuple[list[timedelta], list[timedelta]]:
        """While the desk was up, and after a restart."""
        up: list[timedelta] = []
        restarted: list[timedelta] = []
        for one in self.sent:
            since = max(w.since for w in self.due[one.name] if w.since <= one.now)
            back = self.back(since)
            (up if back == since else restarted).append(max(one.now - back, timedelta()))
        return up, restarted


def p99(lengths: list[timedelta]) -> timedelta:
    return sorted(lengths)[int(len(lengths) * 0.99)] if lengths else timedelta()


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_warning_that_was_due_is_sent_once_through_a_random_life(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness()
    witness.watch(monkeypatch)
    async with a_desk(tmp_path, Rules(settle=timedelta(seconds=10))) as desk:
        life = Life(desk, Random(seed))
        await life.goes_on(DAYS, TICKETS)
        due: dict[Name, list[Window]] = {}
        verdicts: dict[tuple[int, str, int], str] = {}

        def replay(tx: Tx) -> list[VerdictRow]:
            for saves in witness.saved.values():
                oracle = Oracle()
                oracle.replay(tx, desk, list(saves.values()))
                due.update(oracle.due)
                verdicts.update(oracle.verdicts)
            return tx.find(VerdictRow, order="id")

        written = await desk.desk.store.read(replay)
    trial = Trial(list(witness.sent.values()), due, life.off)
    assert len(witness.saved) >= TICKETS / 2
    assert trial.twice() == []
    assert trial.forgotten() == []
    assert trial.not_due() == []
    up, restarted = trial.lateness()
    assert len(up) > TICKETS
    assert restarted
    assert p99(up) <= SOON
    assert p99(restarted) <= AFTER_A_RESTART
    standing = {(v.ticket_id, v.milestone, v.cycle): v for v in clocks.standing(written)}
    assert {key: row.outcome for key, row in standing.items() if row.final} == verdicts
