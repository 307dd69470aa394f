"""Reads a report in plain words: which site, what is broken, how bad."""

from core.understand.places import UNKNOWN, Gazetteer, SiteName
from core.understand.reading import Reader, default_categories
from core.understand.secrets import Span, mask_passwords, mentions_password
from core.understand.trial import default_reader, default_sites
from core.understand.values import (
    Category,
    EarlierTicket,
    Evidence,
    Facts,
    KnownDevice,
    Understanding,
)

__all__ = [
    "UNKNOWN",
    "Category",
    "EarlierTicket",
    "Evidence",
    "Facts",
    "Gazetteer",
    "KnownDevice",
    "Reader",
    "SiteName",
    "Span",
    "Understanding",
    "default_categories",
    "default_reader",
    "default_sites",
    "mask_passwords",
    "mentions_password",
]
