"""How many mails a second become tickets, from the IMAP server to the committed row.

Run with `python -m bench.mail_bench`; PAIDAN_SOAK=1 for the full sizes. Dovecot serves the mails
where it is installed, pymap elsewhere. Beside it stand the raw rate of commits with a mail's bytes,
as the roof; the processor time of the mail's own parts, which the rest of the machine does not
disturb; and django-helpdesk with the same mails, called in its own process.
"""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from shutil import which
from threading import Event, Thread
from time import perf_counter, process_time

import psutil

from bench.mail_peer import Absent, rate
from bench.mails import TEXTS, mails
from bot.mail import Composer, Cursors, mailbox_settings, plug, signer_of, smtp_settings
from bot.main import Program
from bot.settings import Http, Mail, Settings
from channels.mail.imap import ImapMailbox
from channels.mail.inbox import Inbox
from channels.mail.isolate import Reader
from channels.mail.layout import layout
from channels.mail.sender import SmtpChannel, envelope_of
from core import inbox, intake
from core.messages import Inbound, Letter, Receipt
from core.ports import Between, Raw, Tx
from core.rows import InboxRow, TimerRow
from tests.mail_servers import real

SOAK = bool(os.environ.get("PAIDAN_SOAK"))
MAILS = 1_000 if SOAK else 300
EXISTING = 10_000
AHEAD = timedelta(days=30)  # where deadlines of what was there before lie
ALONE = 300  # mails for the processor time of each part
EXAMPLE = Path(__file__).parent.parent / "core/desk_data/example.toml"


@contextmanager
def server() -> Iterator[real.ImapServer]:
    if which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        with real.dovecot() as dovecot:
            yield dovecot.user("desk")
    else:
        with real.pymap() as pymap:
            yield pymap


class Memory:
    """What the program and its readers hold together, at the most, looked at 50 times a second."""

    def __init__(self) -> None:
        self.peak = 0
        self._over = Event()
        self._watching = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self._watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.peak = max(self.peak, sum(process.memory_info().rss for process in family()))


def family() -> list[psutil.Process]:
    """This process and its readers, without the mail server."""
    here = psutil.Process()
    ours = [here]
    for child in here.children():
        with suppress(psutil.NoSuchProcess):
            if "channels.mail.isolate" in child.cmdline():
                ours.append(child)
    return ours


def processor_time() -> float:
    times = [process.cpu_times() for process in family()[1:]]
    return process_time() + sum(each.user + each.system for each in times)


class Gone:
    """A channel that lays its letters out as they would leave, and lets them go."""

    name, can = SmtpChannel.name, SmtpChannel.can

    def __init__(self, program: Program, section: Mail) -> None:
        self._smtp = smtp_settings(section.smtp)
        self._signer = signer_of(section.smtp.address, program.key)
        self._compose = Composer(program.desk, self._signer, "")
        self._now = program.now
        self.sent: list[Letter] = []  # the first few, to be laid out again

    async def send(self, letter: Letter) -> Receipt:
        self.sent += [letter] * (len(self.sent) < ALONE)
        return Receipt(id=await self.lay_out(letter))

    async def lay_out(self, letter: Letter) -> str:
        content = await self._compose(letter)
        envelope = envelope_of(self._smtp, self._signer, letter, letter.address, self._now())
        layout(content, envelope)
        return envelope.message_id.strip("<>")


class Bench:
    """The program on a fresh database, its mailbox on a real server."""

    def __init__(self, folder: Path, imap: real.ImapServer) -> None:
        here = {"address": "desk@desk.test", "host": "127.0.0.1", "password": "secret"}
        box = {**here, "port": imap.port, "user": imap.user, "tls": False}
        plenty = {"held_above": 10**9, "storm": 10**9, "answers_per_hour": 10**9}
        self.section = Mail.model_validate(
            {"mailboxes": [box], "smtp": {**here, "tls": "none"}, **plenty}
        )
        self.imap = imap
        settings = Settings(
            database=f"sqlite:///{folder / 'desk.db'}",
            files=str(folder / "files"),
            http=Http(port=0),
        )
        self.program = Program(settings)

    async def open(self) -> None:
        program = self.program
        await program.open()
        await program.load_sheet(EXAMPLE.read_text("utf-8"))
        print(f"raw commits/s    {await self.commits(MAILS):8.0f}")
        self.channel = Gone(program, self.section)
        signer = signer_of(self.section.smtp.address, program.key)
        plug(program, self.section, self.channel, signer, [])
        await program.start()
        await self._read_until(0)  # the first connection: what is there then is history

    async def run(self, count: int, seed: int) -> tuple[float, float]:
        """Mails a second, from the dial to the last settled row; the server has them all before.

        And what each cost in milliseconds of processor time, in all our processes.
        """
        await self.deliver(mails(count, seed))
        began = processor_time()
        took = await self._read_until(count)
        return count / took, 1_000 * (processor_time() - began) / count

    async def deliver(self, burst: Iterable[bytes]) -> None:
        waiting = iter(burst)
        while some := list(islice(waiting, 50)):
            await asyncio.to_thread(self.imap.deliver, *some)

    async def _read_until(self, settled: int) -> float:
        program, wanted = self.program, mailbox_settings(self.section.mailboxes[0])
        box, started = Inbox(wanted, ImapMailbox(wanted)), perf_counter()
        keep = inbox.keeper(program.desk, program.wake)
        reading = asyncio.create_task(box.run(keep, Cursors(program.desk), program.now))
        while box.stored < settled or not box.connected or await self._unread():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        took = perf_counter() - started
        reading.cancel()
        await asyncio.wait({reading})
        return took

    async def _unread(self) -> int:
        lag = await self.program.store.read(lambda tx: tx.ask("inbox_lag"))
        return int(lag[0]["many"])

    async def fill(self, tickets: int) -> None:
        """Tickets that were there before, each with its message, and deadlines that lie far ahead:
        the sweep shall have nothing to do beside the mails."""
        program, now = self.program, self.program.now()

        def body(tx: Tx, first: int) -> None:
            for n in range(first, first + 100):
                said = Inbound(
                    channel="mail", external_id=f"old{n}", sender=f"old{n}@example.com",
                    text=TEXTS[n % len(TEXTS)], subject=f"old {n}", message_id=f"old{n}@old",
                    occurred_at=now, received_at=now,
                )  # fmt: skip
                intake.take(tx, program.desk, said, now, answers=False)
            soon = {"state": "pending", "due_at": Between(before=now + AHEAD / 2)}
            tx.update_where(TimerRow, soon, due_at=now + AHEAD)

        for first in range(0, tickets, 100):
            await program.store.write(partial(body, first=first))

    async def commits(self, count: int) -> float:
        """Rows with a mail's bytes, committed one by one as fast as the database takes them."""
        keep, took = inbox.keeper(self.program.desk, lambda: None), 0.0
        for n, raw in enumerate(mails(count, 0)):
            row = Raw(
                channel="raw",
                account="",
                external_id=str(n),
                order_key="",
                body=raw,
                received_at=self.program.now(),
            )
            started = perf_counter()
            await keep([row])
            took += perf_counter() - started
        await self.program.store.write(lambda tx: tx.delete(InboxRow, channel="raw"))
        return count / took

    # -- the mail's own parts, each alone

    async def fetching(self) -> None:
        """From the dial to the last mark, into a store that costs nothing."""
        wanted = mailbox_settings(self.section.mailboxes[0])
        box = Inbox(wanted, ImapMailbox(wanted))

        async def keep(raws: list[Raw]) -> int:
            return len(raws)

        reading = asyncio.create_task(box.run(keep, Cursors(self.program.desk), self.program.now))
        while box.stored < ALONE or box.unmarked:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.wait({reading})

    async def laying_out(self) -> None:
        for letter in self.channel.sent:
            await self.channel.lay_out(letter)


async def reading(burst: list[bytes], reader: Reader) -> None:
    """As the workers of the desk do it: many wait at once."""
    await asyncio.gather(*map(reader.read, burst))


async def cost(work: Callable[[], Awaitable[None]], count: int) -> float:
    """Milliseconds of processor time each, in all our processes."""
    began = processor_time()
    await work()
    return 1_000 * (processor_time() - began) / max(count, 1)


async def parts(bench: Bench) -> None:
    while not all(worker.is_idle for worker in bench.program.workers):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    burst = list(mails(ALONE, seed=4))
    await bench.deliver(burst)
    fetch = await cost(bench.fetching, ALONE)
    async with Reader() as reader:
        await reading(burst[:20], reader)  # both workers are there
        read = await cost(partial(reading, burst, reader), ALONE)
    letters = len(bench.channel.sent)
    answer = await cost(bench.laying_out, letters)
    print(f"alone, ms/mail   {fetch:8.2f}   fetched and marked, {read:.2f} read")
    print(f"alone, ms/letter {answer:8.2f}   worded and laid out")


async def measure(folder: Path, imap: real.ImapServer) -> None:
    bench = Bench(folder, imap)
    await bench.open()
    try:
        with Memory() as memory:
            await bench.run(50, seed=1)  # the workers are started, the sheet is compiled
            speed, spent = await bench.run(MAILS, seed=2)
            print(
                f"mails/s          {speed:8.0f}   of {MAILS}, {spent:.1f} ms of processor time each"
            )
            await bench.fill(EXISTING)
            speed, spent = await bench.run(MAILS, seed=3)
        print(f"mails/s          {speed:8.0f}   at {EXISTING} more tickets, {spent:.1f} ms each")
        print(f"peak memory, MB  {memory.peak / 1e6:8.0f}   with the readers")
        await parts(bench)
    finally:
        await bench.program.stop()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, server() as imap:
        asyncio.run(measure(Path(folder), imap))
    try:
        print(f"django-helpdesk  {rate(MAILS, seed=2):8.0f}   mails/s in its own process")
    except Absent as why:
        print(f"django-helpdesk  skipped: {why}")


if __name__ == "__main__":
    main()
