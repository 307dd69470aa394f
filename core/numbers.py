"""Ticket numbers: a running number with a check digit at the end, so that a slip of the finger
never hits a stranger's ticket (design §4)."""

import unicodedata

# H. Michael Damm's quasigroup of order 10: finds every wrong digit and every swap of neighbours.
_DAMM = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)
FIRST = 10_000  # so that every number has at least six digits
LONGEST = 10  # an SMS template takes no more


def _check(digits: str) -> int:
    interim = 0
    for digit in digits:
        interim = _DAMM[interim][int(digit)]
    return interim


def number_of(serial: int) -> str:
    """The number that people say for the ticket with this running number (1, 2, …)."""
    digits = str(FIRST + serial)
    return f"{digits}{_check(digits)}"


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 6 <= len(text) <= LONGEST and _check(text) == 0


def serial_of(text: str) -> int | None:
    """The running number behind what a person typed (#, full width, blanks). None: a slip."""
    digits = unicodedata.normalize("NFKC", text).strip().lstrip("#").replace(" ", "")
    return int(digits[:-1]) - FIRST if is_number(digits) else None
