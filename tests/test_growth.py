"""A desk that goes on for months does not grow by what it did."""

import gc
import sys
import weakref
from itertools import pairwise

from core.register import _reader
from core.understand.places import SiteName
from tests.scenario import Scenario

REPORTS = ("打印机卡纸 三楼财务 天河", "珠海香洲店 收款机开不了机 黑屏", "顺德 上不了网")


def kept() -> int:
    """Pieces of memory that anybody still holds, the smallest strings among them."""
    gc.collect()
    return sys.getallocatedblocks()


async def reported(desk: Scenario, since: int, until: int) -> None:
    for number in range(since, until):
        await desk.hears(f"guest{number}", REPORTS[number % len(REPORTS)])
    for channel in desk.channels.values():
        channel.delivered.clear()  # what the test itself remembers


async def test_nothing_is_kept_in_memory_of_a_report_or_its_sender(desk: Scenario) -> None:
    counted = []
    for since in range(0, 300, 60):
        await reported(desk, since, since + 60)
        counted.append(kept())
    # A statement that was never needed before is compiled and kept; sixty senders would be always.
    assert min(now - before for before, now in pairwise(counted)) < 10


def test_words_compiled_for_sites_that_changed_are_forgotten() -> None:
    readers = [weakref.ref(_reader((SiteName(f"X{n}", (f"{n}号仓",)),))) for n in range(3)]
    gc.collect()
    assert sum(reader() is not None for reader in readers) <= 2
