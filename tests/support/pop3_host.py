"""A POP3 host as a process of its own, the operator who fills its store, and a client for transcripts."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from uuid import UUID

import pytest
import uvloop

from mailkeep.auth import CreatedKey, KeyService
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.mailbox import INBOX
from mailkeep.model.message import Delivery, DeliveryTarget, NewMessage
from mailkeep.model.scope import Scope
from mailkeep.model.uids import UidSet
from mailkeep.net import sdnotify
from mailkeep.net.development import DevelopmentCa
from mailkeep.settings import AuthSettings, StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store

DOMAIN = "example.test"
SECONDS = 20.0  # until a host that does not answer counts as broken
CHEAP_BCRYPT = 4  # the lowest that bcrypt has: tests make many keys
GREETING = "+OK Mailkeep POP3 server ready."
IN_THE_CLEAR = {"AUTH_INSECURE_LOOPBACK_AUTH": "true"}
"""Options of a host that takes secrets in the clear from loopback, so that transcripts can be read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Login:
    """A user with one key."""

    address: str
    user_id: UUID
    account_id: int
    key_id: UUID
    key: str = field(repr=False)


class Operator:
    """Another process's worth of access to the store, for tests that are no coroutines."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.store: Store = self.run(open_store(settings))
        self._numbers = count(1)
        self.run(self._host_domain())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the operator's loop."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close the store."""
        self.run(self.store.close())
        self._runner.close()

    def user(self, *scopes: Scope) -> Login:
        """A new user with a key; without scopes it is made for POP3."""
        return self.run(self._user(f"user{next(self._numbers)}@{DOMAIN}", frozenset(scopes or {Scope.POP3})))

    def key(self, login: Login, *scopes: Scope) -> CreatedKey:
        """A further key."""
        return self.run(self._keys.create(login.user_id, "test", frozenset(scopes)))

    def revoke(self, key_id: UUID) -> None:
        """Revoke a key."""
        self.run(self._keys.revoke(key_id))

    def deliver(self, address: str, *messages: bytes) -> None:
        """As the SMTP host does it."""
        self.run(self._deliver(address, messages))

    def append(self, login: Login, *messages: bytes) -> None:
        """As IMAP's APPEND to INBOX does it."""
        self.run(self._append(login, messages))

    def expunge(self, login: Login, *uids: int) -> None:
        """As another client does it over IMAP."""
        self.run(self._expunge(login, UidSet.of(uids)))

    def uids(self, login: Login) -> list[int]:
        """What INBOX holds."""
        return self.run(self._uids(login))

    @property
    def _keys(self) -> KeyService:
        return KeyService(self.store, AuthSettings(bcrypt_cost=CHEAP_BCRYPT))

    async def _host_domain(self) -> None:
        if await self.store.directory.domain(DOMAIN) is None:
            await self.store.directory.add_domain(DOMAIN)

    async def _user(self, address: str, scopes: frozenset[Scope]) -> Login:
        user = await self.store.directory.add_user(Address.parse(address))
        made = await self._keys.create(user.id, "test", scopes)
        return Login(address, user.id, user.account_id, made.id, made.api_key)

    async def _deliver(self, address: str, messages: tuple[bytes, ...]) -> None:
        targets = (DeliveryTarget(Address.parse(address)),)
        for octets in messages:
            delivery = Delivery(prepare(octets), targets, datetime.now(UTC))
            await self.store.committer.deliver(delivery)

    async def _append(self, login: Login, messages: tuple[bytes, ...]) -> None:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        now = datetime.now(UTC)
        await self.store.committer.append(inbox.id, [NewMessage(prepare(octets), now) for octets in messages])

    async def _expunge(self, login: Login, uids: UidSet) -> None:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        await self.store.committer.expunge(inbox.id, uids, only_deleted=False)

    async def _uids(self, login: Login) -> list[int]:
        inbox = await self.store.mailboxes.get(login.account_id, INBOX)
        snapshot = await self.store.messages.snapshot(inbox.id)
        await self.store.messages.refresh(snapshot)
        return list(snapshot.uids)


class Pop3Host:
    """`python -m mailkeep_pop3` on free loopback ports. `options` are MAILKEEP_* variables without prefix."""

    def __init__(
        self, store: StoreSettings, ca: DevelopmentCa, options: Mapping[str, str] | None = None
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="mkpop3-")
        self.ca = ca
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("MAILKEEP_")},
            "MAILKEEP_STORE_DATA_DIR": store.data_dir,
            "MAILKEEP_STORE_DATABASE": store.database,
            "MAILKEEP_TLS_CERTIFICATE": str(ca.certificate),
            "MAILKEEP_TLS_KEY": str(ca.key),
            "MAILKEEP_POP3_PLAIN": "127.0.0.1:0",
            "MAILKEEP_POP3_TLS": "127.0.0.1:0",
            **{f"MAILKEEP_{name}": value for name, value in (options or {}).items()},
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._read = 0
        self.plain_port = 0
        self.tls_port = 0

    @property
    def log(self) -> str:
        """What the host wrote to standard error."""
        return (Path(self._directory.name) / "log").read_text("utf-8", "replace")

    def assert_no_fault(self) -> None:
        """Nothing went wrong on the host's side since it was last asked."""
        log, self._read = self.log[self._read :], len(self.log)
        if "Traceback" in log or "[error" in log or "[critical" in log:
            pytest.fail(log[-8000:])

    @property
    def resident_octets(self) -> int:
        """The host's resident memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    def __enter__(self) -> Pop3Host:
        path = Path(self._directory.name) / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            notify.settimeout(SECONDS)
            with (Path(self._directory.name) / "log").open("ab") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "mailkeep_pop3"],
                    env={**self._environment, "NOTIFY_SOCKET": str(path)},
                    stdin=subprocess.DEVNULL,
                    stderr=log,
                )
            self._await_ready(notify)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self.stop()
        self._directory.cleanup()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def connect(self) -> Client:
        """A connection in the clear."""
        return Client(socket.create_connection(("127.0.0.1", self.plain_port), SECONDS), self.ca)

    def connect_tls(self) -> Client:
        """A connection over TLS."""
        client = Client(socket.create_connection(("127.0.0.1", self.tls_port), SECONDS), self.ca)
        client.start_tls()
        return client

    def log_in(self, login: Login) -> Client:
        """An authenticated session in the clear, its replies so far read."""
        client = self.connect()
        client.play(
            f"""
            S: {GREETING}
            C: USER {login.address}
            S: +OK Send PASS.
            C: PASS {login.key}
            S: +OK <messages> messages (<octets> octets).
            """
        )
        return client

    def _await_ready(self, notify: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([notify], [], [], 0.2)
            if not readable:
                assert self.process is not None
                assert self.process.poll() is None, self.log
                continue
            fields = sdnotify.parse(notify.recv(65536))
            if fields.get("READY") == "1":
                listeners = sdnotify.parse_listeners(fields)
                self.plain_port = int(listeners["pop3"][0].rpartition(":")[2])
                self.tls_port = int(listeners["pop3s"][0].rpartition(":")[2])
                return


class Client:
    """A client that says what it is told, and reads octet by octet what the protocol says."""

    def __init__(self, connection: socket.socket, ca: DevelopmentCa) -> None:
        self.socket = connection
        self._ca = ca
        self._buffer = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play(self, transcript: str) -> dict[str, str]:
        """Send each "C:" line and compare what comes with each "S:" line.

        `<name>` in an S: line stands for one word, which comes back under that name.
        """
        found: dict[str, str] = {}
        for line in filter(None, (line.strip() for line in transcript.splitlines())):
            who, _, text = line.partition(" ")
            if who == "C:":
                self.send(text.encode("utf-8") + b"\r\n")
            else:
                found |= _match(text, self.line())
        return found

    def send(self, octets: bytes) -> None:
        """Octets as they are."""
        self.socket.sendall(octets)

    def send_until_blocked(self, octets: bytes, limit: int) -> int:
        """Send the same again and again, reading nothing, until the server takes no more for a second.

        Returns how many octets were sent; gives up at `limit`.
        """
        sent = 0
        self.socket.setblocking(False)
        try:
            while sent < limit and select.select([], [self.socket], [], 1.0)[1]:
                sent += self.socket.send(octets)
        finally:
            self.socket.settimeout(SECONDS)
        return sent

    def patience(self, seconds: float) -> None:
        """How long to wait for octets from now on."""
        self.socket.settimeout(seconds)

    def line(self) -> str:
        """The next line without its CRLF."""
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("ascii")

    def multi_line(self) -> bytes:
        """The rest of a multi-line reply, unstuffed (RFC 1939 section 3)."""
        at = 0
        self._buffer = b"\r\n" + self._buffer
        while (end := self._buffer.find(b"\r\n.\r\n", at)) < 0:
            at = max(0, len(self._buffer) - 4)
            self._fill()
        text, self._buffer = self._buffer[: end + 2], self._buffer[end + 5 :]
        return text.replace(b"\r\n.", b"\r\n")[2:]

    def command(self, text: str) -> str:
        """Send a line and return the status line."""
        self.send(text.encode("utf-8") + b"\r\n")
        return self.line()

    def listing(self, text: str) -> list[str]:
        """Send a line; return the lines of its positive multi-line reply."""
        status = self.command(text)
        assert status.startswith("+OK"), status
        return self.multi_line().decode("ascii").splitlines()

    def retrieve(self, number: int) -> bytes:
        """RETR."""
        status = self.command(f"RETR {number}")
        assert status.startswith("+OK"), status
        return self.multi_line()

    def start_tls(self) -> None:
        """The client's side of TLS, with the certificate verified."""
        context = ssl.create_default_context(cafile=str(self._ca.ca_file))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def ended(self) -> bool:
        """True once the server has closed the connection, without another octet."""
        try:
            return self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLEOFError):
            return True

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def _fill(self) -> None:
        octets = self.socket.recv(1 << 20)
        if not octets:
            raise ConnectionError(f"the server closed the connection after {self._buffer[-200:]!r}")
        self._buffer += octets


def _match(expected: str, line: str) -> dict[str, str]:
    pattern = re.sub(r"<(\w+)>", r"(?P<\1>\\S+)", re.escape(expected).replace(r"\<", "<").replace(r"\>", ">"))
    found = re.fullmatch(pattern, line)
    assert found is not None, f"expected {expected!r}, the server said {line!r}"
    return found.groupdict()
