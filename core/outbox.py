"""Letters on their way out: claimed, sent, and what became of them (storage notes §4, §5).

pending → claimed → sending (committed just before the carrier may accept) → sent. A process that
dies leaves the answer in the row: 'claimed' goes back to pending, 'sending' is unknown. A question
to a telephone without buttons may be 'waiting' for its turn (core/prompts.py).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from core import prompts
from core.crashpoints import reach
from core.desk import Desk
from core.errors import StorageBusy, Unclear, Undeliverable
from core.in_hand import SYSTEM, Actor, InHand
from core.lifecycle import Action
from core.messages import Choice, File, Letter, Receipt, Report
from core.notices.desk import Unreachable
from core.people import Address, Person, Role
from core.ports import Between, Channel, Tx
from core.prompts import Telephone
from core.rows import Awaited, OutboxRow, Sent, TimerRow
from core.telling import addresses_of, has_card, parcels, tell
from core.ticket import Card, Offer, Ticket

LEASE = timedelta(seconds=30)
BACKOFF = (5, 15, 60, 300, 900, 1800)  # seconds
GIVE_UP = 12  # tries
REST = timedelta(hours=1)  # that a letter waits with an account before its tries are counted
FOREVER = datetime.max.replace(tzinfo=UTC)
DOUBTFUL = 3  # failures in a row after which an address is doubted
NO_NEWS = timedelta(minutes=30)  # accepted is not delivered: then the next address is due
DOUBTS = 4  # tries of unknown outcome
AGAIN_AFTER = timedelta(minutes=1)  # before a must-reach letter of unknown outcome is repeated
DELIVERED = {
    "job_offered": Action.OFFER_DELIVERED,
    "engineer_says": Action.HUMAN_REPLY,
    "engineer_sends": Action.HUMAN_REPLY,
    "complaint_answered": Action.HUMAN_REPLY,
}
ANSWERS = (Action.RELAY, Action.ANSWER_COMPLAINT)  # of a person, to the requester


def letter_of(row: OutboxRow) -> Letter:
    return Letter(
        id=row.id,
        person_id=row.person_id,
        channel=row.channel,
        account=row.account,
        address=row.address,
        language=row.language,
        zone=row.zone,
        kind=row.kind,
        params=row.params,
        choices=tuple(Choice(**choice) for choice in row.choices),  # type: ignore[arg-type]
        files=tuple(File(**file) for file in row.files),  # type: ignore[arg-type]
        loud=row.loud,
        ticket=row.ticket,
        reference=row.reference,
        replaces=row.replaces,
        reply_to=row.reply_to,
        audience=row.audience,
        attempts=row.attempts - 1,
        repeated=row.repeated,
    )


async def claim(desk: Desk, channel: str, *, limit: int = 50) -> list[OutboxRow]:
    """Take letters that are due, the oldest of each address, so that order is kept."""

    def body(tx: Tx) -> list[OutboxRow]:
        now, token = desk.now(), secrets.token_hex(8)
        taken = tx.ask(
            "claim_outbox", channel=channel, now=now, lease=now + LEASE, token=token, many=limit
        )
        ids = tuple(row["id"] for row in taken)
        return tx.find(OutboxRow, order="id", id=ids) if ids else []

    reach("before_claim")
    return await desk.store.write(body)


async def send(desk: Desk, channel: Channel, row: OutboxRow) -> None:
    """Hand one claimed letter to its carrier and write down what came of it."""
    asked = await desk.store.write(lambda tx: _start(tx, desk, row))
    if asked is None:
        return
    reach("before_send")
    try:
        async with _held(desk, row):
            receipt = await channel.send(letter_of(asked))
    except Undeliverable as refusal:
        await desk.store.write(partial(_failed, desk=desk, row=row, refusal=refusal))
    except Unclear as doubt:
        await desk.store.write(partial(_unknown, desk=desk, row=row, doubt=str(doubt)))
    else:
        reach("after_accept")
        await desk.store.write(partial(_sent, desk=desk, row=row, receipt=receipt))
        reach("after_settle")


@asynccontextmanager
async def _held(desk: Desk, row: OutboxRow) -> AsyncIterator[None]:
    """Keep the lease for as long as the carrier takes: a mail server may think for ten minutes."""

    def prolong(tx: Tx) -> None:
        tx.update_where(OutboxRow, _mine(row), lease_until=desk.now() + LEASE)

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(StorageBusy):
                await desk.store.write(prolong)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


def _start(tx: Tx, desk: Desk, row: OutboxRow) -> OutboxRow | None:
    """What is to be sent. None: another has the letter, its reason is gone, or it must wait."""
    now = desk.now()
    mine = {"id": row.id, "token": row.token, "state": "claimed"}
    if is_stale(tx, row):
        tx.update_where(OutboxRow, mine, state="dropped", settled_at=now, lease_until=None)
        _give_up_turn(tx, row, now)
        return None
    if prompts.unwanted(tx, row):
        if tx.update_where(OutboxRow, mine, state="dropped", settled_at=now, lease_until=None):
            reach_otherwise(tx, desk, row, "opted out")
        return None
    if tx.update_where(OutboxRow, mine, state="sending", lease_until=now + LEASE) != 1:
        return None
    if not prompts.is_keypad(desk.channels[row.channel]):
        return row
    turn = prompts.take_turn(tx, row, now, is_stale)
    if turn == "wait":
        tx.update_where(OutboxRow, _mine(row), state="waiting", lease_until=None)
        return None
    return row if turn == "ask" else replace(row, choices=())


def question_over(tx: Tx, desk: Desk, timer: TimerRow, now: datetime) -> None:
    """Nobody answered in time: whoever waits behind the question may ask theirs."""
    prompts.call_next(tx, prompts.of_timer(timer), now, is_stale)


def _give_up_turn(tx: Tx, row: OutboxRow, now: datetime) -> None:
    """The letter asks nobody anything any more: whoever waited behind it may."""
    prompts.undelivered(tx, row)
    prompts.call_next(tx, Telephone(row.channel, row.address), now, is_stale)


OFFER_KINDS = ("job_offered", "offer_reminder")
CHECK_KINDS = ("resolved_check", "resolved_reminder")


def is_stale(tx: Tx, row: OutboxRow) -> bool:
    """Asked just before sending: an offer that was taken, a question that was answered, a card
    that came with an earlier letter."""
    if row.ticket_id is None:
        return False
    if row.audience and not row.loud and row.person_id is not None:
        return has_card(tx, row.ticket_id, row.person_id, row.audience)
    if row.kind not in (*OFFER_KINDS, *CHECK_KINDS):
        return False
    ticket = tx.get(Ticket, row.ticket_id)
    if ticket is None:
        return True
    if row.kind in CHECK_KINDS:
        return ticket.status != "resolved"
    return tx.first(Offer, ticket_id=ticket.id, person_id=row.person_id, state="open") is None


def _mine(row: OutboxRow) -> dict[str, object]:
    return {"id": row.id, "token": row.token, "state": "sending"}


def _sent(tx: Tx, desk: Desk, row: OutboxRow, receipt: Receipt) -> None:
    now = desk.now()
    done = tx.update_where(
        OutboxRow, _mine(row), state="sent", receipt=receipt.id, settled_at=now, lease_until=None
    )
    if done != 1:
        return  # the lease ran out and another has it: its receipt counts
    if row.ticket_id is not None and receipt.id:
        tx.add_new(
            [
                Sent(
                    channel=row.channel,
                    account=row.account,
                    address=row.address,
                    message_id=message_id,
                    ticket_id=row.ticket_id,
                    about=row.kind,
                    person_id=row.person_id,
                )
                for message_id in (receipt.id, *receipt.also)
            ],
            key=("channel", "account", "address", "message_id"),
        )
    if row.audience and row.ticket_id is not None and row.person_id is not None:
        _place_card(tx, row, receipt)
    _tell_clocks(tx, desk, row, now)
    if not receipt.final:
        tx.add(Awaited(letter_id=row.id, due_at=now + NO_NEWS))
    prompts.call_next(tx, Telephone(row.channel, row.address), now, is_stale)
    if receipt.final:
        _trust_address(tx, row)


def _trust_address(tx: Tx, row: OutboxRow) -> None:
    """It was delivered; what a carrier merely accepted tells nothing about the address."""
    tx.update_where(
        Address,
        {"channel": row.channel, "value": row.address, "failures": Between(after=1)},
        failures=0,
        state="ok",
    )


def _tell_clocks(tx: Tx, desk: Desk, row: OutboxRow, now: datetime) -> None:
    """Two promises hang on delivery, not on sending: the arrival and the first human answer."""
    action = DELIVERED.get(row.kind)
    ticket = tx.lock(Ticket, row.ticket_id) if action and row.ticket_id is not None else None
    if action is None or ticket is None:
        return
    offered: dict[str, Any] = {
        "ticket_id": ticket.id,
        "person_id": row.person_id,
        "delivered_at": None,
    }
    if row.kind == "job_offered" and not tx.update_where(Offer, offered, delivered_at=now):
        return  # the second of two channels
    hand = InHand(tx, desk, ticket, by=SYSTEM, now=now, cause=f"sent{row.id}")
    if row.kind == "engineer_sends" and not _is_an_answer(hand):
        return
    if action is Action.HUMAN_REPLY:
        hand.by = _author(hand)
    hand.step(action)
    hand.save()


def _is_an_answer(hand: InHand) -> bool:
    """Whether words were answered by a file alone, and not by a result or by what came before."""
    said = (s.action for s in reversed(hand.history) if s.action in {*ANSWERS, Action.HUMAN_REPLY})
    return next(said, None) in ANSWERS


def _author(hand: InHand) -> Actor:
    """Whose words just arrived: the last who answered the requester."""
    said = next((s for s in reversed(hand.history) if s.action in ANSWERS), None)
    person = hand.person(said.actor_id) if said else None
    return Actor(person=person, role=said.actor_role) if said else SYSTEM


def _place_card(tx: Tx, row: OutboxRow, receipt: Receipt) -> None:
    """The newest message is the live card; what the ticket says now is drawn by the reconciler."""
    assert row.ticket_id is not None
    assert row.person_id is not None
    ticket = tx.get(Ticket, row.ticket_id)
    where: dict[str, Any] = {
        "ticket_id": row.ticket_id,
        "audience": row.audience,
        "person_id": row.person_id,
        "channel": row.channel,
    }
    place = {"account": row.account, "address": row.address, "message_id": receipt.id}
    wanted = ticket.version if ticket else 0
    if tx.update_where(
        Card,
        where,
        **place,
        drawn_hash=receipt.shown,
        wanted_version=wanted,
        drawn_version=wanted - 1,
    ):
        return
    tx.insert(
        Card(
            ticket_id=row.ticket_id,
            audience=row.audience,
            person_id=row.person_id,
            channel=row.channel,
            account=row.account,
            address=row.address,
            message_id=receipt.id,
            drawn_hash=receipt.shown,
            wanted_version=wanted,
            drawn_version=wanted - 1,
        )
    )


def retry_at(attempts: int, now: datetime) -> datetime:
    return now + timedelta(seconds=BACKOFF[min(attempts, len(BACKOFF)) - 1])


def _failed(tx: Tx, desk: Desk, row: OutboxRow, refusal: Undeliverable) -> None:
    now = desk.now()
    # Where the carrier names a time, it is the account that rests: no fault of the letter.
    rests = refusal.retry_after is not None and now - row.created_at < REST
    if not refusal.permanent and (rests or row.attempts < GIVE_UP):
        again = retry_at(row.attempts, now)
        if refusal.retry_after is not None:
            again = now + timedelta(seconds=refusal.retry_after)
        tx.update_where(
            OutboxRow,
            _mine(row),
            state="pending",
            next_at=again,
            attempts=row.attempts - rests,
            error=str(refusal),
            lease_until=None,
        )
        prompts.unsaid(tx, row)
        return
    done = tx.update_where(
        OutboxRow, _mine(row), state="failed", error=str(refusal), settled_at=now, lease_until=None
    )
    if done == 1:
        _give_up_turn(tx, row, now)
        _blame_address(tx, desk, row, dead=refusal.address_dead)
        reach_otherwise(tx, desk, row, str(refusal))


def _blame_address(tx: Tx, desk: Desk, row: OutboxRow, *, dead: bool) -> None:
    address = tx.first(Address, channel=row.channel, value=row.address)
    if address is None:
        return
    failures = address.failures + 1
    state = "blocked" if dead else "doubtful" if failures >= DOUBTFUL else address.state
    tx.update(address, failures=failures, state=state)
    if failures == DOUBTFUL and row.person_id is not None:
        _tell_agents(tx, desk, row, row.error or f"{row.channel}: {failures}")


def reach_otherwise(tx: Tx, desk: Desk, row: OutboxRow, reason: str) -> None:
    """The person's next address; with none left, the desk hears of it (promise 9)."""
    person = tx.get(Person, row.person_id) if row.person_id is not None else None
    if person is None or not row.fallback:
        return
    tried = (*row.tried, row.channel)
    following = [a for a in addresses_of(tx, desk, person) if a.channel not in tried]
    if following:
        _send_on(tx, desk, row, following[0], tried)
        return
    if row.must:
        _tell_agents(tx, desk, row, reason)


def _send_on(tx: Tx, desk: Desk, row: OutboxRow, target: Address, tried: tuple[str, ...]) -> None:
    """The letter once more, to another address; its files as that way takes them."""
    can = desk.channels[target.channel]
    files = parcels(letter_of(row).files, can) or [()]
    for nth, parcel in enumerate(files):
        tx.add(
            replace(
                row,
                id=0,
                channel=target.channel,
                account=target.account,
                address=target.value,
                files=tuple(asdict(file) for file in parcel),
                reference=f"{row.reference}+{nth}" if nth else row.reference,
                tried=tried,
                state="pending",
                token="",
                attempts=0,
                next_at=None,
                receipt="",
                error="",
                audience=row.audience if can.edits else "",
                reply_to="",
                replaces="",
                lease_until=None,
                created_at=desk.now(),
                settled_at=None,
            )
        )


def _tell_agents(tx: Tx, desk: Desk, row: OutboxRow, reason: str) -> None:
    """Once for each letter, and never about these notices themselves."""
    person = tx.get(Person, row.person_id) if row.person_id is not None else None
    if person is None or row.kind == "unreachable":
        return
    event = f"unreachable.{row.reference}"
    for agent in desk.register.open(tx).with_role(Role.DESK_AGENT):
        if tx.first(OutboxRow, reference=f"{event}.unreachable.{agent.id}"):
            continue
        tell(
            tx,
            desk,
            agent,
            Unreachable(number=row.ticket, name=person.name, reason=reason[:200]),
            event=event,
            now=desk.now(),
            ticket=tx.get(Ticket, row.ticket_id) if row.ticket_id else None,
        )


def _unknown(tx: Tx, desk: Desk, row: OutboxRow, doubt: str) -> None:
    """Perhaps delivered. What must reach a person goes out again, marked as a repetition.

    A doubt may be the desk's own death, and one can die twice at the same letter: after DOUBTS of
    them the person's next address is tried, for a lost offer is worse than a repeated one.
    """
    now = desk.now()
    if row.must and row.attempts < DOUBTS:
        tx.update_where(
            OutboxRow,
            _mine(row),
            state="pending",
            repeated=True,
            next_at=now + AGAIN_AFTER,
            error=doubt,
            lease_until=None,
        )
        return
    done = tx.update_where(
        OutboxRow, _mine(row), state="unknown", error=doubt, settled_at=now, lease_until=None
    )
    if done == 1 and row.must:
        reach_otherwise(tx, desk, row, doubt)


async def rescue(desk: Desk, *, all_of_them: bool = False) -> int:
    """Letters whose process died: the state tells whether the carrier may have them.

    `all_of_them` at the start of the only process: no lease can be anybody else's.
    """

    def body(tx: Tx) -> int:
        now = desk.now()
        over: dict[str, Any] = {"lease_until": Between(before=FOREVER if all_of_them else now)}
        freed = tx.update_where(
            OutboxRow, {"state": "claimed", **over}, state="pending", lease_until=None
        )
        doubtful = tx.find(OutboxRow, state="sending", **over)
        for row in doubtful:
            _unknown(tx, desk, row, "the process stopped while the carrier had it")
        _miss_reports(tx, desk, now)
        prompts.call_all(tx, now, is_stale)
        return freed + len(doubtful)

    return await desk.store.write(body)


def _miss_reports(tx: Tx, desk: Desk, now: datetime) -> None:
    """No news of what a carrier accepted: whoever must be reached is reached another way."""
    for overdue in tx.find(Awaited, due_at=Between(before=now)):
        tx.delete(Awaited, letter_id=overdue.letter_id)
        row = tx.get(OutboxRow, overdue.letter_id)
        if row is not None and row.state == "sent" and row.must:
            reach_otherwise(tx, desk, row, "no delivery report")


def hear_report(tx: Tx, desk: Desk, report: Report, *, dead: bool = False) -> None:
    """A carrier's later news. States only move forward, however late or often it comes.

    `dead`: the carrier says that there is no such address.
    """
    row = tx.first(OutboxRow, channel=report.channel, receipt=report.receipt) or tx.first(
        OutboxRow, channel=report.channel, reference=report.receipt
    )
    if row is None or report.state == "accepted" or row.state in {"delivered", "failed", "dropped"}:
        return
    tx.delete(Awaited, letter_id=row.id)
    if report.state == "delivered":
        tx.update(row, state="delivered", settled_at=report.at)
        _trust_address(tx, row)
        return
    failed = tx.update(row, state="failed", error=report.reason, settled_at=report.at)
    _give_up_turn(tx, row, desk.now())
    _blame_address(tx, desk, failed, dead=dead)
    reach_otherwise(tx, desk, row, report.reason)
