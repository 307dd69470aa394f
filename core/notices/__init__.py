"""Everything the desk may say, as kinds with slots. Sentences are made by core/words.

Slots named in TERMS hold a key that the catalogs translate (a category, a reason, a milestone);
moments are printed in the reader's zone; everything else is text or a number as it stands.
"""

from core.notices import answers, desk, engineer, requester
from core.notices.notice import AboutTicket, Notice, kind_of

TERMS = frozenset(
    {
        "category",
        "mode",
        "status",
        "reason",
        "result",
        "milestone",
        "priority",
        "trouble",
        "asked",
        "state",
        "what",
        "wish",
        "complaint",
        "deviation",
        "outcome",
        "alarm",
        "sent",
    }
)

NOTICES: dict[str, type[Notice]] = {
    kind_of(value): value
    for room in (requester, engineer, desk, answers)
    for value in list(vars(room).values())
    if isinstance(value, type) and issubclass(value, Notice) and value not in {Notice, AboutTicket}
}
