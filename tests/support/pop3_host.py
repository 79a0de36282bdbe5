"""A POP3 host as a process of its own, and a client for transcripts."""

from __future__ import annotations

import re
import select
import socket
import ssl

from tests.support.host_process import IN_THE_CLEAR, SECONDS, HostProcess
from tests.support.operator import DOMAIN, Login, Operator

from mailkeep.net.development import DevelopmentCa

__all__ = ["DOMAIN", "GREETING", "IN_THE_CLEAR", "SECONDS", "Client", "Login", "Operator", "Pop3Host"]

GREETING = "+OK Mailkeep POP3 server ready."


class Pop3Host(HostProcess):
    """See HostProcess."""

    name = "pop3"

    def connect(self) -> Client:
        """A connection in the clear."""
        return Client(self.connection(self.plain_port), self.ca)

    def connect_tls(self) -> Client:
        """A connection over TLS."""
        client = Client(self.connection(self.tls_port), self.ca)
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
