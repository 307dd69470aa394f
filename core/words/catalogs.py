"""The gettext catalogs, read when a language is first spoken."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LANGUAGES = ("zh_CN", "en")

Entries = Mapping[tuple[str, str], str]  # (context, key) → wording


def normal(language: str) -> str:
    """The catalog for a language as people and programs write it: zh-hans, en_GB, EN."""
    return "zh_CN" if not language or language.lower().startswith("zh") else "en"


@cache
def entries(language: str) -> Entries:
    # Babel takes longer to import than the rest of the core: who never speaks does not pay.
    from babel.messages.pofile import read_po

    source = files(__package__).joinpath("locale", language, "LC_MESSAGES", "paidan.po")
    with source.open("rb") as file:
        catalog = read_po(file, locale=language)
    return {
        (message.context or "chat", message.id): message.string
        for message in catalog
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id
    }


def find(key: str, language: str, context: str = "chat") -> str | None:
    """The wording; a context without its own borrows the chat's."""
    wordings = entries(normal(language))
    return wordings.get((context, key)) or wordings.get(("chat", key))
