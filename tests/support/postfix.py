"""A private Postfix that relays everything to one place over verified TLS: another server of the world.
With a certificate of its own it also offers STARTTLS to whoever sends to it; with a Dovecot to ask it takes
mail from those alone who log in, as a provider's submission does.

It runs from the installed package with a configuration, a queue and a port of its own, and touches nothing
of the machine's. Postfix's master insists on root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from bench.peers.postfix import MASTER
from tests.support.hosts import Place
from tests.support.ports import free_port
from tests.support.programs import REQUIRE_CLIENTS, program, run

SECONDS = 60.0

_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/log
maillog_file_prefixes = {root}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mta.remote.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relayhost = [localhost]:{port}
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtp_tls_security_level = secure
smtp_tls_CAfile = {ca_file}
smtp_tls_loglevel = 1
message_size_limit = 60000000
mailbox_size_limit = 0
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
smtpd_forbid_bare_newline = no
"""
_TLS = """\
smtpd_tls_security_level = may
smtpd_tls_chain_files = {root}/tls.pem
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
"""


_LOGINS = """\
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{place}
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""


class Postfix:
    """Use as a context manager. `place` is where it takes mail from anybody on this machine."""

    def __init__(
        self, relay_to: Place, ca_file: str, chain: bytes = b"", logins_at: Place | None = None
    ) -> None:
        """`chain` is a key and certificates as PEM, `logins_at` where a Dovecot's auth service listens."""
        self._command = program("postfix")
        if os.getuid() != 0:
            if os.environ.get(REQUIRE_CLIENTS) == "1":
                pytest.fail("Postfix needs root")
            pytest.skip("Postfix needs root")
        # Not pytest's directory: that is private, and Postfix's own user must get in.
        self._root = Path(tempfile.mkdtemp(prefix="mkpostfix-"))
        self._root.chmod(0o755)
        self._relay_to = relay_to
        self._ca_file = ca_file
        self._chain = chain
        self._logins_at = logins_at
        self.place = Place("127.0.0.1", free_port())

    @property
    def log(self) -> str:
        """What Postfix says of each message."""
        path = self._root / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Return when the log says it so often. Raises AssertionError."""
        deadline = time.monotonic() + SECONDS
        while self.log.count(text) < times:
            assert time.monotonic() < deadline, f"not in Postfix's log: {text!r}\n{self.log[-4000:]}"
            time.sleep(0.05)

    def __enter__(self) -> Postfix:
        config = self._root / "etc"
        for name in ("etc", "queue", "data"):
            (self._root / name).mkdir()
        shutil.chown(self._root / "data", "postfix")
        # The relay's CA must be readable for Postfix too.
        ca_file = Path(shutil.copy(self._ca_file, self._root / "ca.pem"))
        ca_file.chmod(0o644)
        main = _MAIN.format(root=self._root, port=self._relay_to.port, ca_file=ca_file)
        if self._chain:
            (self._root / "tls.pem").write_bytes(self._chain)
            (self._root / "tls.pem").chmod(0o600)
            main += _TLS.format(root=self._root)
        if self._logins_at:
            main += _LOGINS.format(place=":".join(map(str, self._logins_at)))
        (config / "main.cf").write_text(main)
        (config / "master.cf").write_text(MASTER.format(listen=f"127.0.0.1:{self.place.port}"))
        started = run([self._command, "-c", str(config), "start"])
        assert started.returncode == 0, f"{started.stdout + started.stderr!r}\n{self.log}"
        self._wait_until_it_accepts()
        return self

    def __exit__(self, *_: object) -> None:
        run([self._command, "-c", str(self._root / "etc"), "stop"])
        shutil.rmtree(self._root, ignore_errors=True)

    def queue(self) -> str:
        """What has not been delivered yet."""
        listed = subprocess.run(
            [program("postqueue"), "-c", str(self._root / "etc"), "-p"],
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
        return listed.stdout.decode(errors="replace")

    def _wait_until_it_accepts(self) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(self.place, timeout=5).close()
            except OSError:
                assert time.monotonic() < deadline, f"Postfix does not accept:\n{self.log}"
                time.sleep(0.05)
            else:
                return
