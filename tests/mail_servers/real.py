"""Mail servers as people run them: pymap by pip; Dovecot and Postfix where they are installed.

Everything listens on 127.0.0.1 and is stopped by the process ids it was started with.
"""

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import psutil
from pysasl.hashing import BuiltinHash

from tests.mail_servers import free_port, require
from tests.mail_servers.certificate import certificate

OWNER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def wait_for(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


@dataclass
class ImapServer:
    port: int
    user: str

    @contextmanager
    def other_client(self, folder: str = "INBOX") -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            # imaplib writes a literal in two pieces, and Nagle would wait 40 ms between them.
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.login(self.user, "secret")
            client.select(folder)
            yield client

    def deliver(self, *raws: bytes) -> None:
        with self.other_client() as client:
            for raw in raws:
                client.append("INBOX", "", "", raw)

    def read_all(self, folder: str = "INBOX") -> list[bytes]:
        with self.other_client(folder) as client:
            if client.untagged_responses["EXISTS"] == [b"0"]:
                return []
            _, answer = client.fetch("1:*", "(BODY.PEEK[])")
            return [part[1] for part in answer if isinstance(part, tuple)]


# Half a million rounds of hashing per login are right for a server and slow for its tests.
_PYMAP = """
from pysasl.hashing import BuiltinHash
BuiltinHash.__init__.__kwdefaults__["rounds"] = 1
from pymap.main import main
main()
"""


def _pymap(port: int, *backend: str) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [
            *(sys.executable, "-c", _PYMAP),
            *("--host", "127.0.0.1", "--port", str(port), "--no-tls", *backend),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(port)
    return server


@contextmanager
def pymap() -> Iterator[ImapServer]:
    """All in memory; its folder Trash takes nothing in."""
    port = free_port()
    demo = ("dict", "--demo-data", "--demo-user", "desk", "--demo-password", "secret")
    server = _pymap(port, *demo)
    try:
        yield ImapServer(port, "desk")
    finally:
        server.kill()  # asked politely, it waits for whoever is still connected
        server.wait()


class Pymap:
    """With a Maildir for each user, so that it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._server = _pymap(self.port, "maildir", str(self.folder))

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def user(self, name: str) -> ImapServer:
        hashed = BuiltinHash(rounds=1).hash("secret")
        for file, line in (
            ("passwd", f"{name}:x::::{name}:"),
            ("shadow", f"{name}:{hashed}" + ":" * 7),
        ):
            with (self.folder / f"pymap-etc-{file}").open("a") as users:
                users.write(f"{line}\n")
        return ImapServer(self.port, name)

    def drop(self, user: str, *raws: bytes) -> None:
        _into_maildir(self.folder / user, *raws)

    def forget_uids(self, user: str) -> None:
        (self.folder / user / "dovecot-uidlist").unlink()


@contextmanager
def pymap_on_disk() -> Iterator[Pymap]:
    folder = Path(mkdtemp(prefix="pm"))  # where its temporary files are: it renames them
    server = Pymap(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Dovecot:
    """Any user name logs in with "secret" and has a Maildir of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    lmtp_port: int = field(default_factory=free_port)

    def start(self) -> None:
        (self.folder / "dovecot.conf").write_text(self._configuration())
        as_owner = {"user": OWNER, "group": _group(), "extra_groups": []}
        subprocess.run(
            ["/usr/sbin/dovecot", "-c", self.folder / "dovecot.conf"],
            check=True,
            **as_owner if os.geteuid() == 0 else {},  # type: ignore[call-overload]
        )
        wait_for(self.port)

    def kill(self) -> None:
        """The master with its children: left alone, an idling one would live on for seconds."""
        pid_file = self.folder / "run/master.pid"
        if not pid_file.exists():
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            master = psutil.Process(int(pid_file.read_text()))
            family = [master, *master.children(recursive=True)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, timeout=10)
        pid_file.unlink(missing_ok=True)

    def user(self, name: str) -> ImapServer:
        return DovecotUser(self.port, name, self)

    def drop(self, user: str, *raws: bytes, age: float = 0) -> None:
        """Also while the server is down."""
        _into_maildir(self.folder / "mail" / user, *raws, age=age)

    def forget_uids(self, user: str) -> None:
        """What a restored backup or a repaired index does: every uid anew, another uidvalidity."""
        box = self.folder / "mail" / user
        first, *_ = (box / "dovecot-uidlist").read_text().splitlines()
        version, validity, *_ = first.split()
        for path in box.glob("dovecot*"):
            path.unlink()
        anew = box / "dovecot-uidlist"
        anew.write_text(f"{version} V{int(validity[1:]) + 1000} N1\n")
        _give_away(anew)

    def lock(self, user: str, folder: str, *, unlock: bool = False) -> None:
        """Nothing can be put into the folder: every MOVE to it is answered NO."""
        for name in ("cur", "new", "tmp"):
            (self.folder / "mail" / user / f".{folder}" / name).chmod(0o755 if unlock else 0o555)

    def deny(self, user: str, *, allow: bool = False) -> None:
        """The account may read its INBOX and mark nothing there."""
        rights = self.folder / "mail" / user / "dovecot-acl"
        if allow:
            rights.unlink()
        else:
            rights.write_text("owner lrk\n")
            _give_away(rights)

    def _configuration(self) -> str:
        cert, key = certificate()
        d = self.folder
        plain = {"imap-login": "", "anvil": "", "stats": "", "lmtp": ""}
        plain["imap-login"] = (
            f"inet_listener imap {{\n port = {self.port}\n}}\n"
            f"inet_listener imaps {{\n port = {self.tls_port}\n ssl = yes\n}}\n"
        )
        plain["lmtp"] = (
            f"inet_listener lmtp {{\n address = 127.0.0.1\n port = {self.lmtp_port}\n}}\n"
        )
        services = "".join(f"service {n} {{\nchroot =\n{s}}}\n" for n, s in plain.items())
        for path in (cert, key):
            shutil.copy(path, d)
        _give_away(d)
        return f"""
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
default_internal_user = {OWNER}
default_internal_group = {_group()}
default_login_user = {OWNER}
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
auth_failure_delay = 0 secs
ssl = yes
ssl_cert = <{d}/cert.pem
ssl_key = <{d}/key.pem
mail_location = maildir:{d}/mail/%n
mailbox_list_index = no
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={pwd.getpwnam(OWNER).pw_uid} gid={pwd.getpwnam(OWNER).pw_gid} home={d}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
mail_plugins = acl
plugin {{
  acl = vfile:cache_secs=0
}}
protocol lmtp {{
  postmaster_address = postmaster@desk.test
  auth_username_format = %Ln
}}
{services}"""


@dataclass
class DovecotUser(ImapServer):
    dovecot: Dovecot

    def deliver(self, *raws: bytes) -> None:
        self.dovecot.drop(self.user, *raws)


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    require("dovecot", "openssl")
    folder = Path(mkdtemp(prefix="pd", dir="/tmp"))  # unix sockets want a short path
    folder.chmod(0o755)
    # Whoever comes first, a login or a delivery by root: Dovecot must be able to add to it.
    (folder / "mail").mkdir()
    _give_away(folder / "mail")
    server = Dovecot(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postfix(lmtp_port: int) -> Iterator[int]:
    """An MTA that hands all mail for desk.test to a local LMTP server; nothing ever leaves."""
    require("postfix")
    folder = Path(mkdtemp(prefix="pf", dir="/tmp"))
    folder.chmod(0o755)
    port = free_port()
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "etc/main.cf").write_text(_MAIN_CF.format(d=folder, lmtp=lmtp_port))
    (folder / "etc/master.cf").write_text(_MASTER_CF.format(port=port))
    with contextlib.suppress(FileNotFoundError):
        shutil.copy("/etc/postfix/dynamicmaps.cf", folder / "etc")
    command = ["postfix", "-c", str(folder / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        wait_for(port)
        yield port
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _into_maildir(box: Path, *raws: bytes, age: float = 0) -> None:
    """As a delivery agent does it: written beside, and then moved in."""
    if not box.exists():
        for name in ("tmp", "new", "cur"):
            (box / name).mkdir(parents=True)
        _give_away(box)
    for n, raw in enumerate(raws):
        draft = box / "tmp" / f"{time.time_ns()}.{n}.drop"
        draft.write_bytes(raw)
        if age:
            os.utime(draft, (time.time() - age,) * 2)
        _give_away(draft)
        draft.rename(box / "new" / draft.name)


def _group() -> str:
    return grp.getgrgid(pwd.getpwnam(OWNER).pw_gid).gr_name


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        for path in (folder, *(folder.rglob("*") if folder.is_dir() else ())):
            shutil.chown(path, OWNER, _group())


_MAIN_CF = """compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.desk.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = localhost, desk.test
virtual_mailbox_maps = static:all
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = error:5.4.4 no route from here
relay_transport = error:5.4.4 no route from here
smtp_dns_support_level = disabled
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtputf8_enable = yes
maillog_file = {d}/mail.log
maillog_file_prefixes = {d}
"""
_MASTER_CF = """127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""
