"""What a reading takes and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.understand.places import UNKNOWN


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device in the register that belongs to the person."""

    kind: str  # the register's: pc, notebook, printer, pos, scanner, fax, network, av
    name: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    number: str
    category: str
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the desk knows beside the text."""

    site: str = ""  # of the person's profile
    channel: str = "chat"
    vip: bool = False
    devices: tuple[KnownDevice, ...] = ()
    recent: tuple[EarlierTicket, ...] = ()  # latest first
    pictures: int = 0
    known: frozenset[str] = frozenset()  # slots that need no question: contact_name, …
    asked: frozenset[str] = frozenset()  # slots asked before, on whatever channel


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of work in the desk's data; `words` are the desk's own names for it."""

    code: str
    zh: str = ""
    en: str = ""
    mode: str = "remote"
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a field has its value: the rule, the words that made it hold, and how sure it is."""

    rule: str
    words: tuple[str, ...] = ()
    certainty: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """A report as the desk reads it."""

    intent: str  # report, greeting, thanks, answer, question_to_desk, empty
    site: str = UNKNOWN
    category: str = "consultation"
    severity: str = "P3"
    mode: str = "remote"
    device: str = "-"
    ask: str = "-"
    emergency: frozenset[str] = frozenset()
    sites: tuple[str, ...] = ()  # where several may be meant: what the question offers
    goes_on: bool = (
        False  # opens with words such as "补充一下：": it belongs to what was said before
    )
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    @property
    def names_a_thing(self) -> bool:
        """Whether the text says which device, and not only what is the matter with it."""
        return "device" in self.evidence and self.evidence["device"].rule == "named"

    @property
    def asks_status(self) -> bool:
        return self.evidence["intent"].rule == "asks how far it is"

    def certainty(self, name: str) -> float:
        return self.evidence[name].certainty if name in self.evidence else 0.0
