"""What crosses the wire: parameters as they came in, and answers as they go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


class Refused(Exception):
    """Telegram's "no": its code, its words, and what a client may do about it."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(f"{code} {description}")
        self.code, self.description, self.parameters = code, description, parameters


class Dropped(Exception):
    """The connection broke: no answer, whatever happened at the server."""

    def __init__(self, *, delivered: bool) -> None:
        super().__init__("after delivery" if delivered else "before delivery")
        self.delivered = delivered


class NoAnswer(Exception):
    """The server keeps silent until the client loses patience."""


def bad(description: str, **parameters: int) -> Refused:
    return Refused(400, f"Bad Request: {description}", **parameters)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as Telegram wraps it."""

    status: int
    body: Json

    @classmethod
    def of(cls, result: Any) -> Reply:
        return cls(200, {"ok": True, "result": result})

    @classmethod
    def no(cls, refusal: Refused) -> Reply:
        body: Json = {
            "ok": False,
            "error_code": refusal.code,
            "description": refusal.description,
        }
        if refusal.parameters:
            body["parameters"] = refusal.parameters
        return cls(refusal.code, body)

    def encoded(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime: str
    data: bytes


class Params:
    """The parameters of one call. Forms carry everything as text, JSON bodies carry types."""

    __slots__ = ("fields", "uploads")

    def __init__(self, fields: Mapping[str, Any], uploads: Mapping[str, Upload] | None = None):
        self.fields, self.uploads = fields, uploads or {}

    def __contains__(self, name: str) -> bool:
        return self.fields.get(name) not in (None, "")

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        if name not in self:
            return default
        try:
            return int(self.fields[name])
        except (TypeError, ValueError):
            raise bad(f"invalid {name} specified") from None

    def number(self, name: str) -> float:
        try:
            return float(self.fields[name])
        except (KeyError, TypeError, ValueError):
            raise bad(f"{name} is invalid") from None

    def flag(self, name: str) -> bool:
        return str(self.fields.get(name, "")).lower() in {"true", "1", "yes"}

    def nested(self, name: str) -> Any:
        """A list or an object, or None where nothing was given."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def but(self, **changes: Any) -> Params:
        return Params({**self.fields, **changes}, self.uploads)
