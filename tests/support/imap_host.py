"""An IMAP host as a process of its own, and a client that plays transcripts.

A transcript is text: "C:" lines are sent with CRLF, "S:" lines are what must come, one by one. In an S: line
`...` stands for anything, and `<name>` for one word, which must be the same wherever that name stands and is
put into C: lines. A literal goes on in the next line, as it does on the wire.
"""

from __future__ import annotations

import re
import select
import socket
import ssl

from tests.support.host_process import IN_THE_CLEAR, SECONDS, HostProcess
from tests.support.operator import Login, Operator

from mailkeep.model.scope import Scope
from mailkeep.net.development import DevelopmentCa

__all__ = ["IN_THE_CLEAR", "SECONDS", "Client", "ImapHost", "Login", "Operator", "imap_user"]

QUIET_SECONDS = 0.15  # long enough for a notice that should not come

_NAMED = re.compile(r"<([a-z_]+)>")


def imap_user(operator: Operator) -> Login:
    """A new user whose key opens IMAP alone."""
    return operator.user(Scope.IMAP)


class ImapHost(HostProcess):
    """See HostProcess."""

    name = "imap"

    def connect(self) -> Client:
        """A connection in the clear, its greeting not read."""
        return Client(self.connection(self.plain_port), self.ca)

    def connect_tls(self) -> Client:
        """A connection over TLS, its greeting not read."""
        client = Client(self.connection(self.tls_port), self.ca)
        client.start_tls()
        return client

    def log_in(self, login: Login, mailbox: str = "") -> Client:
        """An authenticated session in the clear, with a mailbox selected if one is named."""
        client = self.connect()
        assert client.line().startswith("* OK")
        client.command(f"LOGIN {login.address} {login.key}")
        if mailbox:
            client.command(f"SELECT {mailbox}")
        return client


class Client:
    """A client that says what it is told and reads line by line."""

    def __init__(self, connection: socket.socket, ca: DevelopmentCa) -> None:
        self.socket = connection
        self._ca = ca
        self._buffer = b""
        self._tags = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play(self, transcript: str) -> dict[str, str]:
        """Follow a transcript; returns what its names stood for."""
        named: dict[str, str] = {}
        for line in filter(None, (line.strip() for line in transcript.splitlines())):
            who, _, text = line.partition(" ")
            if who == "C:":
                text = _NAMED.sub(lambda found: named.get(found[1], found[0]), text)
                self.send(text.encode("utf-8") + b"\r\n")
            else:
                assert who == "S:", f"not a transcript line: {line}"
                _match(text, self.line(), named)
        return named

    def command(self, text: str) -> list[str]:
        """Send a command with a tag of its own; returns the untagged lines. It must be answered OK."""
        lines = self.exchange(text)
        status = lines.pop()
        assert status.startswith("OK"), f"{text[:40]}: {status}"
        return lines

    def refused(self, text: str) -> str:
        """Send a command that must not succeed; returns its status, code and text."""
        status = self.exchange(text)[-1]
        assert not status.startswith("OK"), f"{text[:40]}: {status}"
        return status

    def exchange(self, text: str) -> list[str]:
        """Send a command; returns the untagged lines, and last the tagged one without its tag."""
        self._tags += 1
        tag = f"T{self._tags}"
        self.send(f"{tag} {text}\r\n".encode())
        return self.until(tag)

    def until(self, tag: str) -> list[str]:
        """The lines up to the tagged one, which comes last and without its tag."""
        lines = []
        while True:
            line = self.line()
            if line.startswith(tag + " "):
                return [*lines, line.removeprefix(tag + " ")]
            lines.append(line)

    def append(self, mailbox: str, message: bytes, before: str = "") -> int:
        """APPEND a message; returns its UID. `before` is flags, date, with a final space."""
        self._tags += 1
        tag = f"T{self._tags}"
        head = f"{tag} APPEND {mailbox} {before}{{{len(message)}+}}\r\n".encode()
        self.send(head + message + b"\r\n")
        status = self.until(tag)[-1]
        found = re.match(r"OK \[APPENDUID \d+ (\d+)\]", status)
        assert found is not None, status
        return int(found[1])

    def send(self, octets: bytes) -> None:
        """Octets as they are."""
        self.socket.sendall(octets)

    def line(self) -> str:
        """The next line without its CRLF; octets that are not UTF-8 as surrogates."""
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "surrogateescape")

    def octets(self, count: int) -> bytes:
        """Exactly so many octets: a literal."""
        while len(self._buffer) < count:
            self._fill()
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def is_quiet(self) -> bool:
        """True if nothing has come, and nothing comes within a moment."""
        return not self._buffer and not select.select([self.socket], [], [], QUIET_SECONDS)[0]

    def closed(self) -> bool:
        """True if the server closed the connection, after everything it sent was read."""
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def start_tls(self) -> None:
        """The client's side of TLS, with the certificate verified."""
        context = ssl.create_default_context(cafile=str(self._ca.ca_file))
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _fill(self) -> None:
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError(f"the server closed the connection after {self._buffer[-200:]!r}")
        self._buffer += octets


def _match(expected: str, line: str, named: dict[str, str]) -> None:
    pattern, seen = "", set[str]()
    for piece in re.split(r"(\.\.\.|<[a-z_]+>)", expected):
        name = _NAMED.fullmatch(piece)
        if piece == "...":
            pattern += ".*"
        elif name is None:
            pattern += re.escape(piece)
        elif name[1] in named:
            pattern += re.escape(named[name[1]])
        elif name[1] in seen:
            pattern += f"(?P={name[1]})"
        else:
            seen.add(name[1])
            pattern += rf"(?P<{name[1]}>[^\s\])]+)"
    found = re.fullmatch(pattern, line)
    assert found is not None, f"\n expected S: {expected}\n got      S: {line}"
    named |= found.groupdict()
