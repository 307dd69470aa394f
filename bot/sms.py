"""SMS, put together: gateways from the settings, their hooks, the channel out, the worker in."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_network

import httpx

from bot.host import Host
from bot.settings import Sms, WrongSettings
from channels.sms.gateways import KINDS
from channels.sms.gateways.capcom6 import Capcom6
from channels.sms.gateways.kannel import Kannel
from channels.sms.gateways.twilio import Twilio
from channels.sms.gateways.vonage import Vonage
from channels.sms.hook import PATH, HideTokens, Hook, reader, routes
from channels.sms.joining import REPEAT_WINDOW, Seen, mark_repeat, stitch
from channels.sms.lint import lint
from channels.sms.segments import within
from channels.sms.sender import Account, SmsChannel, receipt_id
from channels.sms.standard import missing, standard
from channels.sms.templates import (
    ALIYUN,
    HUAWEI,
    PLAIN,
    TENCENT,
    Catalog,
    Rules,
)
from channels.sms.wire import Gateway, Unreadable
from core import inbox, intake, outbox
from core.desk import Desk
from core.inbox import Poison
from core.keypad import READING
from core.messages import Choice, Inbound, Letter, Report
from core.people import Address
from core.ports import Between, Tx
from core.prompts import numbered
from core.rows import InboxRow, OutboxRow
from core.words import label, say
from core.words import numbered as in_digits
from core.work import settle

log = logging.getLogger(__name__)

# These bring a long text in one piece, or number its parts; others may deliver bare pieces.
WHOLE = (Kannel, Capcom6, Twilio, Vonage)
RULES: Mapping[str, Rules] = {"aliyun": ALIYUN, "tencent": TENCENT, "huawei": HUAWEI}
LOOK_AGAIN = timedelta(seconds=2)  # while parts of a text are still to come
TRAVELLED = ("sent", "delivered", "failed", "unknown")
MOST_PARTS = 20
LOOK = 10.0  # seconds between looks for silent gateways


class WrongGateway(WrongSettings):
    """A section that its carrier would refuse; the program does not start."""


def add_sms(program: Host, sections: Sequence[Sms]) -> None:
    """Switch the channel on, with a gateway for each section."""
    public = program.settings.http.public_url
    gateways = [gateway(section, public) for section in sections]
    hooks = [
        Hook(
            gateway=one,
            token=section.token.get_secret_value(),
            allow=tuple(ip_network(address, strict=False) for address in section.allow),
            rate=section.rate,
        )
        for section, one in zip(sections, gateways, strict=True)
    ]
    keep = inbox.keeper(program.desk, program.wake)
    watch = Watch(program, {s.name: s.quiet_hours for s in sections if s.quiet_hours})
    program.routes += routes(hooks, keep, program.now, public_url=public, heard=watch.heard)
    client = httpx.AsyncClient()
    program.plug_in(
        channel(program.desk, sections, gateways, client),
        Arrivals(program.desk, gateways).handle,
        client.aclose,
    )
    program.ticker.every(LOOK, "sms", watch.look)
    logging.getLogger("uvicorn.access").addFilter(HideTokens())


def gateway(section: Sms, public_url: str) -> Gateway:
    """The section as the provider's own settings. Raises WrongGateway."""
    hook = hook_address(section, public_url)
    password = section.password.get_secret_value()
    secret = section.signing_secret.get_secret_value()
    reports = hook if public_url else ""
    own: Mapping[str, Mapping[str, object]] = {
        "kannel": {
            "username": section.username, "password": password, "sender": section.sender,
            "dlr_url": reports,
        },
        "smsgate": {"username": section.username, "password": password, "signing_key": secret},
        "twilio": {
            "account_sid": section.username, "auth_token": password, "sender": section.sender,
            "status_callback": reports,
        },
        "vonage": {
            "api_key": section.username, "api_secret": password, "sender": section.sender,
            "signature_secret": secret,
        },
        "aliyun": {"access_key_id": section.username, "access_key_secret": password},
        "tencent": {
            "secret_id": section.username, "secret_key": password, "app_id": section.app_id,
        },
        "huawei": {
            "app_key": section.username, "app_secret": password, "sender": section.sender,
            "status_callback": reports, "push_key": section.app_id, "push_secret": secret,
        },
        "generic": {"secrets": tuple(secret.split())},
    }  # fmt: skip
    given = {"name": section.name, **own[section.kind]}
    if section.url:
        given["url"] = section.url
    try:
        return KINDS[{"smsgate": "capcom6"}.get(section.kind, section.kind)](**given)
    except ValueError as wrong:
        raise WrongGateway([f"sms {section.name}: {wrong}"]) from wrong


def catalog(section: Sms) -> Catalog | None:
    """The reviewed templates of a cloud. Raises WrongGateway for what the cloud would refuse."""
    made = reviewed(section)
    if made is None:
        return None
    findings = lint(made)
    for finding in findings:
        log.warning("sms template %s %s: %s", section.name, finding.kind, finding.problem)
    if unsaid := missing(made):
        log.warning("sms template %s: no id for %s", section.name, ", ".join(unsaid))
    if severe := [f"{one.kind}: {one.problem}" for one in findings if one.severe]:
        raise WrongGateway([f"sms {section.name}: {one}" for one in severe])
    return made


def reviewed(section: Sms) -> Catalog | None:
    """The texts that the section has ids for; None: a gateway that takes the desk's own words."""
    rules = RULES.get(section.kind)
    if rules is None:
        return None
    return standard(rules, section.signature, section.hotline, section.templates)


def hook_address(section: Sms, public_url: str) -> str:
    token = section.token.get_secret_value()
    return f"{public_url.rstrip('/')}{PATH}/{section.name}/{token}"


def channel(
    desk: Desk, sections: Sequence[Sms], gateways: Sequence[Gateway], client: httpx.AsyncClient
) -> SmsChannel:
    catalogs = [catalog(section) for section in sections]
    kinds = {
        template.id: kind.removesuffix(PLAIN)
        for one in catalogs
        if one is not None
        for kind, template in one.templates.items()
    }

    async def counts(number: str, template: str, since: datetime) -> int:
        scope = {"kind": kinds[template]} if template else {}
        sent = {"channel": "sms", "address": number, "state": TRAVELLED, **scope}
        return await desk.store.read(
            lambda tx: tx.count(OutboxRow, settled_at=Between(after=since), **sent)
        )

    return SmsChannel(
        accounts=[
            Account(gateway=one, catalog=templates, prefixes=section.prefixes)
            for one, templates, section in zip(gateways, catalogs, sections, strict=True)
        ],
        client=client,
        render=Renderer(desk),
        counts=counts,
        now=desk.now,
    )


@dataclass(frozen=True, slots=True)
class Renderer:
    """A letter as one plain text, its choices as digits."""

    desk: Desk

    async def __call__(self, letter: Letter) -> str:
        return await self.desk.store.read(lambda tx: self.text(tx, letter))

    def text(self, tx: Tx, letter: Letter) -> str:
        language = letter.language
        said = say(letter.kind, letter.params, language=language, context="sms", zone=letter.zone)
        if letter.repeated:
            said = say("card.repeated", {}, language=language, context="sms") + "\n" + said
        offered = numbered(letter.choices)
        if not offered:
            return said
        labels = [self._label(tx, choice, letter) for _, choice in offered]
        digits = [str(digit) for digit, _ in offered]
        asked = _stop(said) + in_digits(labels, language, "sms", digits=digits)
        return within(said, end=asked)  # the digits are what the letter is for

    def _label(self, tx: Tx, choice: Choice, letter: Letter) -> str:
        book = self.desk.register.open(tx)
        person = book.by_code.get(choice.arg)
        name = book.site_name(choice.arg, letter.language) if choice.arg in book.sites else ""
        words = name or (person.name if person else "")
        words = words or label(choice.action, choice.arg, letter.language, context="sms")
        return words if choice.ticket in {"", letter.ticket} else f"{words} {choice.ticket}"


def _stop(said: str) -> str:
    """What stands between a sentence and the digits after it."""
    if said.endswith(("。", "？", "！")):
        return ""
    if said.endswith((".", "?", "!")):
        return " "
    return ". " if said.isascii() else "。"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The worker's side: a stored call becomes a message, a part of one, or news of a letter."""

    desk: Desk
    gateways: Sequence[Gateway]

    async def handle(self, row: InboxRow) -> None:
        news = self._read(row)
        if isinstance(news, Report):
            await self.desk.store.write(lambda tx: self._hear(tx, row, news))
        else:
            await self.desk.store.write(lambda tx: self._take(tx, row, news))
        self.desk.wake()

    def _read(self, row: InboxRow) -> Inbound | Report:
        try:
            return reader(self.gateways)(row.body)
        except Unreadable as odd:
            raise Poison(str(odd)) from odd

    def _hear(self, tx: Tx, row: InboxRow, report: Report) -> None:
        if settle(tx, row.id, self.desk.now()):
            outbox.hear_report(tx, self.desk, _of_its_gateway(tx, report))

    def _take(self, tx: Tx, row: InboxRow, inbound: Inbound) -> None:
        """The whole message with all its parts in one transaction, or wait for the rest of it."""
        now = self.desk.now()
        siblings = self._siblings(tx, row, inbound)
        joins = self._may_be_part(inbound)
        whole = stitch([inbound, *siblings.values()], now).whole if joins else (inbound,)
        mine = next((one for one in whole if inbound.external_id in _ids(one)), None)
        if mine is None:
            waiting = {"id": row.id, "state": "new"}
            tx.update_where(InboxRow, waiting, next_at=now + LOOK_AGAIN, tries=0)
            return
        _move_home(tx, inbound)
        marked = mark_repeat(mine, self._seen(tx, row, inbound))
        intake.take(tx, self.desk, marked, now, row.id)
        for row_id, part in siblings.items():
            if part.external_id in _ids(mine):  # said already, in one piece
                settle(tx, row_id, now, note=f"part of #{row.id}", state="ignored")

    def _may_be_part(self, inbound: Inbound) -> bool:
        if "concat-ref" in inbound.detail:
            return True
        own = [one for one in self.gateways if one.name == inbound.account]
        return not any(isinstance(one, WHOLE) for one in own)

    def _siblings(self, tx: Tx, row: InboxRow, inbound: Inbound) -> dict[int, Inbound]:
        """What else came from this number and still lies unread behind it."""
        if not self._may_be_part(inbound):
            return {}
        rows = tx.find(
            InboxRow, order="id", limit=MOST_PARTS, channel="sms", account=row.account,
            order_key=row.order_key, state="new",
        )  # fmt: skip
        found: dict[int, Inbound] = {}
        for other in rows:
            if other.id != row.id:
                try:
                    news = reader(self.gateways)(other.body)
                except Unreadable:
                    continue  # its own turn will say so
                if isinstance(news, Inbound):
                    found[other.id] = news
        return found

    def _seen(self, tx: Tx, row: InboxRow, inbound: Inbound) -> list[Seen]:
        """Earlier rows with the same words from the same number, but for answers in their time.

        Carriers' own times tell a second "1" from the first one brought again.
        """
        since = inbound.received_at - REPEAT_WINDOW
        rows = tx.find(
            InboxRow, order="id", channel="sms", content_hash=row.content_hash,
            received_at=Between(after=since),
        )  # fmt: skip
        found = []
        for other in rows:
            if other.id < row.id and not self._said_apart(other, inbound):
                found.append(
                    Seen(
                        external_id=other.external_id,
                        fingerprint=other.content_hash,
                        received_at=other.received_at,
                    )
                )
        return found

    def _said_apart(self, other: InboxRow, inbound: Inbound) -> bool:
        try:
            earlier = reader(self.gateways)(other.body)
        except Unreadable:
            return False
        timed = inbound.occurred_at != inbound.received_at
        return (
            timed
            and isinstance(earlier, Inbound)
            and earlier.occurred_at != earlier.received_at
            and abs(inbound.occurred_at - earlier.occurred_at) >= READING
        )


def _of_its_gateway(tx: Tx, report: Report) -> Report:
    """A report names a letter of the gateway that brings it, by the id it got there or by our own
    reference; where it overtakes the answer to the sending, nobody knows yet whose that letter is.
    """
    row = tx.first(OutboxRow, channel="sms", reference=report.receipt)
    if row is not None and (
        row.state == "sending" or row.receipt.startswith(receipt_id(report.account, ""))
    ):
        return report
    return replace(report, receipt=receipt_id(report.account, report.receipt))


def _ids(inbound: Inbound) -> list[str]:
    return [inbound.external_id, *inbound.detail.get("parts", "").split(",")]


def _move_home(tx: Tx, inbound: Inbound) -> None:
    """A number is one address, whichever gateway brings its words; answers go out by that one."""
    tx.update_where(Address, {"channel": "sms", "value": inbound.sender}, account=inbound.account)


class Watch:
    """Says when a gateway that should be heard from is silent."""

    def __init__(self, program: Host, hours: Mapping[str, float]) -> None:
        self._program, self._hours = program, hours
        self._last = dict.fromkeys(hours, program.now())
        self._told: set[str] = set()

    def heard(self, name: str, at: datetime) -> None:
        self._last[name] = at
        self._told.discard(name)

    async def look(self) -> None:
        for name, hours in self._hours.items():
            silent = self._program.now() - self._last[name]
            if silent > timedelta(hours=hours) and name not in self._told:
                self._told.add(name)
                self._program.trouble("sms_silent", f"{name}: {silent}")
