"""`paidan templates`: the texts that a cloud reviews before it sends them."""

from typing import Annotated

import typer

from bot.cli.shell import SettingsFile, complain, complaints


def templates(
    name: Annotated[
        str, typer.Argument(metavar="GATEWAY", help="Its name in the settings; usually all.")
    ] = "",
    missing: Annotated[bool, typer.Option("--missing", help="Only those without an id.")] = False,
    settings: SettingsFile = None,
) -> None:
    """SMS texts for a cloud's review, as its console wants them.

    One line each, with tabs between: the gateway, the kind of notice, its id in the settings (or
    a dash), the text. A spreadsheet takes them as they are.
    """
    from bot.cli.start import read_settings
    from bot.sms import RULES
    from channels.sms.standard import texts
    from channels.sms.templates import for_console

    with complaints():
        clouds = [section for section in read_settings(settings).sms if section.kind in RULES]
    wanted = [section for section in clouds if name in ("", section.name)]
    if not wanted:
        complain(f"the settings have no cloud {name}".rstrip() + " that reviews SMS texts")
    for section in wanted:
        if not section.hotline:
            complain(f"{section.name}: set its hotline first, which the texts name")
        rules = RULES[section.kind]
        for kind, template in texts(rules, section.hotline).items():
            known = section.templates.get(kind, "")
            if not (missing and known):
                text = for_console(template, rules)
                typer.echo("\t".join((section.name, kind, known or "-", text)))
