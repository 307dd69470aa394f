"""What a notice is: a kind, its slots, and how much it matters that it arrives."""

import re
from dataclasses import FrozenInstanceError
from datetime import datetime
from inspect import get_annotations
from typing import Any, ClassVar, NoReturn, dataclass_transform, get_origin

from core.messages import Value


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Notice:
    """Something to tell. `loud`: a person must act or know now. `must`: repeat when in doubt.

    A kind is written, checked and used like a frozen dataclass. It is none: that decorator writes
    and compiles eight functions for a class, which for all kinds was a tenth of every start.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    loud: ClassVar[bool] = True
    must: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False  # by two channels at once where the person has them
    answer: ClassVar[bool] = False  # a reply to what the person just did, on the same channel
    echo: ClassVar[bool] = False  # an answer that the card says as well, if it was pressed there

    def __init_subclass__(cls) -> None:
        cls.slots += tuple(name for name, kind in get_annotations(cls).items() if _is_slot(kind))

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - set(self.slots)
        missing = [name for name in self.slots if name not in values and not hasattr(self, name)]
        if unknown or missing:
            raise TypeError(f"{self.kind}: missing {missing}, unknown {sorted(unknown)}")
        defaults = {name: getattr(self, name) for name in self.slots if name not in values}
        self.__dict__.update(values, **defaults)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.slots)))

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.slots)
        return f"{type(self).__name__}({said})"

    @property
    def kind(self) -> str:
        return kind_of(type(self))

    def params(self) -> dict[str, Value]:
        values = {name: getattr(self, name) for name in self.slots}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def _is_slot(annotation: Any) -> bool:
    origin: object = get_origin(annotation)
    return origin is not ClassVar


def kind_of(notice: type[Notice]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", notice.__name__).lower()


class AboutTicket(Notice):
    number: str
