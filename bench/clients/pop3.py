"""POP3: logins per second, and RETR one at a time and pipelined, over one maildrop that is filled already.

    python -m bench.clients.pop3 --port 2110 --user demo@example.test   (password in BENCH_PASSWORD)

A maildrop is locked while it is open, so each login follows the end of the one before; RETR runs in one
session. Blocking sockets, because the client must cost less than what it measures.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import click

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


def _check(reply: bytes) -> None:
    if not reply.startswith(b"+OK"):
        raise Unexpected(f"{reply[:200]!r} where +OK was expected")


def measure_logins(server: Server, count: int) -> dict[str, object]:
    """Whole sessions, one after the other: connect, USER, PASS, QUIT."""
    latencies = []
    for _ in range(count):
        began = time.perf_counter()
        client = Pop3Client(server)
        client.log_in(server)
        client.quit()
        latencies.append(time.perf_counter() - began)
    return {"per_second": round(count / sum(latencies), 1), "session": spread(latencies)}


def measure_retrievals(server: Server, rounds: int) -> dict[str, object]:
    """The best of `rounds` over the whole maildrop, each way."""
    client = Pop3Client(server)
    client.log_in(server)
    messages = int(client.ask("STAT").split()[1])

    def one_by_one() -> int:
        return sum(client.retrieve(number) for number in range(1, messages + 1))

    def pipelined() -> int:
        starts = range(1, messages + 1, PIPELINE)
        return sum(client.retrieve_all(first, min(first + PIPELINE - 1, messages)) for first in starts)

    result = {
        "messages": messages,
        "serial": asdict(_best(one_by_one, messages, rounds)),
        "pipelined": asdict(_best(pipelined, messages, rounds)),
    }
    client.quit()
    return result


def _best(read: Callable[[], int], messages: int, rounds: int) -> Retrievals:
    figures = []
    for _ in range(rounds):
        began = time.perf_counter()
        octets = read()
        elapsed = time.perf_counter() - began
        figures.append(Retrievals(round(messages / elapsed, 1), round(octets / elapsed / 2**20, 1)))
    return max(figures, key=lambda figure: figure.per_second)


@click.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=int, required=True)
@click.option("--tls", type=click.Choice(["none", "starttls", "implicit"]), default="none")
@click.option("--user", default="demo@example.test")
@click.option("--password", default="", envvar="BENCH_PASSWORD", help="Better in BENCH_PASSWORD.")
@click.option("--logins", default=500)
@click.option("--rounds", default=3)
def main(*, logins: int, rounds: int, **given: Any) -> None:
    """POP3 logins and RETR per second of one server, as one JSON object."""
    server = Server(**given)
    result = {"what": "pop3", "tls": server.tls, "logins": measure_logins(server, logins)}
    click.echo(json.dumps(result | measure_retrievals(server, rounds)))


if __name__ == "__main__":
    main()
