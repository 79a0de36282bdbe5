"""POP3: logins per second, and RETR one at a time and pipelined, over one maildrop that is filled already.

A maildrop is locked while it is open, so each login follows the end of the one before; RETR runs in one
session. Blocking sockets, because the client must cost less than what it measures.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from bench.clients.supply import Supply
from bench.clients.wire import WAIT_SECONDS, Server, Unexpected, spread

END = b"\r\n.\r\n"
RECEIVE = 1 << 18
PIPELINE = 1000
"""RETR commands sent ahead of what was read."""

_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CONTEXT.check_hostname = False
_CONTEXT.verify_mode = ssl.CERT_NONE  # a benchmark measures servers with private certificates


@dataclass(frozen=True, slots=True)
class Retrievals:
    """One way of reading the whole maildrop."""

    messages: int
    per_second: float
    mib_per_second: float


class Pop3Client:
    """One connection. Replies are checked, messages only counted."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection((server.host, server.port), WAIT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if server.tls == "implicit":
            self._secure()
        self._line()
        if server.tls == "starttls":
            self.ask("STLS")
            self._secure()

    def log_in(self, server: Server) -> None:
        """USER and PASS."""
        self.ask(f"USER {server.user}")
        self.ask(f"PASS {server.password}")

    def ask(self, command: str) -> str:
        """A command with a reply of one line."""
        self._socket.sendall(f"{command}\r\n".encode())
        return self._line()

    def retrieve(self, number: int) -> int:
        """One RETR; returns the octets of the reply."""
        self._socket.sendall(b"RETR %d\r\n" % number)
        reply = self._socket.recv(RECEIVE)
        while not reply.endswith(END):
            reply += self._receive()
        _check(reply)
        return len(reply)

    def retrieve_all(self, first: int, last: int) -> int:
        """RETR of a range, sent at once; returns the octets of the replies."""
        self._socket.sendall(b"".join(b"RETR %d\r\n" % number for number in range(first, last + 1)))
        ends, octets, tail = 0, 0, b""
        while ends < last - first + 1:
            chunk = self._receive()
            if not octets:
                _check(chunk)
            octets += len(chunk)
            # A message cannot hold END, because its dots are stuffed; END may lie across two chunks.
            ends += (tail + chunk).count(END)
            tail = chunk[-4:] if len(chunk) >= 4 else (tail + chunk)[-4:]
        return octets

    def quit(self) -> None:
        """QUIT and close."""
        self.ask("QUIT")
        self._socket.close()

    def _secure(self) -> None:
        self._socket = _CONTEXT.wrap_socket(self._socket)

    def _line(self) -> str:
        line = self._receive()
        while not line.endswith(b"\r\n"):
            line += self._receive()
        _check(line)
        return line.decode("ascii", "replace").rstrip()

    def _receive(self) -> bytes:
        octets = self._socket.recv(RECEIVE)
        if not octets:
            raise Unexpected("the server closed the connection")
        return octets


Way = Callable[[Pop3Client, int], int]


def _check(reply: bytes) -> None:
    if not reply.startswith(b"+OK"):
        raise Unexpected(f"{reply[:200]!r} where +OK was expected")


def measure_logins(server: Server, count: int, seconds: float = float("inf")) -> dict[str, object]:
    """Whole sessions, one after the other, from connect to QUIT: `count`, or what fits into `seconds`."""
    latencies = []
    for _ in Supply(count, seconds):
        began = time.perf_counter()
        client = Pop3Client(server)
        client.log_in(server)
        client.quit()
        latencies.append(time.perf_counter() - began)
    return {"per_second": round(len(latencies) / sum(latencies), 1), "session": spread(latencies)}


def one_by_one(client: Pop3Client, messages: int) -> int:
    """Each RETR sent when the one before is answered; octets of all replies."""
    return sum(client.retrieve(number) for number in range(1, messages + 1))


def pipelined(client: Pop3Client, messages: int) -> int:
    """RETR sent PIPELINE at a time; octets of all replies."""
    starts = range(1, messages + 1, PIPELINE)
    return sum(client.retrieve_all(first, min(first + PIPELINE - 1, messages)) for first in starts)


def measure_retrievals(server: Server, way: Way, rounds: int) -> Retrievals:
    """The best of `rounds` over the whole maildrop, in one session."""
    client = Pop3Client(server)
    client.log_in(server)
    messages = int(client.ask("STAT").split()[1])
    best = max((_timed(client, way, messages) for _ in range(rounds)), key=lambda found: found.per_second)
    client.quit()
    return best


def _timed(client: Pop3Client, way: Way, messages: int) -> Retrievals:
    began = time.perf_counter()
    octets = way(client, messages)
    elapsed = time.perf_counter() - began
    return Retrievals(messages, round(messages / elapsed, 1), round(octets / elapsed / 2**20, 1))


def measure(server: Server, *, logins: int, rounds: int) -> dict[str, object]:
    """Everything, over a maildrop that is filled already."""
    return {
        "what": "pop3",
        "tls": server.tls,
        "logins": measure_logins(server, logins),
        "serial": asdict(measure_retrievals(server, one_by_one, rounds)),
        "pipelined": asdict(measure_retrievals(server, pipelined, rounds)),
    }
