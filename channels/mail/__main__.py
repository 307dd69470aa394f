"""`python -m channels.mail show FILE.eml`: what the desk reads in a mail, as JSON."""

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2) or arguments[0] != "show":
        print("usage: python -m channels.mail show [FILE.eml | -]", file=sys.stderr)
        return 2
    source = arguments[1] if len(arguments) == 2 else "-"
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        print(f"{source}: {error.strerror}", file=sys.stderr)
        return 1
    from channels.mail.parse import show

    sys.stdout.buffer.write(json.dumps(show(raw), ensure_ascii=False, indent=1).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
