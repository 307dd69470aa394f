"""Command menus: few for everybody, more for staff, in each language."""

from channels.telegram.sending import Menu, TelegramChannel
from core.desk import Desk
from core.people import Address, Person, Role
from core.ports import Tx
from core.words import languages, say

EVERYBODY = ("new", "my", "status", "complaint", "lang", "privacy", "help")
STAFF = ("my", "status", "why", "duty", "leave", "cover", "lang", "privacy", "help")
DESK = (
    "queue",
    "forecast",
    "assign",
    "call",
    "complaint",
    "deviation",
    "correct",
    "sticker",
    "my",
    "status",
    "why",
    "duty",
    "leave",
    "cover",
    "lang",
    "privacy",
    "help",
)
TWO_LETTERS = {"zh_CN": "zh", "en": "en"}


def _commands(names: tuple[str, ...], language: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, say(f"command.{name}", {}, language=language)) for name in names)


async def menus(desk: Desk, account: str) -> list[Menu]:
    """The default menu in every language, and one for the chat of each member of staff."""
    found = [Menu(_commands(EVERYBODY, "en"))]
    found += [
        Menu(_commands(EVERYBODY, lang), "default", TWO_LETTERS[lang]) for lang in languages()
    ]

    def staff(tx: Tx) -> list[tuple[str, Person]]:
        book = desk.register.open(tx)
        addresses = tx.find(
            Address, channel="telegram", account=account, person_id=tuple(book.staff)
        )
        return [(address.value, book.staff[address.person_id]) for address in addresses]

    for chat, person in await desk.store.read(staff):
        names = DESK if person.has(Role.DESK_AGENT, Role.SUPERVISOR) else STAFF
        found.append(Menu(_commands(names, person.language or "zh_CN"), chat))
    return found


class Told:
    """The menus that Telegram knows: only what has changed since is told again."""

    def __init__(self, desk: Desk, chat: TelegramChannel) -> None:
        self._desk, self._chat = desk, chat
        self._known: dict[tuple[str, str], Menu] = {}

    async def renew(self) -> None:
        """Whoever joined, left, took another role or another language since the last look."""
        wanted = {
            (menu.scope, menu.language): menu
            for menu in await menus(self._desk, self._chat.account)
        }
        changed = [menu for place, menu in wanted.items() if self._known.get(place) != menu]
        gone = [Menu((), *place) for place in self._known.keys() - wanted.keys()]
        await self._chat.set_menus([*changed, *gone])
        self._known = wanted
