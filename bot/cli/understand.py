"""`paidan understand`: what the desk would make of a report, and why."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.understand import Facts, Understanding, default_reader, mentions_password

FIELDS = ("site", "category", "severity", "mode", "device", "ask")


def understand(
    text: Annotated[str, typer.Argument(help="The report, in Chinese or English.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the six labels as JSON.")] = False,
    site: Annotated[str, typer.Option(help="Site code of the person's profile.")] = "",
    channel: Annotated[
        str, typer.Option(help="chat, sms or email; by default guessed from a subject line.")
    ] = "",
    vip: Annotated[bool, typer.Option("--vip", help="The person is a VIP.")] = False,
) -> None:
    """Read a report without opening a ticket."""
    facts = Facts(site=site, channel=channel or _channel_of(text), vip=vip)
    read = default_reader().read(text, facts)
    if as_json:
        labels = {name: getattr(read, name) for name in FIELDS}
        typer.echo(json.dumps(labels, ensure_ascii=False))
    else:
        _show(read, secret=bool(mentions_password(text)))


def _channel_of(text: str) -> str:
    subject = (
        text.lstrip().casefold().startswith(("subject:", "主题：", "主题:", "主旨：", "主旨:"))
    )
    return "email" if subject else "chat"


def _show(read: Understanding, *, secret: bool) -> None:
    table = Table(title=read.intent)
    for heading in ("", "read as", "sure", "because of", "words"):
        table.add_column(heading)
    for name in FIELDS:
        why = read.evidence[name]
        words = " · ".join(why.words)
        table.add_row(name, getattr(read, name), f"{why.certainty:.0%}", why.rule, words)
    console = Console()
    console.print(table)
    if read.emergency:
        console.print("emergency:", ", ".join(sorted(read.emergency)))
    if secret:
        console.print("The text seems to contain a password; it would be masked.")
