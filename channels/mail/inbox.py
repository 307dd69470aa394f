"""Carries a mailbox into the store: fetch, keep, and only then mark. It parses nothing."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog

from channels.mail.arrival import Arrival, fingerprint, sender_key, stamp
from channels.mail.settings import Alert, MailboxSettings, log_only
from channels.mail.source import (
    MONTHS,
    Folder,
    FolderRefused,
    LinkLost,
    Listed,
    LoginRefused,
    MailSource,
    Refused,
    windows,
)
from core.errors import StorageBusy
from core.ports import Keep, Now, Raw

log = structlog.get_logger()

BATCH = 4_000_000  # bytes fetched and committed at a time; one larger mail goes alone
TOGETHER = 25  # mails, likewise
WHOLE_TRIES = 4  # fetches that broke off before only the mail's head is asked for
HEAD_TRIES = 2  # and then before it is filed as unreadable
STUBBORN = 20  # refused marks tried again per round
PERSISTENT = 3  # refusals of one mark before people hear of it
NOT_MARKED = "mail_not_marked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a folder has been read: all up to `uid` is stored and marked.

    Everything below `listed_to` was there when the folder was first listed under this
    uidvalidity, and is judged by its date: what came before `since`, when the desk first
    connected, is history. Above it, mail is simply new.
    """

    uidvalidity: int
    uid: int
    since: datetime
    listed_to: int = 0
    laps: int = 0  # how often this uidvalidity began anew, as after a restored backup


class Cursors(Protocol):
    """Where cursors are kept: one small row per account and folder."""

    async def load(self, account: str, folder: str) -> Cursor | None: ...

    async def save(self, account: str, folder: str, cursor: Cursor) -> None: ...


class Inbox:
    """One mailbox. Several run side by side and know nothing of each other."""

    def __init__(
        self,
        settings: MailboxSettings,
        source: MailSource,
        *,
        alert: Alert = log_only,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backlog = 0  # mails seen on the server and not yet stored
        self.stored = 0  # new ones since the start
        self.connected = False
        self.waiting = False  # everything is stored; the server is to say what is new
        self.reconnects = 0
        self._settings = settings
        self._pace = settings.pace
        self._source = source
        self._alert = alert
        self._monotonic = monotonic
        self._searched = self._progress = monotonic()
        self._cursor: Cursor | None = None
        self._taken = 0  # the last uid that is stored, marked or not
        self._unmarked: dict[int, int] = {}  # stored, not yet marked: how often it was refused
        self._broken: Counter[int] = Counter()  # fetches of a uid that broke off
        self._troubles: list[tuple[str, dict[str, str]]] = []  # told once the mail is safe
        self._told: set[str] = set()

    @property
    def address(self) -> str:
        return self._settings.address

    @property
    def last_search_age(self) -> float:
        """Seconds since the server last answered a SEARCH: red at 120."""
        return self._monotonic() - self._searched

    @property
    def unmarked(self) -> int:
        return len(self._unmarked)

    async def run(self, keep: Keep, cursors: Cursors, now: Now) -> None:
        """Until cancelled. Whatever breaks a session, the next one begins after a pause."""
        watchdog = asyncio.create_task(self._watch())
        failures = 0
        try:
            while True:
                began = self._searched
                try:
                    await self._session(keep, cursors, now)
                except Exception as failure:  # noqa: BLE001  # this loop must survive
                    failures = 1 if self._searched > began else failures + 1
                    await self._tell(failure)
                    await asyncio.sleep(self._pause(failure, failures))
                finally:
                    self.connected = self.waiting = False
                    self._source.abort()
                self.reconnects += 1
        finally:
            watchdog.cancel()

    async def _session(self, keep: Keep, cursors: Cursors, now: Now) -> None:
        """From a connection to its end, which is an exception unless marks are refused."""
        folder, opened = await self._source.connect(), self._monotonic()
        self._moved()
        await self._find_place(folder, cursors, now())
        self.connected = True
        self._told &= {NOT_MARKED}
        busy = 0
        while True:
            try:
                # What arrived meanwhile may have been announced meanwhile, and IDLE will not
                # announce it again: we only wait after a SEARCH that found nothing.
                while await self._round(keep, cursors, now):
                    pass
            except StorageBusy:
                busy += 1
                log.warning("mail_storage_busy", account=self._settings.address)
                await asyncio.sleep(_backoff(busy, self._pace.retry_least, self._pace.busy_most))
                continue
            busy = 0
            self.waiting = True
            await self._source.wait(self._pace.poll)
            self.waiting = False
            if NOT_MARKED in self._told and self._monotonic() - opened > self._pace.reopen:
                return  # somebody may have given us the right meanwhile, which only SELECT tells

    async def _find_place(self, folder: Folder, cursors: Cursors, now: datetime) -> None:
        account, name = self._settings.address, self._settings.folder
        cursor = await cursors.load(account, name)
        if cursor is not None and cursor.uidvalidity == folder.uidvalidity:
            self._taken = max(cursor.uid, self._taken) if self._cursor else cursor.uid
            if not folder.uidnext or self._taken < folder.uidnext:
                self._cursor = cursor
                return
        listed_to = folder.uidnext or max(await self._source.search("ALL"), default=0) + 1
        if cursor is not None:
            log.warning("mail_folder_renumbered", account=account, folder=name)
            again = cursor.uidvalidity == folder.uidvalidity
            laps = cursor.laps + 1 if again else 0
            cursor = replace(
                cursor, uidvalidity=folder.uidvalidity, uid=0, listed_to=listed_to, laps=laps
            )
        else:
            skipped = 0 if self._settings.history_from else listed_to - 1
            # INTERNALDATE has whole seconds: one of this very second is not history.
            since = now.replace(microsecond=0)
            cursor = Cursor(
                uidvalidity=folder.uidvalidity, uid=skipped, since=since, listed_to=listed_to
            )
        await cursors.save(account, name, cursor)
        self._cursor, self._taken = cursor, cursor.uid
        self._unmarked.clear()
        self._broken.clear()

    async def _round(self, keep: Keep, cursors: Cursors, now: Now) -> bool:
        """Whether there was anything new."""
        uids = await self._search()
        self.backlog = len(uids)
        for window in windows(uids):
            listed = await self._source.sizes(window)
            self._moved()
            for batch in self._batches(window, listed):
                raws = await self._read(batch, now())
                self.stored += await keep(raws)
                self._moved()
                await self._tell_troubles()
                self.backlog -= len(batch)
                self._taken = batch[-1].uid
                self._unmarked |= {mail.uid: 0 for mail in batch if not self._skips(mail)}
                await self._mark(cursors)
        if not uids:  # nothing better to do
            await self._mark(cursors)
        return bool(uids)

    async def _search(self) -> list[int]:
        assert self._cursor is not None
        criteria = f"UID {self._taken + 1}:*"
        if self._taken + 1 < self._cursor.listed_to:
            # The server's days may begin elsewhere than ours.
            first = (self._settings.history_from or self._cursor.since.date()) - timedelta(days=1)
            criteria += f" SINCE {_imap_date(first)}"
        uids = await self._source.search(criteria)
        self._searched = self._monotonic()
        self._moved()
        # n:* always finds the last mail, also where n is beyond it.
        return [uid for uid in uids if uid > self._taken]

    def _batches(self, window: Sequence[int], listed: dict[int, Listed]) -> Iterator[list[Listed]]:
        """A mail that broke a fetch before goes alone, so that it holds back no other."""
        batch: list[Listed] = []
        for uid in window:
            # What the server found but does not list is asked for all the same.
            mail = listed.get(uid) or Listed(uid=uid, size=0, arrived_at=None)
            alone = bool(self._broken[uid]) or mail.size > self._settings.size_limit
            full = len(batch) == TOGETHER or sum(m.size for m in batch) + mail.size > BATCH
            if batch and (alone or full):
                yield batch
                batch = []
            batch.append(mail)
            if alone:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _read(self, batch: Sequence[Listed], now: datetime) -> list[Raw]:
        wanted = [mail for mail in batch if not self._skips(mail)]
        if not wanted:
            return []
        self._broken.update(mail.uid for mail in wanted)
        self._troubles.clear()
        try:
            raws = await self._fetch(wanted, now)
        except Refused as no:
            # One rotten mail makes some servers refuse the whole window.
            raise LinkLost(str(no)) from no
        for mail in wanted:
            del self._broken[mail.uid]
        self._moved()
        return raws

    async def _fetch(self, wanted: Sequence[Listed], now: datetime) -> list[Raw]:
        first = wanted[0]
        tries = self._broken[first.uid] - 1
        if tries >= WHOLE_TRIES + HEAD_TRIES:
            self._troubles.append(("mail_unreadable", self._names(first)))
            return [self._raw(first, b"", now, unreadable=True)]
        if first.size > self._settings.size_limit or tries >= WHOLE_TRIES:
            head = await self._source.fetch_head(first.uid)
            if head is None:
                return await self._gone(wanted)
            self._troubles.append(("mail_too_large", self._names(first)))
            return [self._raw(first, head, now, truncated=True)]
        bodies = await self._source.fetch(wanted)
        missing = [mail for mail in wanted if mail.uid not in bodies]
        if missing:
            await self._gone(missing)
        return [self._raw(m, bodies[m.uid], now) for m in wanted if m.uid in bodies]

    async def _gone(self, missing: Sequence[Listed]) -> list[Raw]:
        """Somebody deleted it between two commands; or the server hides it, and we come back."""
        uids = {mail.uid for mail in missing}
        still = await self._source.search(f"UID {min(uids)}:{max(uids)}")
        if uids & set(still):
            raise LinkLost("mail is listed, but the server does not hand it over")
        return []

    def _raw(
        self,
        mail: Listed,
        raw: bytes,
        now: datetime,
        *,
        truncated: bool = False,
        unreadable: bool = False,
    ) -> Raw:
        assert self._cursor is not None
        s = self._settings
        arrival = Arrival(
            at=mail.arrived_at,
            size=mail.size,
            truncated=truncated,
            unreadable=unreadable,
            archive=self._is_history(mail),
        )
        validity = f"{self._cursor.uidvalidity}" + "'" * self._cursor.laps
        external_id = f"{s.folder}/{validity}/{mail.uid}"
        return Raw(
            channel="mail",
            account=s.address,
            external_id=external_id,
            order_key=sender_key(raw) or f"{s.address}/{external_id}",
            body=stamp(arrival, raw),
            received_at=now,
            content_hash="" if unreadable else fingerprint(raw, mail.arrived_at),
        )

    def _is_history(self, mail: Listed) -> bool:
        assert self._cursor is not None
        if mail.uid >= self._cursor.listed_to:
            return False
        return mail.arrived_at is not None and mail.arrived_at < self._cursor.since

    def _skips(self, mail: Listed) -> bool:
        if not self._is_history(mail):
            return False
        first = self._settings.history_from
        return first is None or (mail.arrived_at is not None and mail.arrived_at.date() < first)

    async def _mark(self, cursors: Cursors) -> None:
        """Flag or move what is stored. A refusal costs nothing but another try, next round."""
        self._troubles.clear()
        fresh = [uid for uid, refused in self._unmarked.items() if not refused]
        refused_before = [uid for uid, refused in self._unmarked.items() if refused]
        # Those go one by one, as one of them may be the only reason; then to the back.
        alone = [] if fresh else [[uid] for uid in refused_before[:STUBBORN]]
        for uids in (*windows(fresh), *alone):
            try:
                await self._mark_on_server(uids)
            except Refused as no:
                self._mark_refused(uids, str(no))
            else:
                for uid in uids:
                    del self._unmarked[uid]
            self._moved()
        if not self._unmarked:
            self._told.discard(NOT_MARKED)
        await self._tell_troubles()
        await self._save(cursors)

    def _mark_refused(self, uids: Sequence[int], why: str) -> None:
        """They go to the back; the log hears of each refusal, people of one that persists."""
        log.warning(NOT_MARKED, account=self._settings.address, why=why)
        for uid in uids:
            self._unmarked[uid] = self._unmarked.pop(uid) + 1
        if self._unmarked[uids[0]] >= PERSISTENT and NOT_MARKED not in self._told:
            self._told.add(NOT_MARKED)
            self._troubles.append((NOT_MARKED, {"account": self._settings.address, "reason": why}))

    async def _mark_on_server(self, uids: Sequence[int]) -> None:
        if self._settings.processed:
            await self._source.move(uids, self._settings.processed)
        else:
            await self._source.flag(uids)

    async def _save(self, cursors: Cursors) -> None:
        """Never past a mail without its mark: after a restart it is fetched again, and known."""
        assert self._cursor is not None
        uid = min(self._unmarked) - 1 if self._unmarked else self._taken
        if uid > self._cursor.uid:
            self._cursor = replace(self._cursor, uid=uid)
            await cursors.save(self._settings.address, self._settings.folder, self._cursor)

    async def _watch(self) -> None:
        """Cut a link on which nothing moves, whatever the library believes about it."""
        while True:
            await asyncio.sleep(self._pace.stale / 8)
            if self._monotonic() - self._progress > self._pace.stale:
                log.warning("mail_link_stale", account=self._settings.address)
                self._source.abort()
                self._moved()

    def _moved(self) -> None:
        self._progress = self._monotonic()

    async def _tell(self, failure: Exception) -> None:
        """People hear of what only they can mend, once; the log hears everything."""
        log.warning("mail_session_ended", account=self._settings.address, why=str(failure))
        kind = next((kind for type_, kind in _KINDS.items() if isinstance(failure, type_)), None)
        if kind and kind not in self._told:
            self._told.add(kind)
            self._troubles = [(kind, {"account": self._settings.address, "reason": str(failure)})]
            await self._tell_troubles()

    async def _tell_troubles(self) -> None:
        while self._troubles:
            kind, params = self._troubles.pop()
            try:
                await self._alert(kind, params)
            except Exception:
                # The desk may be what is in trouble; the mailbox goes on.
                log.exception("mail_alert_failed", kind=kind, **params)

    def _pause(self, failure: Exception, failures: int) -> float:
        refused = isinstance(failure, Refused)
        most = self._pace.refused_most if refused else self._pace.retry_most
        return _backoff(failures, self._pace.retry_least, most)

    def _names(self, mail: Listed) -> dict[str, str]:
        s = self._settings
        return {
            "account": s.address,
            "folder": s.folder,
            "uid": str(mail.uid),
            "size": str(mail.size),
        }


_KINDS = {LoginRefused: "mailbox_login_refused", FolderRefused: "mailbox_folder_refused"}


def _backoff(failures: int, least: float, most: float) -> float:
    """Doubling, and spread so that mailboxes of one provider do not come back all at once."""
    return min(most, least * 2.0 ** min(failures - 1, 30)) * random.uniform(0.5, 1)  # noqa: S311


def _imap_date(day: date) -> str:
    """strftime would write the month in the machine's language."""
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year}"
