"""Reads a report in plain words: which site, what is broken, how bad."""

from core.understand.examples import Examples, labelled_reports
from core.understand.places import UNKNOWN, Gazetteer, SiteName, default_sites
from core.understand.reading import Reader, default_categories
from core.understand.secrets import Span, mask_passwords, mentions_password
from core.understand.trial import default_reader
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
    "Examples",
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
    "labelled_reports",
    "mask_passwords",
    "mentions_password",
]
