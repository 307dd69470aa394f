"""Every part in turn, each in a process of its own; a part that cannot run says why.

`python -m bench` runs all of them, `python -m bench desk sms` only those.
"""

import subprocess
import sys
from importlib.util import find_spec

PARTS = ("desk", "timers", "calendar", "dispatch", "sms", "mail")


def main(wanted: list[str]) -> int:
    failed = []
    for part in wanted or PARTS:
        name = f"bench.{part}_bench"
        print(f"\n== {part}", flush=True)
        if find_spec(name) is None:
            print(f"there is no part {part}; there are {', '.join(PARTS)}")
            failed.append(part)
        elif subprocess.run([sys.executable, "-m", name], check=False).returncode:
            failed.append(part)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
