"""SMS out: one channel over whichever gateways the desk has."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx

from channels.sms import numbers
from channels.sms.filling import fill
from channels.sms.segments import within
from channels.sms.templates import ALIYUN, HUAWEI, TENCENT, Catalog, Rules, Unfit
from channels.sms.wire import Gateway, Sms
from core.errors import Unclear, Undeliverable
from core.masking import mask_number
from core.messages import Letter, Receipt
from core.ports import Capabilities, Now

log = logging.getLogger(__name__)

Render = Callable[[Letter], Awaitable[str]]
"""The letter as one plain text, choices numbered in it."""

Counts = Callable[[str, str, datetime], Awaitable[int]]
"""How many texts of ours went to this number, of this template (empty: any), since then."""

TIMEOUT = httpx.Timeout(20, connect=5)
LONGEST = 670  # ten parts


def receipt_id(gateway: str, receipt: str) -> str:
    """Two gateways may give two letters the same id: theirs counts within their own."""
    return f"{gateway}:{receipt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """So many texts to one number in any such stretch of time."""

    limit: int
    window: timedelta
    per_template: bool = False
    reserve: int = 0  # kept for letters that somebody must act on


_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
CARRIER_BUDGETS: dict[Rules, tuple[Budget, ...]] = {
    ALIYUN: (Budget(limit=50, window=_DAY, per_template=True, reserve=10),),
    TENCENT: (Budget(limit=1, window=timedelta(seconds=30), per_template=True),),
    HUAWEI: (
        Budget(limit=10, window=_MINUTE, reserve=3),
        Budget(limit=50, window=_DAY, reserve=10),
    ),
}
SIM_BUDGETS = (Budget(limit=20, window=timedelta(hours=1), reserve=5),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A gateway, with its reviewed templates where it sends nothing else."""

    gateway: Gateway
    catalog: Catalog | None = None
    budgets: tuple[Budget, ...] | None = None  # None: what its carriers allow
    prefixes: tuple[str, ...] = ()  # of the numbers that it serves; empty: all

    def fits(self, letter: Letter) -> bool:
        return self.catalog is None or bool(self.catalog.of(letter.kind))

    def serves(self, number: str) -> bool:
        return not self.prefixes or number.startswith(self.prefixes)

    @property
    def allowed(self) -> tuple[Budget, ...]:
        if self.budgets is not None:
            return self.budgets
        return CARRIER_BUDGETS.get(self.catalog.rules, ()) if self.catalog else SIM_BUDGETS


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsChannel:
    """Implements core.ports.Channel. The first account that can say a letter says it, and where
    its gateway surely did not take it, the next one does."""

    accounts: Sequence[Account]
    client: httpx.AsyncClient
    render: Render
    counts: Counts
    now: Now

    @property
    def name(self) -> str:
        return "sms"

    @property
    def can(self) -> Capabilities:
        clouds_only = all(account.gateway.templates_only for account in self.accounts)
        return Capabilities(text_limit=LONGEST, templates_only=clouds_only)

    async def send(self, letter: Letter) -> Receipt:
        number = numbers.e164(letter.address)
        if not numbers.may_answer(number):
            raise Undeliverable("no person's number", permanent=True, address_dead=True)
        refusals: list[Undeliverable] = []
        for account in self._accounts(letter, number):
            try:
                return await self._send_by(account, letter, number)
            except Undeliverable as refusal:
                log.warning("sms %s not by %s: %s", letter.id, account.gateway.name, refusal)
                refusals.append(refusal)
                if refusal.address_dead:
                    break
        raise min(refusals, key=lambda one: (not one.address_dead, one.permanent))

    async def _send_by(self, account: Account, letter: Letter, number: str) -> Receipt:
        sms = await self._sms(letter, number, account)
        template = sms.filled.template if sms.filled else ""
        await self._check_budget(letter, number, template, account)
        request = account.gateway.build(sms, self.now())
        response = await self._carry(request)
        receipt = account.gateway.read_answer(response, sms)
        log.info("sms %s to %s by %s", letter.id, mask_number(number), account.gateway.name)
        return replace(receipt, id=receipt_id(account.gateway.name, receipt.id))

    def _accounts(self, letter: Letter, number: str) -> list[Account]:
        """In the order of the settings, before them the one that received what this answers: a
        reply from another number confuses."""
        serving = [account for account in self.accounts if account.serves(number)]
        fitting = [account for account in serving if account.fits(letter)]
        if not fitting:
            why = f"no template for {letter.kind}" if serving else "no gateway for this number"
            raise Undeliverable(why, permanent=True)
        return sorted(fitting, key=lambda account: account.gateway.name != letter.account)

    async def _sms(self, letter: Letter, number: str, account: Account) -> Sms:
        if account.catalog is None:
            text = within(await self.render(letter))
            return Sms(reference=letter.reference, to=number, text=text, attempts=letter.attempts)
        try:
            filled, changed = fill(letter, account.catalog)
        except Unfit as why:
            raise Undeliverable(str(why), permanent=True) from why
        if changed:
            log.info("sms %s: changed to fit: %s", letter.id, ", ".join(changed))
        return Sms(reference=letter.reference, to=number, filled=filled, attempts=letter.attempts)

    async def _check_budget(
        self, letter: Letter, number: str, template: str, account: Account
    ) -> None:
        for budget in account.allowed:
            scope = template if budget.per_template else ""
            sent = await self.counts(number, scope, self.now() - budget.window)
            if sent >= budget.limit - (0 if letter.loud else budget.reserve):
                wait = budget.window.total_seconds() / budget.limit
                raise Undeliverable(
                    "budget for this number used up", permanent=False, retry_after=max(wait, 1)
                )

    async def _carry(self, request: httpx.Request) -> httpx.Response:
        """Before the request is out nothing can have been sent; after it, nobody knows."""
        request.extensions = {"timeout": TIMEOUT.as_dict()}
        try:
            return await self.client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as down:
            reason = type(down).__name__
            raise Undeliverable(reason, permanent=False) from down
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as wrong:
            raise Undeliverable("the gateway's url is wrong", permanent=False) from wrong
        except httpx.HTTPError as lost:
            raise Unclear(type(lost).__name__) from lost
