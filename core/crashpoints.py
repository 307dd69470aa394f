"""Places where the crash test pulls the plug.

`PAIDAN_CRASH_AT=after_store:3` kills the process there at the third passing.
"""

import os
import signal

POINTS = (
    "after_fetch",
    "after_store",
    "before_confirm",
    "mid_handling",
    "before_commit",
    "after_commit",
    "before_claim",
    "before_send",
    "after_accept",  # the carrier has the letter, the outbox does not know yet
    "after_settle",
    "in_sweep",
    "after_timer",
)


class _Plug:
    def __init__(self, order: str) -> None:
        self.point, _, nth = order.partition(":")
        self.passings_left = int(nth or 1)
        if self.point and self.point not in POINTS:
            raise ValueError(f"PAIDAN_CRASH_AT: no point {self.point!r}; there are {POINTS}")

    def pull_at(self, name: str) -> None:
        assert name in POINTS, name
        if name != self.point:
            return
        self.passings_left -= 1
        if self.passings_left == 0:
            # SIGKILL and not os._exit: the kernel stops every thread in the middle of its line.
            os.kill(os.getpid(), signal.SIGKILL)


_plug = _Plug(os.environ.get("PAIDAN_CRASH_AT", ""))


def reach(name: str) -> None:
    """Do nothing, unless the environment names this point."""
    _plug.pull_at(name)
