"""A year in the life of the clocks: every warning that was due is sent once, and none is forgotten.

People report, accept, wait and change their minds; the desk is switched off for hours, and the wall
clock is put back and forth. What should have been sent is worked out by tests/sla_oracle.py. The
suite lives through eight days; PAIDAN_SOAK=1 through the whole of 2026, with 20,000 tickets.
"""

import os
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from core import alarms, outbox, timers, verdicts, work
from core.actions import ACTIONS, Relation, may
from core.desk import Rules
from core.in_hand import Actor, InHand, relations
from core.lifecycle import ASIDE, Action, possible
from core.people import Person
from core.ports import Tx
from core.requests import Request
from core.rows import OutboxRow, VerdictRow
from core.sla import clock
from core.storage import schema
from core.telling import Reply
from core.ticket import Offer, Step, Ticket
from tests.calm_store import CalmStore
from tests.scenario import Scenario
from tests.sla_oracle import Known, Name, Oracle, Window

SOAK = os.environ.get("PAIDAN_SOAK") == "1"
DAYS = float(os.environ.get("PAIDAN_SOAK_DAYS", "365")) if SOAK else 8
TICKETS = int(DAYS / 365 * 20_000) if SOAK else 48
NEW_YEAR = datetime(2025, 12, 31, 16, tzinfo=UTC)  # in Guangzhou
# the last days of Spring Festival, a week of work and the Saturday that is made up
BEGINS = NEW_YEAR if SOAK else datetime(2026, 2, 20, 16, tzinfo=UTC)
HAPPENINGS = 6  # for each ticket, its report among them
ALIVE = 25  # tickets to which something may happen; the desk gives up the one before them
TICK = timedelta(seconds=5)  # the sweeper's, as bot/schedule.py has it
SOON = timedelta(seconds=10)
AFTER_A_RESTART = timedelta(seconds=30)
LONGEST_DOWNTIME = timedelta(hours=6)
HOUR = timedelta(hours=1)
AT_LEAST = timedelta(hours=6)  # for what is missing at the end
NEVER = datetime.max.replace(tzinfo=UTC)
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
Due = list[alarms.Alarm]
warn, pace = alarms.warn, clock._pace  # as they are before anybody plants a mistake
ANYTHING = frozenset(Relation)
assert {Action(name) for name in LIKELY} <= ACTIONS.keys()


class Life(Scenario):
    """What happens to the desk, drawn by lot, in order of time."""

    def __init__(self, store: CalmStore, seed: int) -> None:
        super().__init__(store, Rules(settle=timedelta(seconds=10)))
        self.chance = Random(seed)
        self.people: dict[str, Person] = {}
        self.states: dict[int, list[Known]] = defaultdict(list)
        self.off: list[tuple[datetime, datetime]] = []
        self.steps_of_the_clock = 0
        self.carried: Counter[str] = Counter()

    async def begins(self, at: datetime) -> None:
        self.moment = at
        await self.prepare()
        people = await self.desk.store.read(lambda tx: tx.find(Person, order="id"))
        self.people = {person.code or "": person for person in people}

    async def goes_on(self, days: float, tickets: int) -> None:
        end = self.moment + timedelta(days=days)
        # a downtime and a step every other day
        often = min(0.02, days / 2 / (tickets * HAPPENINGS))
        while self.moment < end or len(self.states) < tickets:
            # downtimes and merged reports cost tickets: what is missing comes in what is left
            missing = max(tickets - len(self.states), 1)
            pause = max(end - self.moment, AT_LEAST) / (missing * HAPPENINGS)
            await self.time(pause * self.chance.expovariate(1))
            await self.something_happens()
            if self.chance.random() < often:
                await self.the_desk_is_off()
            if self.chance.random() < often:
                self.the_wall_clock_is_put()
        await self.time(HOUR)

    async def time(self, amount: timedelta) -> None:
        """The sweeper looks at every tick at which something is due."""
        until = self.moment + amount
        while True:
            due = await self.desk.store.read(lambda tx: tx.ask("next_timer")[0]["due_at"])
            if due is None or due > until:
                break
            late = max(due - self.moment, timedelta())
            self.moment += TICK * ceil(late / TICK) if late else timedelta()
            await self.settle()
        self.moment = max(until, self.moment)

    async def settle(self) -> None:
        """Fire what is due and carry what was written, until all is quiet."""
        while await timers.sweep(self.desk) + await self.carry():
            pass

    async def carry(self) -> int:
        """Letters reach people at once. Only the promises that hang on one go the desk's way."""
        now, store = self.moment, self.desk.store

        def plain(tx: Tx) -> tuple[int, list[str]]:
            due = [x for x in tx.find(OutboxRow) if x.next_at is None or x.next_at <= now]
            gone = tuple(letter.id for letter in due if letter.kind not in outbox.DELIVERED)
            self.carried.update(letter.kind for letter in due)
            if gone:
                tx.delete(OutboxRow, id=gone)
            return len(due), sorted({x.channel for x in due if x.kind in outbox.DELIVERED})

        carried, busy = await store.write(plain)
        for name in busy:
            for row in await outbox.claim(self.desk, name):
                await outbox.send(self.desk, self.channels[name], row)
            self.channels[name].delivered.clear()
        await store.write(lambda tx: tx.delete(OutboxRow, state="sent"))
        return carried

    async def the_desk_is_off(self) -> None:
        started = self.moment
        self.moment += LONGEST_DOWNTIME * self.chance.random()
        self.off.append((started, self.moment))
        await self.settle()

    def the_wall_clock_is_put(self) -> None:
        before = self.moment
        self.moment += self.chance.choice((-1, 1)) * HOUR
        self.steps_of_the_clock += 1
        if self.moment > before:  # for whoever waits this is a downtime
            self.off.append((before, self.moment))

    async def something_happens(self) -> None:
        tickets = await self.desk.store.read(
            lambda tx: tx.find(Ticket, order="-id", limit=ALIVE + 1)
        )
        alive = [ticket for ticket in tickets[:ALIVE] if ticket.status != "cancelled"]
        if not alive or self.chance.random() < 1 / HAPPENINGS:
            await self.somebody_reports()
            for ticket in tickets[ALIVE:]:
                await self.do(self.people["wen.ting"], "cancel", ticket)
            return
        ticket = self.chance.choice(alive)
        action = self.chance.choices([*LIKELY], [*LIKELY.values()])[0]
        who = await self.somebody_for(ticket, action)
        if who is not None:
            await self.do(who, action, ticket, *self.said_with(action))

    async def somebody_reports(self) -> None:
        sender = self.chance.choice(("tang.wei", "xu.lan"))
        await self.hears(sender, self.chance.choice(REPORTS))
        await self.time(timedelta(minutes=1))
        offer = await self.desk.store.read(lambda tx: tx.first(Offer, order="-id", state="open"))
        if offer is None or self.chance.random() < 0.1:
            return
        ticket = await self.desk.store.read(lambda tx: tx.get(Ticket, offer.ticket_id))
        asked = next(p for p in self.people.values() if p.id == offer.person_id)
        assert ticket is not None
        await self.do(asked, "accept", ticket)

    async def do(
        self, who: Person, action: str, ticket: Ticket, arg: str = "", text: str = ""
    ) -> None:
        reply = Reply(channel="telegram", account="", address=who.code or "")
        actor = Actor(person=who, role=who.roles[0], channel="telegram", reply=reply)
        request = Request(action=Action(action), number=ticket.number, arg=arg, text=text)
        await work.act(self.desk, request, actor)
        await self.settle()

    def said_with(self, action: str) -> tuple[str, str]:
        later = self.moment + timedelta(minutes=self.chance.randrange(20, 3000))
        typed = f"{later:%Y-%m-%d %H:%M}"
        return {
            "decline": ("schedule", ""),
            "resolve": ("fixed", ""),
            "wait": (self.chance.choice(("user", "parts", "vendor")), f"订单4711 {typed}"),
            "set_priority": (self.chance.choice(("P1", "P2", "P3", "P4")), ""),
            "set_site": (self.chance.choice(("GZ-TH", "GZ-ZJXC", "ZH-XZ")), ""),
            "set_mode": (self.chance.choice(("onsite", "remote", "phone")), ""),
            "triage": (self.chance.choice(("onsite", "onsite", "remote", "phone")), ""),
            "set_appointment": (typed, ""),
            "acknowledge": (self.chance.choice(("", typed)), ""),
            "report_unresolved": ("needs_expert", ""),
            "relay": ("", "马上到"),
        }.get(action, ("", ""))

    async def somebody_for(self, ticket: Ticket, action: str) -> Person | None:
        """A person whom the table of authority allows it, if there is one."""
        if not possible(ticket.status, Action(action)):
            return None
        asked = self.chance.sample([*self.people.values()], len(self.people))

        def body(tx: Tx) -> Person | None:
            return next((p for p in asked if _may(tx, ticket, p, Action(action))), None)

        return await self.desk.store.read(body)


def _may(tx: Tx, ticket: Ticket, person: Person, action: Action) -> bool:
    concerned = person.is_staff or person.id == ticket.requester_id
    if not concerned or not may(action, person.roles, ANYTHING):
        return False
    return may(action, person.roles, relations(tx, ticket, person))


def watch(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write down how each transaction left its ticket: from there its clocks have a new course."""
    save = InHand.save

    def saving(hand: InHand) -> Ticket:
        ticket = save(hand)
        if any(step.action not in ASIDE for step in hand._steps):
            site = hand.book.sites.get(ticket.site or "")
            life.states[ticket.id].append(
                Known(
                    now=hand.now,
                    seq=ticket.version,
                    opened_at=ticket.opened_at,
                    zone=site.zone if site else "",
                    priority=ticket.priority,
                    vip=ticket.vip,
                    mode=ticket.mode,
                )
            )
        return ticket

    monkeypatch.setattr(InHand, "save", saving)


# -- the desk's word against the oracle's


@dataclass(frozen=True, slots=True)
class Sent:
    """A warning, as the journal has it."""

    name: Name
    at: datetime  # when it was due
    now: datetime  # when it was sent
    told: str


def sent_by(journal: Iterable[Step]) -> Iterator[Sent]:
    for step in journal:
        if step.action == Action.WARN:
            told = step.detail
            cycle = int(str(told["cycle"]))
            name = (step.ticket_id, str(told["milestone"]), cycle, str(told["warning"]))
            due = datetime.fromisoformat(str(told["due"]))
            yield Sent(name, due, step.entered_at, str(told["told"]))


@dataclass
class Trial:
    """What was sent, what was due, and when the desk was off."""

    sent: list[Sent]
    due: dict[Name, list[Window]]
    off: list[tuple[datetime, datetime]]
    _of_clock: dict[tuple[int, str, int], list[Sent]] = field(init=False)

    def __post_init__(self) -> None:
        self.off.sort()
        self._of_clock = defaultdict(list)
        for one in self.sent:
            self._of_clock[one.name[:3]].append(one)

    def missed(self, window: Window) -> bool:
        """The sweeper had its time to look before the ticket moved on."""
        return window.until > self.back(window.since) + SOON

    def settled(self, name: Name, window: Window) -> bool:
        """Something higher was due by the time of the first look, and was said instead."""
        return any(
            other.at >= window.at and window.since <= other.now <= self.back(window.since) + SOON
            for other in self._of_clock[name[:3]]
        )

    def back(self, moment: datetime) -> datetime:
        """From when on the desk was up again."""
        first = bisect_left(self.off, (moment - LONGEST_DOWNTIME, moment))
        for start, end in self.off[first : bisect_right(self.off, (moment, NEVER))]:
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


@dataclass
class Lived:
    """A life, heard: the trial, and the verdicts of the desk beside those of the oracle."""

    life: Life
    trial: Trial
    written: dict[tuple[int, str, int], str]
    expected: dict[tuple[int, str, int], str]

    @property
    def faults(self) -> dict[str, object]:
        differ = self.written.items() ^ self.expected.items()
        found = {
            "forgotten": self.trial.forgotten(),
            "not due": self.trial.not_due(),
            "twice": self.trial.twice(),
            "nobody told": [one for one in self.trial.sent if not one.told],
            "verdicts": sorted(differ),
        }
        return {name: fault for name, fault in found.items() if fault}


async def lived(
    folder: Path, monkeypatch: pytest.MonkeyPatch, days: float, tickets: int, seed: int = 0
) -> Lived:
    path = folder / "desk.db"
    await schema.upgrade(f"sqlite:///{path}")
    store = CalmStore(path)
    life = Life(store, seed)
    watch(life, monkeypatch)
    await life.begins(BEGINS)
    await life.goes_on(days, tickets)
    sent: list[Sent] = []
    due: dict[Name, list[Window]] = {}
    expected: dict[tuple[int, str, int], str] = {}
    for ticket, states in life.states.items():
        journal = await store.read(
            lambda tx, ticket=ticket: tx.find(Step, order="seq", ticket_id=ticket)  # type: ignore[misc]
        )
        oracle = Oracle(ticket)
        oracle.replay(states, journal, life.moment)
        sent += sent_by(journal)
        due |= oracle.due
        expected |= dict(oracle.last_verdicts())
    rows = verdicts.standing(await store.read(lambda tx: tx.find(VerdictRow, order="id")))
    await store.close()
    written = {(v.ticket_id, v.milestone, v.cycle): v.outcome for v in rows if v.final}
    return Lived(life, Trial(sent, due, life.off), written, expected)


async def test_every_warning_that_was_due_is_sent_once_through_a_random_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await lived(tmp_path, monkeypatch, DAYS, TICKETS)
    assert found.faults == {}
    assert len(found.life.states) >= TICKETS
    assert found.life.steps_of_the_clock
    up, restarted = found.trial.lateness()
    assert len(up) > TICKETS
    assert restarted
    assert p99(up) <= SOON
    assert p99(restarted) <= AFTER_A_RESTART


# -- mistakes that were planted, and must be seen


def skips_one(hand: InHand, due: Due) -> None:
    warn(hand, due[hand.ticket.id % 4 == 1 :])


def says_it_twice(hand: InHand, due: Due) -> None:
    warn(hand, due)
    warn(hand, due[: hand.ticket.id % 4 == 1])


def never_rests(mark: clock.Mark, of: clock.Clock) -> clock.Pace:
    return clock.Pace.RAN


def rests_at_the_wrong_time(mark: clock.Mark, of: clock.Clock) -> clock.Pace:
    return clock.Pace.PAUSED if mark.status == "accepted" else pace(mark, of)


@pytest.mark.skipif(not SOAK, reason="four more lives: a large size")
@pytest.mark.parametrize(
    ("where", "name", "mistake", "fault"),
    [
        (alarms, "warn", skips_one, "forgotten"),
        (alarms, "warn", says_it_twice, "twice"),
        (clock, "_pace", never_rests, "not due"),
        (clock, "_pace", rests_at_the_wrong_time, "forgotten"),
    ],
)
async def test_the_oracle_sees_a_planted_mistake(
    where: ModuleType,
    name: str,
    mistake: Callable[..., object],
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(where, name, mistake)
    found = await lived(tmp_path, monkeypatch, days=6, tickets=60)
    assert fault in found.faults
