"""One message that is always true, edited only where it differs."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot import board
from core.errors import NotAllowed, Undeliverable
from core.messages import Letter, Receipt
from core.ports import Capabilities, Tx
from core.ticket import Ticket
from tests.scenario import CHAT, Scenario
from tests.test_story import DEAD_TILL, PAPER, accepted, dispatched


@dataclass
class Group:
    """A chat that keeps what it was sent and edits what it is told to."""

    name: str = "telegram"
    can: Capabilities = CHAT
    sent: list[Letter] = field(default_factory=list)
    refuses: bool = False

    async def send(self, letter: Letter) -> Receipt:
        if self.refuses:
            raise Undeliverable("too many requests", permanent=False)
        self.sent.append(letter)
        return Receipt(id=letter.replaces or str(len(self.sent)))


async def bound(desk: Scenario, who: str = "zhao.hong") -> Group:
    person = await desk.person(who)
    place = board.place_in("-100", "telegram", "", person)
    await desk.desk.store.write(lambda tx: board.bind(tx, person, place, desk.moment))
    return Group()


async def shown(desk: Scenario, language: str = "en") -> str:
    return await desk.desk.store.read(
        lambda tx: board.text(tx, desk.desk, desk.moment, language=language, zone="Asia/Shanghai")
    )


async def test_it_is_one_message_that_is_edited(desk: Scenario) -> None:
    group = await bound(desk)
    await board.redraw(desk.desk, group)
    await dispatched(desk)
    await board.redraw(desk.desk, group)
    assert [letter.replaces for letter in group.sent] == ["", "1"]


async def test_nothing_is_edited_while_nothing_differs(desk: Scenario) -> None:
    group = await bound(desk)
    await dispatched(desk)
    assert await board.redraw(desk.desk, group)
    assert not await board.redraw(desk.desk, group)


async def test_a_refused_edit_is_made_up_for(desk: Scenario) -> None:
    group = await bound(desk)
    group.refuses = True
    assert not await board.redraw(desk.desk, group)
    group.refuses = False
    assert await board.redraw(desk.desk, group)


async def test_the_earliest_deadline_stands_first(desk: Scenario) -> None:
    await desk.hears("tang.wei", DEAD_TILL)
    await desk.hears("xu.lan", PAPER)
    await desk.time_passes(minutes=1)
    due = {ticket.number: ticket.due_at for ticket in await desk.tickets()}
    numbers = sorted(due, key=lambda number: str(due[number]))
    assert numbers != list(due)
    told = await shown(desk)
    assert told.index(numbers[0]) < told.index(numbers[1])


async def test_a_line_says_who_what_state_and_how_long(desk: Scenario) -> None:
    number, engineer = await accepted(desk)
    person, ticket = await desk.person(engineer), await desk.ticket(number)
    assert ticket.due_at is not None
    line = next(line for line in (await shown(desk)).splitlines() if number in line)
    assert person.called("en") in line
    assert "P1" in line
    left = int((ticket.due_at - desk.moment) / timedelta(minutes=1))
    assert f"{left} min left" in line


async def test_what_is_over_the_deadline_is_counted_and_marked(desk: Scenario) -> None:
    await accepted(desk)
    await desk.time_passes(hours=3)
    told = await shown(desk)
    assert "1 late" in told
    assert "🔴" in told


@pytest.mark.parametrize("who", ["tang.wei", "zhou.min"])
async def test_only_the_desk_places_the_board(desk: Scenario, who: str) -> None:
    with pytest.raises(NotAllowed):
        await bound(desk, who)


async def test_ten_thousand_open_jobs_make_no_longer_a_message(desk: Scenario) -> None:
    requester = await desk.person("tang.wei")

    def fill(tx: Tx) -> None:
        for n in range(1, 10_001):
            tx.add(
                Ticket(
                    id=n,
                    number=f"n{n}",
                    status="dispatched",  # type: ignore[arg-type]
                    requester_id=requester.id,
                    origin="telegram",
                    opened_at=desk.moment,
                    changed_at=desk.moment,
                    due_at=desk.moment + timedelta(minutes=n),
                )
            )

    await desk.desk.store.write(fill)
    told = (await shown(desk)).splitlines()
    assert len(told) == board.SHOWN + 2
    assert "n1 " in told[1]
    assert str(10_000 - board.SHOWN) in told[-1]
