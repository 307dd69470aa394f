"""Files in the store: what nobody needs any more is forgotten, what somebody needs stays."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from core import files, privacy
from core.files import FileStore
from core.messages import File
from core.notices.answers import Shown
from core.ports import Tx
from core.telling import tell
from core.ticket import Message, StoredFile
from tests.scenario import PHOTO, Scenario

HALF_A_YEAR = privacy.RAW + timedelta(days=1)
PICTURE = b"a picture"


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files")


async def put(desk: Scenario, store: FileStore) -> str:
    """The picture, as if the disk had the desk's own time."""
    sha256 = await store.put(PICTURE)
    at = desk.moment.timestamp()
    os.utime(store.folder / sha256[:2] / sha256, (at, at))
    return sha256


async def test_a_drawn_picture_is_forgotten_after_half_a_year(
    desk: Scenario, store: FileStore
) -> None:
    sha256 = await put(desk, store)
    desk.moment += privacy.RAW - timedelta(days=1)
    assert await files.sweep(desk.desk, store) == 0
    desk.moment += timedelta(days=2)
    assert await files.sweep(desk.desk, store) == 1
    assert await store.get(sha256) is None


async def test_what_a_message_brought_stays_with_its_ticket(
    desk: Scenario, store: FileStore
) -> None:
    sha256 = await put(desk, store)
    await desk.hears("xu.lan", "珠海香洲店 打印机卡纸", files=(PHOTO,))
    await desk.desk.store.write(lambda tx: tx.update_where(StoredFile, {}, sha256=sha256))
    desk.moment += HALF_A_YEAR
    await files.sweep(desk.desk, store)
    assert await store.get(sha256) == PICTURE


async def test_what_a_letter_still_carries_stays(desk: Scenario, store: FileStore) -> None:
    sha256 = await put(desk, store)
    picture = File(kind="photo", name="duty.png", type="image/png", sha256=sha256)
    person = await desk.person("zhao.hong")

    def write(tx: Tx) -> None:
        shown = Shown(caption="duty")
        tell(tx, desk.desk, person, shown, event="e", now=desk.moment, files=(picture,))

    await desk.desk.store.write(write)
    desk.moment += HALF_A_YEAR
    await files.sweep(desk.desk, store)
    assert await store.get(sha256) == PICTURE


async def test_what_came_without_a_ticket_goes_with_its_message(
    desk: Scenario, store: FileStore
) -> None:
    sha256 = await put(desk, store)
    await desk.hears("xu.lan", "珠海香洲店 打印机卡纸", files=(PHOTO,))

    def without_ticket(tx: Tx) -> None:
        tx.update_where(StoredFile, {}, sha256=sha256, ticket_id=None)
        for file in tx.find(StoredFile):
            tx.update_where(Message, {"id": file.message_id}, ticket_id=None)
        privacy.forget(tx, None, desk.moment + timedelta(seconds=1))

    await desk.desk.store.write(without_ticket)
    desk.moment += HALF_A_YEAR
    assert await files.sweep(desk.desk, store) == 1


async def test_a_picture_that_is_drawn_again_is_young_again(store: FileStore) -> None:
    sha256 = await store.put(PICTURE)
    path = store.folder / sha256[:2] / sha256
    os.utime(path, (0, 0))
    await store.put(PICTURE)
    assert path.stat().st_mtime > 0
