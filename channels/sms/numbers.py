"""Telephone numbers in one spelling, and which of them must never get an answer."""

import re
from functools import lru_cache

import phonenumbers

REGION = "CN"
_SERVICE = re.compile(r"(?:\+?86)?(?:106\d*|100\d{2,3}|95\d{3,6}|12\d{3,6}|1\d{2})")
_MARKS = re.compile(r"[\s()\-.]")


@lru_cache(maxsize=4096)
def e164(raw: str, region: str = REGION) -> str:
    """+8613800138000. Short codes, service numbers and names of senders stay as they came."""
    plain = _MARKS.sub("", raw)
    if is_service(plain) or not re.search(r"\d", plain) or re.search(r"[^\W\d_]", plain):
        return raw.strip()
    spellings = [plain] if plain.startswith("+") else [plain, f"+{plain}"]
    for spelling in spellings:
        try:
            number = phonenumbers.parse(spelling, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return plain


def is_service(number: str) -> bool:
    """106…, 100xx, 95xxx and other short numbers: machines, which would answer our answer."""
    plain = _MARKS.sub("", number)
    return bool(_SERVICE.fullmatch(plain)) or (plain.isdigit() and len(plain) <= 6)


def may_answer(number: str) -> bool:
    """Whether a person may sit at the other end."""
    return bool(re.fullmatch(r"\+[1-9]\d{6,14}", number)) and not is_service(number)


def national(number: str) -> str:
    """13800138000 for a number of the mainland, as its clouds want it; others unchanged."""
    return number.removeprefix("+86")
