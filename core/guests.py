"""Who stands behind an address: a stranger becomes a provisional requester (R-013)."""

from dataclasses import dataclass
from datetime import datetime

from core.desk import Desk
from core.in_hand import Actor
from core.messages import Inbound
from core.people import Address, Person, Role
from core.ports import Tx
from core.register import amend
from core.telling import Reply


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever stands at the door: the person, and how sure we are."""

    person: Person
    address: Address
    proven: bool
    reply: Reply | None  # None: whatever this is about, nobody is answered

    @property
    def actor(self) -> Actor:
        return Actor(
            person=self.person,
            role=self.person.roles[0] if self.person.roles else Role.REQUESTER,
            channel=self.address.channel,
            proven=self.proven,
            reply=self.reply,
        )


async def known(desk: Desk, inbound: Inbound) -> Guest:
    """Who stands behind an address, before anything is decided."""
    guest: Guest | None = await desk.store.read(lambda tx: _as_before(tx, inbound))
    if guest is not None:
        return guest
    return await desk.store.write(lambda tx: door(tx, desk, inbound, desk.now()))


def _as_before(tx: Tx, inbound: Inbound) -> Guest | None:
    """Somebody of whom there is nothing new to write down: the usual case, and no commit."""
    address = _address(tx, inbound)
    person = tx.get(Person, address.person_id) if address else None
    if address is None or person is None or address.state != "ok" or not person.language:
        return None
    return _guest(inbound, person, address)


def door(tx: Tx, desk: Desk, inbound: Inbound, now: datetime) -> Guest:
    """The person behind the address; a stranger becomes a provisional requester (R-013)."""
    address = _address(tx, inbound)
    if address is None:
        person, address = _welcome(tx, inbound, now)
    else:
        if address.state != "ok" and not inbound.automatic:
            address = tx.update(address, state="ok", failures=0, heard_at=now)
        person = _behind(tx, address)
    if not person.language and inbound.language:
        person = amend(tx, person, language=_language(inbound.language))
    return _guest(inbound, person, address)


def _address(tx: Tx, inbound: Inbound) -> Address | None:
    return tx.first(Address, channel=inbound.channel, account=inbound.account, value=inbound.sender)


def _guest(inbound: Inbound, person: Person, address: Address) -> Guest:
    reply = Reply(
        channel=inbound.channel,
        account=inbound.account,
        address=inbound.sender,
        message_id=inbound.message_id,
    )
    return Guest(person, address, inbound.trust == "proven", reply)


def _behind(tx: Tx, address: Address) -> Person:
    person = tx.get(Person, address.person_id)
    assert person is not None, address
    return person


def _welcome(tx: Tx, inbound: Inbound, now: datetime) -> tuple[Person, Address]:
    """A stranger and the address, once, whoever else hears them now."""
    person = tx.insert(
        Person(
            name=inbound.sender_name or inbound.sender,
            language=_language(inbound.language),
            provisional=True,
            created_at=now,
        )
    )
    address = Address(
        person_id=person.id,
        channel=inbound.channel,
        account=inbound.account,
        value=inbound.sender,
        # Behind a machine's address nobody reads, until somebody writes from it.
        state="unlinked" if inbound.automatic else "ok",
        heard_at=now,
    )
    is_first = tx.add_new([address], key=("channel", "account", "value"))
    kept = _address(tx, inbound)
    assert kept is not None, inbound
    if not is_first:
        tx.delete(Person, id=person.id)
        person = _behind(tx, kept)
    return person, kept


def _language(guess: str) -> str:
    """The client's language is a first guess; the person's choice is stored later."""
    if not guess:
        return ""
    return "zh_CN" if guess.lower().startswith("zh") else "en"
