"""`paidan ticket`: what the desk knows of a ticket, and why it did what it did."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.shell import (
    Limit,
    Mask,
    Reveal,
    SettingsFile,
    clock,
    complain,
    console,
    group,
    on_desk,
    show_table,
)

if TYPE_CHECKING:
    from core.desk import Desk
    from core.in_hand import InHand
    from core.ports import Tx
    from core.ticket import Ticket

app = group("Tickets: list, show, and why.")
Number = Annotated[str, typer.Argument(help="As people say it: 100014.")]
LANGUAGES = ("zh_CN", "en")


@app.command()
def show(number: Number, reveal: Reveal = False, settings: SettingsFile = None) -> None:
    """Its facts, its clocks, and whether its journal is whole."""

    async def work(desk: "Desk") -> None:
        facts, clocks, grievances, broken = await desk.store.read(
            lambda tx: _facts(_in_hand(tx, desk, number), Mask(reveal))
        )
        show_table(f"Ticket {facts[0][1]}", ("", ""), facts[1:])
        show_table(
            "Clocks",
            ("clock", "rule", "state", "due", "calendar"),
            clocks,
            empty="No clock runs on it.",
        )
        headings = ("what", "state", "severity", "from", "owner", "opened", "text", "answer")
        if grievances:
            show_table("Complaints and deviations", headings, grievances)
        _tell_whole(broken)

    on_desk(settings, work)


@app.command()
def why(
    number: Number,
    lang: Annotated[str, typer.Option(help="zh_CN or en.")] = "zh_CN",
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """The journal as sentences: who was asked, and why."""
    from core.story import lines

    if lang not in LANGUAGES:
        complain(f"{lang!r} is none of {', '.join(LANGUAGES)}")

    async def work(desk: "Desk") -> None:
        def story(tx: "Tx") -> tuple[list[str], int | None]:
            hand = _in_hand(tx, desk, number)
            return lines(hand, lang, zone=desk.rules.zone.key), _broken(hand)

        told, broken = await desk.store.read(story)
        mask = Mask(reveal)
        for line in told:
            console().print(mask.text(line), markup=False, soft_wrap=True)
        _tell_whole(broken)

    on_desk(settings, work)


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    limit: Limit = 50,
    reveal: Reveal = False,
    settings: SettingsFile = None,
) -> None:
    """Tickets, the newest first."""
    from core.lifecycle import OPEN
    from core.ticket import Ticket

    where = {} if all_ else {"status": tuple(str(status) for status in OPEN)}

    async def work(desk: "Desk") -> None:
        mask = Mask(reveal)

        def body(tx: "Tx") -> list[tuple[str, ...]]:
            tickets = tx.find(Ticket, order="-id", limit=limit, **where)
            return [_line(tx, desk, ticket, mask) for ticket in tickets]

        rows = await desk.store.read(body)
        headings = ("number", "status", "prio", "site", "category", "holder", "due", "symptom")
        show_table("Tickets", headings, rows, empty="There is none.")

    on_desk(settings, work)


@app.command()
def correct(
    number: Number,
    milestone: Annotated[str, typer.Argument(help="Which clock: onsite_arrival, phone_answer, …")],
    why: Annotated[str, typer.Option(help="The reason, for the record.")],
    by: Annotated[str, typer.Option(help="Code of the supervisor who decides.")],
    settings: SettingsFile = None,
) -> None:
    """Turn a verdict round: met or broken. The one that was written stays."""
    from bot.cli.acting import act
    from core.lifecycle import Action
    from core.requests import Request

    request = Request(action=Action.CORRECT_VERDICT, number=number, arg=milestone, text=why)

    async def work(desk: "Desk") -> None:
        await act(desk, request, by, settings)
        typer.echo(f"The verdict on {milestone} of ticket {number} is corrected.")

    on_desk(settings, work)


@app.command("accept-claim")
def accept_claim(
    number: Number,
    by: Annotated[str, typer.Option(help="Code of the supervisor who decides.")],
    settings: SettingsFile = None,
) -> None:
    """Let a step that was entered late count from its own time."""
    from bot.cli.acting import act
    from core.lifecycle import Action
    from core.requests import Request

    async def work(desk: "Desk") -> None:
        await act(desk, Request(action=Action.ACCEPT_CLAIM, number=number), by, settings)
        typer.echo(f"The late entry on ticket {number} counts from its own time.")

    on_desk(settings, work)


def _line(tx: "Tx", desk: "Desk", ticket: "Ticket", mask: Mask) -> tuple[str, ...]:
    return (
        ticket.number,
        ticket.status,
        ticket.priority,
        ticket.site or "",
        ticket.category,
        _name(tx, ticket.assignee_id, mask),
        clock(ticket.due_at, desk),
        mask.text(ticket.symptom)[:60],
    )


def _name(tx: "Tx", person_id: int | None, mask: Mask) -> str:
    from core.people import Person

    person = tx.get(Person, person_id) if person_id is not None else None
    return mask.name(person.name) if person else ""


def _in_hand(tx: "Tx", desk: "Desk", number: str) -> "InHand":
    from core.in_hand import InHand
    from core.work import find_ticket

    return InHand(tx, desk, find_ticket(tx, number), now=desk.now())


def _broken(hand: "InHand") -> int | None:
    from core.ticket import broken_link

    return broken_link(hand.history, hand.ticket.head)


def _tell_whole(broken: int | None) -> None:
    """A journal that was tampered with ends the command with a failure."""
    if broken is None:
        typer.echo("The journal is whole.")
        return
    typer.echo(f"paidan: the journal is broken at step {broken}", err=True)
    raise typer.Exit(1)


def _facts(
    hand: "InHand", mask: Mask
) -> tuple[list[tuple[str, str]], list[tuple[str, ...]], list[tuple[str, ...]], int | None]:
    from core.clocks import readings

    ticket, desk = hand.ticket, hand.desk
    facts = [
        ("number", ticket.number),
        ("status", str(ticket.status)),
        ("requester", _name(hand.tx, ticket.requester_id, mask)),
        ("site", hand.book.site_name(ticket.site, "zh_CN")),
        ("category", ticket.category),
        ("device", ticket.device),
        ("priority", ticket.priority + (" VIP" if ticket.vip else "")),
        ("mode", ticket.mode),
        ("holder", _name(hand.tx, ticket.assignee_id, mask)),
        ("opened", clock(ticket.opened_at, desk)),
        ("due", clock(ticket.due_at, desk)),
        ("closed", clock(ticket.closed_at, desk)),
        ("symptom", mask.text(ticket.symptom)),
        ("steps", str(len(hand.history))),
    ]
    clocks: list[tuple[str, ...]] = [
        (
            one.milestone,
            one.attached.rule,
            str(one.reading.state),
            clock(one.reading.due, desk),
            one.attached.clock.calendar,
        )
        for one in readings(hand)
    ]
    return facts, clocks, _grievances(hand, mask), _broken(hand)


def _grievances(hand: "InHand", mask: Mask) -> list[tuple[str, ...]]:
    from core.grievances import of_ticket

    return [
        (
            one.kind,
            one.state,
            one.severity,
            _name(hand.tx, one.person_id, mask),
            _name(hand.tx, one.owner_id, mask),
            clock(one.opened_at, hand.desk),
            mask.text(one.text),
            mask.text(one.answer),
        )
        for one in of_ticket(hand.tx, hand.ticket.id)
    ]
