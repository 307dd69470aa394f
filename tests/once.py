"""What is made once for all tests of a run: its folder, which the workers share."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = "/dev/shm"
NAME = "PAIDAN_TEST_RUN"  # the workers inherit it


def begin() -> None:
    os.environ[NAME] = tempfile.mkdtemp(prefix="paidan-tests-")


def end() -> None:
    shutil.rmtree(os.environ.pop(NAME))


def folder() -> Path:
    return Path(os.environ[NAME])


@contextmanager
def alone(what: str) -> Iterator[None]:
    """No other worker is at it meanwhile."""
    with (folder() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def laid(name: str, lay: Callable[[Path], Awaitable[object]]) -> Path:
    """The file of that name, laid by whoever needs it first."""
    path = folder() / name
    with alone(name):
        if not path.exists():  # it has its name once it is whole
            draft = path.with_suffix(".draft")
            await lay(draft)
            draft.rename(path)
    return path
