"""A kill while letters go out leaves in doubt only what a server may have."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from core import outbox
from core.ports import Tx
from core.rows import OutboxRow
from tests.mail_servers.smtp import scripted_smtp
from tests.mail_servers.store import eventually
from tests.scenario import Scenario, a_desk

ROOT = Path(__file__).parent.parent


async def test_a_kill_leaves_in_doubt_only_the_letters_that_were_going_out(tmp_path):
    async with a_desk(tmp_path) as scenario:
        await scenario.desk.store.write(lambda tx: letters(tx, scenario, 20))
    async with scripted_smtp() as server:
        server.delay = 600  # it has the text, and thinks
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.mail_servers.posting"),
            *(str(tmp_path / "desk.db"), str(server.port)),
            cwd=ROOT,
        )
        await eventually(lambda: len(server.accepted) == 2)
        process.kill()
        await process.wait()
    async with a_desk(tmp_path, fresh=False) as scenario:
        await outbox.rescue(scenario.desk, all_of_them=True)
        rows = await scenario.desk.store.read(lambda tx: tx.find(OutboxRow))
    assert Counter(row.state for row in rows) == {"unknown": 2, "pending": 18}


def letters(tx: Tx, scenario: Scenario, count: int) -> None:
    for n in range(count):
        tx.add(
            OutboxRow(
                channel="mail",
                address=f"p{n}@example.com",
                language="en",
                zone="UTC",
                kind="thanks",
                reference=f"letter {n}",
                must=False,
                created_at=scenario.moment,
            )
        )
