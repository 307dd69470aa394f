"""What a start does differently from the hours after it: it makes what stays."""

import gc
import sys
from typing import Any

PAINT = ("pygments", "rich")


def begins() -> None:
    """Before the program is loaded. Nothing is garbage yet, and looking for it takes time."""
    gc.disable()
    _load_without_paint()


def is_done() -> None:
    """The desk serves: what is there is left alone, and what comes from now on is looked after."""
    gc.freeze()
    gc.enable()


def _load_without_paint() -> None:
    """httpx and structlog load what colours a terminal wherever it is installed, and here it is,
    for the tables of the shell: ninety modules and four megabytes that a desk has no use for."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in PAINT if name not in modules]
    modules.update(dict.fromkeys(hidden))  # as if they were not installed
    try:
        import httpx  # noqa: F401
        import structlog  # noqa: F401
    finally:
        for name in hidden:
            del modules[name]
