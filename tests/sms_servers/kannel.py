"""A real Kannel with a fake operator on loopback, and telephones that talk to it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from channels.sms.gateways import kannel
from channels.sms.gateways.kannel import Kannel

FAKE_SMSC = "/usr/lib/kannel/test/fakesmsc"
PROGRAMS = ("/usr/sbin/bearerbox", "/usr/sbin/smsbox", FAKE_SMSC)
OURS = "95588"

_CONFIG = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
admin-allow-ip = 127.0.0.1
smsbox-port = {link}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = {directory}/bearerbox.log
log-level = 0
store-type = spool
store-location = {directory}/spool
dlr-storage = spool
dlr-spool = {directory}/dlr
sms-combine-concatenated-mo = true
sms-combine-concatenated-mo-timeout = 5

group = smsc
smsc = fake
smsc-id = fake
host = 127.0.0.1
port = {operator}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1
sendsms-chars = "0123456789+-"
global-sender = {ours}
http-request-retry = 360
http-queue-delay = 1
log-file = {directory}/smsbox.log
log-level = 0
mo-recode = true

group = sendsms-user
username = desk
password = secret
user-deny-ip = "*.*.*.*"
user-allow-ip = 127.0.0.1
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
concatenation = true
assume-plain-text = true
get-url = "{hook}?{pattern}"
"""


def needed() -> None:
    """Skip where Kannel is not installed; in CI that is a failure."""
    missing = [name for name in (*PROGRAMS, "gcc") if not shutil.which(name)]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nobody listens on {port}")


@dataclass(slots=True)
class KannelServer:
    """bearerbox and smsbox, which can be stopped and started again on the same spool."""

    directory: Path
    hook: str
    ports: list[int] = field(default_factory=lambda: free_ports(4))
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def gateway(self) -> Kannel:
        return Kannel(
            url=f"http://127.0.0.1:{self.ports[2]}/cgi-bin/sendsms",
            username="desk",
            password="secret",
            sender=OURS,
            dlr_url=self.hook,
        )

    def start(self) -> None:
        admin, link, send, operator = self.ports
        shim = self.directory / "loopback.so"
        if not shim.exists():
            source = Path(__file__).with_name("loopback.c")
            subprocess.run(["gcc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
            (self.directory / "spool").mkdir()
            (self.directory / "dlr").mkdir()
        config = self.directory / "kannel.conf"
        config.write_text(
            _CONFIG.format(
                admin=admin, link=link, send=send, operator=operator, ours=OURS, hook=self.hook,
                directory=self.directory, pattern=kannel.GET_URL,
            )
        )  # fmt: skip
        self._run("/usr/sbin/bearerbox", config, LD_PRELOAD=str(shim))
        wait_for(link)
        self._run("/usr/sbin/smsbox", config)
        wait_for(send)

    def _run(self, program: str, config: Path, **environment: str) -> None:
        output = (self.directory / f"{Path(program).name}.out").open("ab")
        self.running.append(
            subprocess.Popen(
                [program, "-v", "4", str(config)], stdout=output, stderr=output,
                env={**os.environ, **environment},
            )
        )  # fmt: skip

    def stop(self) -> None:
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


class Phone:
    """A telephone on the fake operator: it says its text once and shows what it receives."""

    def __init__(self, server: KannelServer, text: str = "", number: str = "13800138000") -> None:
        says = f"{number} {OURS} ucs2 {_ucs2(text)}" if text else "1 2 text nothing"
        command = [
            FAKE_SMSC, "-H", "127.0.0.1", "-r", str(server.ports[3]), "-i", "0.05",
            "-m", "1" if text else "0", says,
        ]  # fmt: skip
        self.log = server.directory / f"phone-{next(_COUNT)}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)

    def has_spoken(self) -> bool:
        return "sent message" in self.log.read_text(errors="replace")

    def received(self) -> list[str]:
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Got message" in line]

    def shows(self) -> list[tuple[str, str]]:
        """What it received, in order: for which number, and the text with its parts joined."""
        shown: list[tuple[str, str]] = []
        parts: dict[tuple[str, bytes], dict[int, str]] = {}
        for line in self.log.read_text(errors="replace").splitlines():
            if not (got := _GOT.search(line)):
                continue
            number, text = got["number"], _plain(got["kind"], got["body"])
            if got["udh"]:
                *_, reference, total, place = unquote_to_bytes(got["udh"])
                family = parts.setdefault((number, bytes([reference])), {})
                family[place] = text
                if len(family) < total:
                    continue
                text = "".join(family[place] for place in sorted(family))
            shown.append((number, text))
        return shown

    def hang_up(self) -> None:
        self.process.terminate()
        self.process.wait(5)


_COUNT = count(1)
_GOT = re.compile(
    r"Got message \d+: <\S+ (?P<number>\S+) (?:udh (?P<udh>\S+) )?"
    r"(?P<kind>[a-z0-9-]+) (?P<body>.*)>"
)


def _plain(kind: str, body: str) -> str:
    if kind == "text":
        return body
    return unquote_to_bytes(body.replace("+", " ")).decode("utf-16-be")


def _ucs2(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-16-be"))
