"""Arrival with a proof: where the telephone is, or the code on the site's sticker (R-038)."""

import secrets

from core import guests, work
from core.desk import Desk
from core.dispatch.travel import haversine_km
from core.lifecycle import Action, Status
from core.messages import Inbound, Location
from core.people import Person, Site
from core.ports import Tx
from core.register import CHANGES
from core.requests import Outcome, Request
from core.ticket import Ticket

EXPECTED = (Status.EN_ROUTE, Status.ACCEPTED)
STICKER = "c_"  # /start c_CODE


async def at_location(desk: Desk, inbound: Inbound, inbox_id: int | None = None) -> Outcome | None:
    """The engineer shared where they are: arrived at the nearest of their sites. None: no job.

    Accuracy and distance are kept and never block: a telephone in a basement knows little.
    """
    place = inbound.location
    guest = await guests.known(desk, inbound)
    if place is None or not guest.person.is_staff:
        return None
    found = await desk.store.read(lambda tx: _nearest(tx, desk, guest.person, place))
    if found is None:
        return None
    ticket, metres = found
    detail = {"by": "location", "at": f"{place.latitude:.5f},{place.longitude:.5f}"}
    if metres is not None:
        detail["distance"] = str(metres)
    if place.accuracy is not None:
        detail["accuracy"] = str(round(place.accuracy))
    request = Request(action=Action.ARRIVE, number=ticket.number, detail=detail)
    return await work.act(desk, request, guest.actor, inbox_id)


async def at_sticker(desk: Desk, inbound: Inbound, inbox_id: int | None = None) -> Outcome | None:
    """The engineer scanned the code on the site's sticker. None: nothing of theirs is there."""
    code = inbound.text.strip().rpartition(" ")[2].removeprefix(STICKER)
    guest = await guests.known(desk, inbound)
    if not code or not guest.person.is_staff:
        return None

    def there(tx: Tx) -> Ticket | None:
        site = tx.first(Site, code_on_site=code, active=True)
        jobs = _expected(tx, guest.person)
        return next((job for job in jobs if site is not None and job.site == site.code), None)

    ticket = await desk.store.read(there)
    if ticket is None:
        return None
    request = Request(
        action=Action.ARRIVE, number=ticket.number, arg=code, detail={"by": "sticker"}
    )
    return await work.act(desk, request, guest.actor, inbox_id)


def _expected(tx: Tx, person: Person) -> list[Ticket]:
    """Jobs to which the person may be on the way, whoever said so before those who did not."""
    jobs = tx.find(Ticket, assignee_id=person.id, status=EXPECTED, order="due_at")
    return sorted(jobs, key=lambda job: EXPECTED.index(job.status))


def _nearest(
    tx: Tx, desk: Desk, person: Person, place: Location
) -> tuple[Ticket, int | None] | None:
    book = desk.register.open(tx)
    jobs = [(job, _metres(book.sites.get(job.site or ""), place)) for job in _expected(tx, person)]
    return min(jobs, key=lambda found: found[1] if found[1] is not None else 10**9, default=None)


def _metres(site: Site | None, place: Location) -> int | None:
    if site is None or site.lat is None or site.lon is None:
        return None
    return round(1000 * haversine_km(place.latitude, place.longitude, site.lat, site.lon))


def give_codes(tx: Tx) -> int:
    """Codes for the sites that have none: four digits to be spoken, random letters to be stuck."""
    given = 0
    for site in tx.find(Site, order="code"):
        if site.spoken_code and site.code_on_site:
            continue
        tx.update(
            site,
            spoken_code=site.spoken_code or f"{secrets.randbelow(10_000):04}",
            code_on_site=site.code_on_site or secrets.token_urlsafe(9),
        )
        given += 1
    if given:
        tx.next(CHANGES)
    return given
