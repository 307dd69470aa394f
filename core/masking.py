"""Numbers and names as lists and logs may show them."""

import re

_MOBILE = re.compile(r"(?<!\d)(?:(?:\+|00)?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
_MARKS = re.compile(r"[^\d+]")


def mask_number(number: str) -> str:
    """138****8000. A short code or hotline is nobody's secret and stays readable."""
    plain = _MARKS.sub("", number)
    domestic = re.sub(r"^(?:\+|00)86(?=\d)|^86(?=1\d{10}$)", "", plain)
    digits = domestic.lstrip("+")
    if len(digits) >= 10:
        return f"{domestic[: len(domestic) - len(digits) + 3]}****{digits[-4:]}"
    if len(digits) >= 7:
        return f"{domestic[: len(domestic) - len(digits) + 2]}****{digits[-2:]}"
    return number


def mask_numbers(text: str) -> str:
    """The text with every mobile number of the mainland in it masked."""
    return _MOBILE.sub(lambda found: mask_number(found.group()), text)


def mask_name_of_number(name: str) -> str:
    """The name, unless it is nothing but a telephone number: then the number, masked."""
    return mask_number(name) if _MARKS.sub("", name) == name.strip() and name else name


def mask_name(name: str) -> str:
    """张*, L* N*: enough to recognise, too little to find."""
    return " ".join(word[:1] + "*" * min(len(word) - 1, 3) for word in name.split())
