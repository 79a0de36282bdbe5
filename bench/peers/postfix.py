"""Debian's Postfix as an MX in a private configuration: its queue on disk, then a sink or Dovecot's LMTP."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

from bench.clients.wire import Server
from bench.peers import private
from bench.peers.peer import DOMAIN, LOOPBACK, free_ports

SINK_DOMAIN = "sink.test"

MASTER = """\
{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
"""master.cf of a Postfix that takes mail at `listen`. What its main.cf does not need is not started."""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
maillog_file = {root}/log
maillog_file_prefixes = {root}
inet_interfaces = {host}
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
relay_domains = {domain}, {sink}
transport_maps = inline:{{ {domain}=lmtp:inet:{host}:{lmtp}, {sink}=discard: }}
smtp_dns_support_level = disabled
lmtp_dns_support_level = disabled
lmtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
message_size_limit = 60000000
mailbox_size_limit = 0
"""


class Postfix:
    """Use as a context manager. Takes mail for SINK_DOMAIN, which it discards, and for DOMAIN."""

    name = "Postfix"

    def __init__(self, lmtp_port: int) -> None:
        self._command = private.program("postfix", "postfix")
        self._root = private.directory("postfix")
        self._lmtp_port = lmtp_port
        self._port = free_ports("smtp")["smtp"]

    def __enter__(self) -> Postfix:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self._root, ignore_errors=True)
            self._configure()
            self._run("start")
            stack.callback(self._run, "stop")
            private.wait_until_accepting(self._port, self._root / "log")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _configure(self) -> None:
        for name in ("etc", "queue", "data"):
            (self._root / name).mkdir()
        shutil.chown(self._root / "data", "postfix")
        places = {"root": self._root, "host": LOOPBACK, "lmtp": self._lmtp_port}
        domains = {"domain": DOMAIN, "sink": SINK_DOMAIN}
        (self._root / "etc" / "main.cf").write_text(_MAIN.format(**places, **domains))
        (self._root / "etc" / "master.cf").write_text(MASTER.format(listen=f"{LOOPBACK}:{self._port}"))

    def inlet(self) -> Server:
        """Where it takes mail."""
        return Server(LOOPBACK, self._port)

    def _run(self, verb: str) -> None:
        private.run([self._command, "-c", str(self._root / "etc"), verb])
