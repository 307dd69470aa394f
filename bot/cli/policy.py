"""`paidan policy`: the service levels, and what a change of them would do."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.shell import Back, SettingsFile, Yes, complain, confirm, group, on_desk, show_table

if TYPE_CHECKING:
    from core.desk import Desk
    from core.sla.policy import Policy

app = group("Service levels: show, rehearse, apply.")
File = Annotated[Path, typer.Argument(help="The policy as TOML.")]


@app.command()
def show(
    version: Annotated[str | None, typer.Argument(help="Its text; without: all versions.")] = None,
    settings: SettingsFile = None,
) -> None:
    """The versions that the desk holds, or the text of one."""
    from core.levels import policy_text

    async def work(desk: "Desk") -> None:
        if version is None:
            _show_all(desk)
            return
        text = await desk.store.read(lambda tx: policy_text(tx, version))
        if text is None:
            complain(f"there is no policy {version!r}")
        typer.echo(text, nl=False)

    on_desk(settings, work)


def _show_all(desk: "Desk") -> None:
    from core.sla.policy import policy_on

    today = desk.now().astimezone(desk.rules.zone).date()
    in_force = policy_on(desk.policies, today)
    show_table(
        "Policies",
        ("version", "from", "until", "rules", ""),
        [
            (
                policy.version,
                str(policy.valid_from),
                str(policy.valid_until or ""),
                str(len(policy.rules)),
                "in force" if policy is in_force else "",
            )
            for policy in desk.policies
        ],
    )


@app.command()
def rehearse(file: File, back: Back = 90, settings: SettingsFile = None) -> None:
    """Which deadlines would move, which verdicts differ."""
    from bot.cli.rehearsing import rehearse_and_show

    async def work(desk: "Desk") -> None:
        policy = _read(file, desk)
        await rehearse_and_show(desk, timedelta(days=back), policy=policy)

    on_desk(settings, work)


@app.command()
def apply(file: File, yes: Yes = False, settings: SettingsFile = None) -> None:
    """Keep a policy under its version.

    New tickets go by it from its first day on.
    """
    from bot.cli.rehearsing import rehearse_and_show
    from core.levels import save_policy

    async def work(desk: "Desk") -> None:
        policy, now = _read(file, desk), desk.now()
        await rehearse_and_show(desk, timedelta(days=90), policy=policy)
        confirm(f"Save policy {policy.version!r}?", yes=yes)
        text = file.read_text("utf-8")
        await desk.store.write(lambda tx: save_policy(tx, text, now))
        typer.echo(f"Policy {policy.version!r} holds from {policy.valid_from}.")

    on_desk(settings, work)


def _read(file: Path, desk: "Desk") -> "Policy":
    from core.levels import read_policy

    policy = read_policy(file.read_text("utf-8"), desk.calendars)
    for finding in policy.findings():
        others = ", ".join(finding.others)
        typer.echo(f"note: rule {finding.rule!r}: {finding.kind} ({others})", err=True)
    return policy
