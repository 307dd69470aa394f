"""What a notice is: a kind, its slots, and how much it matters that it arrives."""

import re
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar

from core.messages import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell. `loud`: a person must act or know now. `must`: repeat when in doubt."""

    loud: ClassVar[bool] = True
    must: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False  # by two channels at once where the person has them
    answer: ClassVar[bool] = False  # a reply to what the person just did, on the same channel
    echo: ClassVar[bool] = False  # an answer that the card says as well, if it was pressed there

    @property
    def kind(self) -> str:
        return kind_of(type(self))

    def params(self) -> dict[str, Value]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def kind_of(notice: type[Notice]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", notice.__name__).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutTicket(Notice):
    number: str
