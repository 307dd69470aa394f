"""One text that arrives in pieces, or twice: joined, marked, never dropped."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from channels.sms.segments import segments
from channels.sms.wire import digest
from core.messages import Inbound

REPEAT_WINDOW = timedelta(minutes=2)
PART_WINDOW = timedelta(minutes=5)  # how long numbered parts may lag behind one another
DRAFT_WINDOW = timedelta(seconds=20)  # for gateways that deliver parts without numbers
GAP = "[…]"  # where a part never came
_CUT = {"ucs2": range(60, 71), "gsm7": range(140, 161)}  # how long a part is that goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the inbox remembers of an earlier message."""

    external_id: str
    fingerprint: str
    received_at: datetime


def fingerprint(sender: str, text: str) -> str:
    """Equal for one SMS that a gateway reported under two ids."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return digest(sender, plain)


def mark_repeat(inbound: Inbound, recent: Iterable[Seen]) -> Inbound:
    """The message, naming in `repeat_of` the one it may merely repeat.

    Two people's "1" differ by sender, and one person's second "1" after two minutes is an answer.
    """
    own = fingerprint(inbound.sender, inbound.text)
    for seen in sorted(recent, key=attrgetter("received_at")):
        near = abs(inbound.received_at - seen.received_at) <= REPEAT_WINDOW
        if near and seen.fingerprint == own and seen.external_id != inbound.external_id:
            return replace(inbound, detail={**inbound.detail, "repeat_of": seen.external_id})
    return inbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitched:
    whole: tuple[Inbound, ...]
    waiting: tuple[Inbound, ...]  # more of them may come: ask again later


def stitch(parts: Iterable[Inbound], now: datetime) -> Stitched:
    """Join what belongs together; what is not part of anything passes through as it is."""
    texts = sorted(parts, key=attrgetter("received_at", "external_id"))
    numbered = [text for text in texts if "concat-ref" in text.detail]
    done, waiting = _by_number(numbered, now)
    drafts, open_drafts = _by_time([text for text in texts if text not in numbered], now)
    order = attrgetter("received_at", "external_id")
    return Stitched(
        whole=tuple(sorted(done + drafts, key=order)),
        waiting=tuple(sorted(waiting + open_drafts, key=order)),
    )


def _by_number(parts: Sequence[Inbound], now: datetime) -> tuple[list[Inbound], list[Inbound]]:
    def key(part: Inbound) -> tuple[str, str, str, str]:
        detail = part.detail
        return part.account, part.sender, detail["concat-ref"], detail.get("concat-total", "")

    done: list[Inbound] = []
    waiting: list[Inbound] = []
    for _, group in groupby(sorted(parts, key=key), key):
        for family in _within(sorted(group, key=attrgetter("received_at")), PART_WINDOW):
            by_place = {_count(part, "concat-part"): part for part in reversed(family)}
            total = _count(family[0], "concat-total") or max(by_place)
            if len(by_place) < total and now - family[0].received_at < PART_WINDOW:
                waiting += family
            else:
                done.append(_numbered(by_place, total))
    return done, waiting


def _numbered(by_place: dict[int, Inbound], total: int) -> Inbound:
    places = range(1, total + 1)
    text = "".join(by_place[at].text if at in by_place else GAP for at in places)
    missing = sum(at not in by_place for at in places)
    first = by_place[min(by_place)]
    detail = {**first.detail, "parts": ",".join(part.external_id for part in by_place.values())}
    if missing:
        detail["missing_parts"] = str(missing)
    return replace(first, text=text, detail=detail)


def _count(part: Inbound, name: str) -> int:
    said = part.detail.get(name, "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 3 else 0


def _within(parts: Sequence[Inbound], window: timedelta) -> list[list[Inbound]]:
    """Families in time: a reference number of one byte soon comes round again."""
    families: list[list[Inbound]] = []
    for part in parts:
        if families and part.received_at - families[-1][0].received_at <= window:
            families[-1].append(part)
        else:
            families.append([part])
    return families


def _by_time(texts: Sequence[Inbound], now: datetime) -> tuple[list[Inbound], list[Inbound]]:
    def key(text: Inbound) -> tuple[str, str]:
        return text.account, text.sender

    done: list[Inbound] = []
    waiting: list[Inbound] = []
    for _, group in groupby(sorted(texts, key=key), key):
        draft: list[Inbound] = []
        for text in group:
            if draft and not _goes_on(draft[-1], text):
                done.append(_joined(draft))
                draft = []
            draft.append(text)
        if _may_go_on(draft[-1]) and now - draft[-1].received_at <= DRAFT_WINDOW:
            waiting += draft
        else:
            done.append(_joined(draft))
    return done, waiting


def _may_go_on(text: Inbound) -> bool:
    """Only a text as long as one part was cut: two short ones are two messages."""
    size = segments(text.text)
    return size.units in _CUT[size.encoding]


def _goes_on(last: Inbound, text: Inbound) -> bool:
    return _may_go_on(last) and text.received_at - last.received_at <= DRAFT_WINDOW


def _joined(draft: Sequence[Inbound]) -> Inbound:
    if len(draft) == 1:
        return draft[0]
    ids = ",".join(text.external_id for text in draft)
    return replace(
        draft[0],
        text="".join(text.text for text in draft),
        detail={**draft[0].detail, "parts": ids},
    )
