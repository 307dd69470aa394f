"""The part of a reply that its sender wrote, without quotes and signatures.

Trimming hides and never deletes: the full text stays on the ticket. Whatever is not surely somebody
else's stays visible: answers between quoted lines, words below a quote, forwards. Showing too much
costs a glance, too little a job.
"""

from collections.abc import Sequence

from channels.mail import phrases
from channels.mail.caps import CAPS

_BLOCK_REACH = 8  # lines from the first field of such a block to its last
_LONGEST_SIGNATURE = 12  # lines below `--` when it lacks the blank that would make it sure
_LONGEST_CARD = 12  # lines
_LONGEST_MARK = 400  # characters: no program writes longer lines above a quote
_LONGEST_ATTRIBUTION = 4  # lines


def visible(text: str) -> str:
    """What the sender of a reply wrote; all of it when that cannot be told."""
    text = text.strip("\n").rstrip()
    if len(text) > CAPS.text // 8 or not (phrases.MAYBE.search(text) or _ends_with_footer(text)):
        return text
    lines = text.split("\n")
    cut = _where_the_quote_begins(phrases.INVISIBLE.sub("", text).split("\n"))
    if cut is None:
        return text
    own = _without_signature(_without_tail(lines[:cut], quoted=cut < len(lines)))
    kept = "\n".join(own).strip("\n").rstrip()
    if cut < len(lines) and phrases.SEE_BELOW.search("\n".join(own[-4:])):
        return text
    return kept if kept.strip() else text


def _where_the_quote_begins(lines: Sequence[str]) -> int | None:
    """The line from which on all is quoted; None when own words stand among the quotes."""
    for at, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            continue
        if bare[0] == ">":
            is_forward = phrases.FORWARDED.match(line)
            return len(lines) if is_forward else _where_marked_lines_begin(lines, at)
        if len(line) > _LONGEST_MARK:
            continue
        if phrases.FORWARDED.match(line):
            return len(lines)
        if (
            phrases.ABOVE_LINE.match(line)
            or _is_original_line(lines, at)
            or _is_header_block(lines, at)
        ):
            return None if _is_announced(lines, at) else at
        if size := _attribution_size(lines, at):
            after = next((i for i in range(at + size, len(lines)) if lines[i].strip()), len(lines))
            if after == len(lines) or not lines[after].lstrip().startswith(">"):
                return at
            return at if _only_quotes_follow(lines, after) else None
    return len(lines)


def _is_announced(lines: Sequence[str], at: int) -> bool:
    """Whether it is shown and not answered: "I got this mail:", or a whole header for evidence."""
    above = next((line.strip() for line in reversed(lines[:at]) if line.strip()), "")
    if above.endswith(phrases.COLONS) and not phrases.LABEL.match(above):
        return True
    around = lines[max(at - 2, 0) : at + _BLOCK_REACH]
    return any(map(phrases.TRACE.match, around))


def _is_original_line(lines: Sequence[str], at: int) -> bool:
    """ "-----Original Message-----", unless another such rule ends it: then it stands in a log."""
    if phrases.ORIGINAL_TITLE.match(lines[at]):
        return at + 1 < len(lines) and _is_header_block(lines, at + 1)
    if not phrases.ORIGINAL_LINE.match(lines[at]):
        return False
    below = [line for line in lines[at + 1 :] if line.strip()]
    tells = any(
        line.lstrip().startswith(">") or phrases.LABEL.match(line) or _attribution_size(below, n)
        for n, line in enumerate(below[:_BLOCK_REACH])
    )
    return tells or not any(phrases.ENCLOSED.match(line) for line in below)


def _where_marked_lines_begin(lines: Sequence[str], at: int) -> int | None:
    """A run of `>` without attribution; below a colon it may be what the sender shows."""
    above = next((i for i in range(at - 1, -1, -1) if lines[i].strip()), at)
    line = lines[above].strip()
    if len(line) <= _LONGEST_MARK and _names_and_dates(line):
        return above if _only_quotes_follow(lines, at) else None
    if above < at and line.endswith(phrases.COLONS):
        return None
    return at if _only_quotes_follow(lines, at) else None


def _names_and_dates(line: str) -> bool:
    """Such as "2011/4/7 Ann <ann@x.org>", with a colon or without."""
    if not phrases.DATE.search(line) or phrases.SHARED_LINE.match(line):
        return False
    pattern = phrases.ANY_ADDRESS if line.endswith(phrases.COLONS) else phrases.ENDS_IN_BRACKETS
    return bool(pattern.search(line))


def _only_quotes_follow(lines: Sequence[str], at: int) -> bool:
    """Whether nothing from `at` on can be the sender's own words."""
    last_quote = max(i for i in range(at, len(lines)) if lines[i].lstrip().startswith(">"))
    i = at
    while i < len(lines):
        bare = lines[i].strip()
        if not bare or bare[0] == ">" or phrases.RULE.match(bare) or _is_wrapped_rest(lines, i):
            i += 1
        elif phrases.DASHES.match(lines[i]) or _is_footer(bare) or _is_list_footer(lines, i):
            if i > last_quote:
                return True
            i += 1
        elif size := _attribution_size(lines, i):
            i += size
        else:
            return False
    return True


def _is_wrapped_rest(lines: Sequence[str], at: int) -> bool:
    """The end of a quoted line that a mail program broke without marking it again."""
    before, here = lines[at - 1].rstrip(), lines[at].strip()
    follows = lines[at + 1].lstrip().startswith(">") if at + 1 < len(lines) else False
    if not (before.lstrip().startswith(">") and follows and len(before) >= 60):
        return False
    return before[-1] not in ".?!;:。？！；：…" and len(here) < len(before)


def _is_header_block(lines: Sequence[str], at: int) -> bool:
    """From, sent, to, subject of the old mail. "From", "to" and "date" of a removal are no mail."""
    first = phrases.LABEL.match(lines[at])
    if first is None or first.lastgroup == "to":
        return False
    kinds, block, gap = {first.lastgroup}, [lines[at]], 0
    for line in lines[at + 1 : at + _BLOCK_REACH]:
        match = phrases.LABEL.match(line)
        gap = 0 if match or phrases.ANY_ADDRESS.search(line) else gap + 1  # recipients, wrapped
        if gap > 2 or (not match and not line.strip() and len(kinds) > 2):
            break
        if match:
            kinds.add(match.lastgroup)
            block.append(line)
    whole = " ".join(block)
    names_somebody = bool(phrases.ANY_ADDRESS.search(whole))
    is_dated = not kinds.isdisjoint({"sent", "date"})
    if "from" not in kinds or first.lastgroup == "subject" or len(kinds) < 3:
        return {"from"} < kinds and names_somebody and is_dated and bool(phrases.DATE.search(whole))
    return (
        names_somebody
        or "sent" in kinds
        or (is_dated and "subject" in kinds and bool(phrases.CLOCK.search(whole)))
    )


def _attribution_size(lines: Sequence[str], at: int) -> int:
    """How many lines "On Monday, Ann wrote:" takes; 0 when there is none at `at`."""
    if len(lines[at]) > _LONGEST_MARK:
        return 0
    size = _dated_size(lines, at) if phrases.STARTS.match(lines[at]) else 0
    return size or _named_size(lines[at]) or _wrapped_size(lines, at)


def _dated_size(lines: Sequence[str], at: int) -> int:
    for size in range(1, _LONGEST_ATTRIBUTION + 1):
        if at + size > len(lines) or not lines[at + size - 1].strip():
            return 0
        joined = _tail(lines, at, at + size)
        if len(joined) > _LONGEST_MARK:
            return 0
        if _is_attribution(joined):
            shorter = (_tail(lines, at + skip, at + size) for skip in range(1, size))
            return 0 if any(map(_is_attribution, shorter)) else size
    return 0


def _tail(lines: Sequence[str], start: int, end: int) -> str:
    return " ".join(line.strip() for line in lines[start:end])


def _is_attribution(line: str) -> bool:
    if not phrases.DATE.search(line) or phrases.SHARED_LINE.match(line):
        return False
    if phrases.ENDS_WITH_VERB.search(line):
        return bool(phrases.VERB_WITH_COLON.search(line) or phrases.ANY_ADDRESS.search(line))
    return bool(phrases.ENDS_WITH_ADDRESS.search(line) or (phrases.VERB_INSIDE.search(line)))


def _named_size(line: str) -> int:
    """1 for "Ann Lee <ann@x.org> wrote:", without a date or with a name in front of the date."""
    bare = line.strip()
    if not bare.endswith((*phrases.COLONS, "-", "wrote")) or phrases.SHARED_LINE.match(bare):
        return 0
    names_somebody = bool(phrases.ANY_ADDRESS.search(bare))
    is_dated = bool(phrases.DATE.search(bare))
    if phrases.VERB_WITH_COLON.search(bare):
        return int(names_somebody or (is_dated and bool(phrases.CHINESE_VERB.search(bare))))
    return int(names_somebody and is_dated and bool(phrases.VERB_INSIDE.search(bare)))


def _wrapped_size(lines: Sequence[str], at: int) -> int:
    """2 where Gmail broke "王 <wang@x.cn> 于2026年11月20日周五 10:15写道：" behind the address."""
    first, second = lines[at].strip(), lines[at + 1].strip() if at + 1 < len(lines) else ""
    if not (first.endswith(">") and second.startswith(("于", "於"))):
        return 0
    return 2 * _named_size(f"{first} {second}")


def _ends_with_footer(text: str) -> bool:
    return _is_footer(text[text.rfind("\n") + 1 :].strip())


def _is_footer(bare: str) -> bool:
    if len(bare) > _LONGEST_MARK:
        return False
    words = " ".join(phrases.LINK.sub(" ", bare).split())  # a page's name may link to its shop
    return len(words) < 160 and bool(phrases.FOOTER.match(words))


def _is_list_footer(lines: Sequence[str], at: int) -> bool:
    if len(lines[at]) < _LONGEST_MARK and phrases.LIST_FOOTER.search(lines[at]):
        return True
    if not phrases.RULE.match(lines[at]) and not phrases.DASHES.match(lines[at]):
        return False
    rest = lines[at + 1 : at + 8]
    return len(lines) - at <= 12 and any(
        phrases.LIST_FOOTER.search(line[:_LONGEST_MARK]) for line in rest
    )


def _without_tail(lines: Sequence[str], *, quoted: bool) -> Sequence[str]:
    """Rules and mobile footers at the very end, as often as they come."""
    end = len(lines)
    while end:
        bare = lines[end - 1].strip()
        if not bare or (quoted and phrases.RULE.match(bare)) or _is_footer(bare):
            end -= 1
        else:
            break
    return lines[: _where_the_card_begins(lines, end)]


def _where_the_card_begins(lines: Sequence[str], end: int) -> int:
    """NetEase draws a card as a table; in a text its bars stand on lines of their own."""
    if not end or not phrases.BARS.match(lines[end - 1]):
        return end
    card = range(max(end - _LONGEST_CARD, 0), end)
    return next(at for at in card if phrases.BARS.match(lines[at]))


def _without_signature(lines: Sequence[str]) -> Sequence[str]:
    for at in range(len(lines) - 1, 0, -1):
        if _is_list_footer(lines, at) and (
            phrases.RULE.match(lines[at]) or phrases.DASHES.match(lines[at])
        ):
            return _without_tail(lines[:at], quoted=False)
    for at, line in enumerate(lines):
        if not line.startswith("--") or line.rstrip(" \u00a0") != "--":
            continue
        surely = line != "--" or _may_be_signature(lines[at + 1 :])
        if surely and any(line.strip() for line in lines[:at]):
            return _without_tail(lines[:at], quoted=False)
    return lines


def _may_be_signature(below: Sequence[str]) -> bool:
    """Without a blank, two dashes also part one half of a mail from the other: with sentences."""
    return len(below) < _LONGEST_SIGNATURE and not any(map(phrases.SENTENCE.search, below))
