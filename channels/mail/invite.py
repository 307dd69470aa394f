"""A calendar invitation in a few lines, for a mail that brings nothing else to read."""

import re

from channels.mail.charset import clean, lines

_SHOWN = ("SUMMARY", "DTSTART", "DTEND", "LOCATION", "DESCRIPTION")
_ENOUGH = 256 * 1024
_ESCAPED = re.compile(r"\\([nN,;\\])")
_MOMENT = re.compile(r"^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?$")


def summary(calendar: str) -> str:
    """What, when and where of the first event; empty when there is none."""
    unfolded = re.sub(r"\n[ \t]", "", lines(calendar[:_ENOUGH]))
    _, begins, event = unfolded.partition("BEGIN:VEVENT")
    facts: dict[str, str] = {}
    for line in event.partition("END:VEVENT")[0].split("\n") if begins else ():
        head, _, value = line.partition(":")
        name, *parameters = head.strip().upper().split(";")
        if name in _SHOWN and name not in facts and value.strip():
            zone = next((p.partition("=")[2] for p in parameters if p.startswith("TZID=")), "")
            facts[name] = _moment(value.strip(), zone) if name.startswith("DT") else _plain(value)
    when = " – ".join(facts[name] for name in ("DTSTART", "DTEND") if name in facts)
    shown = (facts.get("SUMMARY"), when, facts.get("LOCATION"), facts.get("DESCRIPTION"))
    return "\n".join(filter(None, shown))


def _plain(value: str) -> str:
    return clean(_ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)).strip()


def _moment(value: str, zone: str) -> str:
    match = _MOMENT.match(value)
    if match is None:
        return clean(value)
    year, month, day, hour, minute, utc = match.groups()
    date = f"{year}-{month}-{day}"
    if hour is None:
        return date
    where = "UTC" if utc else clean(zone).title() if zone.isupper() else clean(zone)
    return f"{date} {hour}:{minute} {where}".rstrip()
