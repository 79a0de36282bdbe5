"""A private Exim or OpenSMTPD that relays everything to one place over STARTTLS: other servers of the world.

Debian lets only one mail server be installed, so these two are unpacked and not installed (`.ci/run` does
it), and run in a mount namespace of their own, in which the users that they insist on exist, and their queues
are in memory. Nothing of the machine's is touched. Both insist on root.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Literal

import pytest
from tests.support.hosts import Place
from tests.support.ports import free_port
from tests.support.programs import REQUIRE_CLIENTS

Kind = Literal["exim", "opensmtpd"]

SECONDS = 60.0
CACHE = Path(os.environ.get("MAILKEEP_TEST_CACHE") or Path.home() / ".cache" / "mailkeep-tests")
UNPACKED = CACHE / "servers"  # by package, as .ci/run leaves them there

_PROGRAMS = {"exim": "usr/sbin/exim4", "opensmtpd": "usr/sbin/smtpd"}
_USERS = {"Debian-exim": 64994, "opensmtpd": 64995, "opensmtpq": 64996}
_EXIM = """\
exim_path = {program}
primary_hostname = exim.remote.example
daemon_smtp_ports = {listen}
local_interfaces = 127.0.0.1
spool_directory = {root}/spool
log_file_path = {root}/log/%s
pid_file_path = {root}/log/pid
log_selector = +smtp_confirmation +tls_certificate_verified
acl_smtp_rcpt = accept
acl_smtp_data = accept
dsn_advertise_hosts = *
tls_advertise_hosts =
keep_environment =
deliver_drop_privilege = true
begin routers
out:
  driver = manualroute
  transport = out
  route_list = * localhost byname
  self = send
begin transports
out:
  driver = smtp
  port = {port}
  allow_localhost
  hosts_require_tls = *
  tls_verify_certificates = {root}/ca.pem
  tls_verify_hosts = *
begin retry
* * F,1m,1s
"""
_OPENSMTPD = """\
listen on 127.0.0.1 port {listen} hostname smtpd.remote.example
action out relay host smtp+tls://localhost:{port} helo smtpd.remote.example
match from any for any action out
"""
_NAMESPACE = """\
set -e
mount --bind {root}/passwd /etc/passwd
mount --bind {root}/group /etc/group
mount --bind {root}/ca.pem /etc/ssl/certs/ca-certificates.crt
mount -t tmpfs none /var/spool
mount -t tmpfs none /var/lib
mount -t tmpfs none /run
mkdir -p -m 711 /var/spool/smtpd
mkdir -p /var/lib/opensmtpd/empty
exec {command}
"""


class PrivateMta:
    """Use as a context manager. `place` is where it takes mail from anybody on this machine."""

    def __init__(self, kind: Kind, relay_to: Place, ca_file: str) -> None:
        self._program = UNPACKED / kind / _PROGRAMS[kind]
        if not self._program.exists() or os.getuid() != 0:
            reason = f"{kind} is unpacked by .ci/run, and needs root"
            if os.environ.get(REQUIRE_CLIENTS) == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        self._kind = kind
        self._relay_to = relay_to
        self._ca_file = ca_file
        self._root = Path(tempfile.mkdtemp(prefix=f"mk{kind}-"))
        self._root.chmod(0o755)  # its own user must get in
        self._process: subprocess.Popen[bytes] | None = None
        self.place = Place("127.0.0.1", free_port())

    @property
    def log(self) -> str:
        """What it says of each message."""
        files = sorted((self._root / "log").glob("*"))
        return "".join(path.read_text(errors="replace") for path in files)

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Return when the log says it so often. Raises AssertionError."""
        deadline = time.monotonic() + SECONDS
        while self.log.count(text) < times:
            assert time.monotonic() < deadline, f"not in the log: {text!r}\n{self.log[-4000:]}"
            time.sleep(0.05)

    def __enter__(self) -> PrivateMta:
        try:
            self._start()
            self._wait_until_it_accepts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        shutil.rmtree(self._root, ignore_errors=True)

    def _start(self) -> None:
        for name in ("spool", "log"):
            (self._root / name).mkdir()
            os.chown(self._root / name, _USERS["Debian-exim"], _USERS["Debian-exim"])
        self._program = Path(shutil.copy(self._program, self._root))  # where its own user gets to
        shutil.copy(self._ca_file, self._root / "ca.pem")
        (self._root / "ca.pem").chmod(0o644)
        _with_users(
            Path("/etc/passwd"), self._root / "passwd", "{0}:x:{1}:{1}::/nonexistent:/usr/sbin/nologin\n"
        )
        _with_users(Path("/etc/group"), self._root / "group", "{0}:x:{1}:\n")
        config = self._root / "config"
        given = {"root": self._root, "listen": self.place.port, "port": self._relay_to.port}
        text = _EXIM if self._kind == "exim" else _OPENSMTPD
        config.write_text(text.format(program=self._program, **given))
        options = f"-C {config} -bdf -q1m" if self._kind == "exim" else f"-d -f {config}"
        script = _NAMESPACE.format(root=self._root, command=f"{self._program} {options}")
        with open(self._root / "log" / "output", "wb") as output:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_it_accepts(self) -> None:
        deadline = time.monotonic() + SECONDS
        assert self._process is not None
        while True:
            try:
                socket.create_connection(self.place, timeout=5).close()
            except OSError:
                assert self._process.poll() is None, self.log
                assert time.monotonic() < deadline, f"{self._kind} does not accept:\n{self.log}"
                time.sleep(0.05)
            else:
                return


def _with_users(source: Path, copy: Path, line: str) -> None:
    users = "".join(line.format(name, number) for name, number in _USERS.items())
    copy.write_text(source.read_text() + users)
