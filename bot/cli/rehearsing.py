"""What a changed policy or calendar would move, shown before it is saved."""

from collections.abc import Mapping
from datetime import timedelta

import typer

from bot.cli.shell import busy, clock, show_table
from core.desk import Desk
from core.levels import rehearse_change
from core.sla.calendar import Calendar
from core.sla.policy import Policy

SHOWN = 200


async def rehearse_and_show(
    desk: Desk,
    back: timedelta,
    *,
    policy: Policy | None = None,
    calendars: Mapping[str, Calendar] | None = None,
) -> None:
    now = desk.now()
    with busy("Reading the tickets again …"):
        found = await desk.store.read(
            lambda tx: rehearse_change(
                tx, desk, now, since=now - back, policy=policy, calendars=calendars
            )
        )
    moved, differs = found.rehearsal.moved, found.rehearsal.differs
    show_table(
        "Deadlines that would move",
        ("ticket", "clock", "now due", "would be due", ""),
        [
            (
                one.subject,
                one.milestone,
                clock(one.old_due, desk) or "–",
                clock(one.new_due, desk) or "–",
                "late at once" if one.late_at_once else "",
            )
            for one in moved[:SHOWN]
        ],
        empty="No open deadline would move.",
    )
    show_table(
        "Verdicts that would have been others (what is written stays)",
        ("ticket", "clock", "was", "would have been"),
        [
            (one.subject, one.milestone, _word(one.was_broken), _word(one.would_be_broken))
            for one in differs[:SHOWN]
        ],
        empty="No verdict would have been another.",
    )
    typer.echo(
        f"{found.tickets} tickets read: {len(moved)} deadlines would move,"
        f" {len(differs)} verdicts would differ."
    )


def _word(broken: bool) -> str:
    return "broken" if broken else "met"
