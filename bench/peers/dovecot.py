"""Debian's Dovecot in a private configuration: as shipped but for ports, users and limits."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from bench.peers import private
from bench.peers.peer import DOMAIN, LOOPBACK, Account, Peer, free_ports
from mailkeep.net.development import ensure_ca

MAIL_USER = "nobody"
_LOCATIONS = {"sdbox": "sdbox:~/sdbox", "maildir": "maildir:~/maildir"}

# Limits are raised where the number of connections would otherwise be measured and not their cost. The
# password is compared in clear: Dovecot pays for no hash at all.
_CONFIGURATION = """\
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/log
instance_name = {name}
protocols = imap pop3 lmtp
listen = {host}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = {location}
mail_uid = {user}
mail_gid = nogroup
first_valid_gid = 1
mail_max_userip_connections = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid=nogroup home={root}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  process_limit = 3000
  {login}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  {login}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 3000
  {session}
}}
service pop3 {{
  {session}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {host}
    port = {lmtp}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@{domain}
}}
"""
_REUSED_LOGIN = "service_count = 0\n  process_min_avail = 2"
_REUSED_SESSION = "service_count = 0\n  process_min_avail = 12"


class Dovecot(Peer):
    """Use as a context manager. Any address logs in, with one password for all."""

    takes_mail_by = "lmtp"

    def __init__(
        self, storage: Literal["sdbox", "maildir"], processes: Literal["as shipped", "reused"] = "as shipped"
    ) -> None:
        self.name = f"Dovecot ({storage}{(processes == 'reused' and ', processes reused') or ''})"
        self.ports = free_ports("imap", "imaps", "pop3", "pop3s", "lmtp")
        self._password = secrets.token_hex(16)
        self._storage = storage
        self._reused = processes == "reused"
        self._command = private.program("dovecot", "dovecot-imapd, dovecot-pop3d and dovecot-lmtpd")
        self._root = private.directory("dovecot")

    def __enter__(self) -> Dovecot:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self._root, ignore_errors=True)
            mail = self._root / "mail"
            mail.mkdir()
            shutil.chown(mail, MAIL_USER)
            configuration = self._root / "dovecot.conf"
            configuration.touch(mode=0o600)
            configuration.write_text(self._configuration())
            private.run([self._command, "-c", str(configuration)])
            stack.callback(self._stop, configuration)
            private.wait_until_accepting(self.ports["imap"], self._root / "log")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _stop(self, configuration: Path) -> None:
        master = self._master()
        private.run([self._command, "-c", str(configuration), "stop"])
        private.wait_until_gone(master)

    def account(self, name: str) -> Account:
        """Made by its first login."""
        return Account(f"{name}@{DOMAIN}", self._password)

    def pids(self) -> Sequence[int]:
        """All processes: which serve IMAP changes with every login."""
        return private.descendants(self._master())

    def _master(self) -> int:
        return int((self._root / "run" / "master.pid").read_text())

    def _configuration(self) -> str:
        authority = ensure_ca(self._root / "tls", (LOOPBACK,))
        return _CONFIGURATION.format(
            root=self._root,
            name=self._root.name,
            host=LOOPBACK,
            domain=DOMAIN,
            user=MAIL_USER,
            password=self._password,
            location=_LOCATIONS[self._storage],
            certificate=authority.certificate,
            key=authority.key,
            login=_REUSED_LOGIN if self._reused else "",
            session=_REUSED_SESSION if self._reused else "",
            **self.ports,
        )
