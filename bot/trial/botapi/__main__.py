"""The server in a process of its own: `python -m bot.trial.botapi --port 0`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import uvicorn

from bot.trial.botapi import BotApi, control
from bot.trial.botapi.wire import http_app, listen

TOKEN = "100200300:trial-desk-token-of-no-value"  # noqa: S105 (opens nothing but this server)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.trial.botapi", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--username", default="paidan_trial_bot")
    parser.add_argument("--no-rates", action="store_true", help="do not limit how fast it sends")
    wanted = parser.parse_args(arguments)
    clock = control.Clock(time.time)
    api = BotApi(wanted.token, wanted.username, clock, rates=not wanted.no_rates)
    listening = listen(wanted.port)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        http_app(api, *control.routes(api, clock)),
        log_level="critical",  # a dropped connection is no error here
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
