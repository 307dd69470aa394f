"""Counterparts for mail: scripted ones that misbehave, and real ones where they are installed."""

import os
import shutil
import socket

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require(*programs: str) -> None:
    """A missing program is a clear skip on a desk and a failure in CI."""
    missing = [name for name in programs if shutil.which(name, path=_PATH) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
