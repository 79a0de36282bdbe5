"""Connections for benchmarks: one small asyncio protocol, with TLS from the start or by STARTTLS.

They check that each answer is the expected kind and raise `Unexpected` otherwise: a figure made of refusals
is worse than none. asyncio's own streams are not used, because a task and a timer for each line that is read
would cost more than some of the servers that are measured.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

WAIT_SECONDS = 20.0


class Unexpected(Exception):
    """The server answered something else than the measurement needs."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect. `tls` is "none", "starttls" or "implicit"; certificates are not checked."""

    host: str
    port: int
    tls: str = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    protocol: str = "smtp"  # or "lmtp", where mail is taken in


class Line(asyncio.Protocol):
    """One connection: lines one by one, or all octets that have come."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    # --- what the loop calls ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is a stream's; uvloop's is not derived from asyncio.Transport."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Keep it and wake the reader."""
        self._received += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the reader, who then raises."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- what measurements call ------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        """Write without waiting."""
        assert self._transport is not None
        self._transport.write(octets)

    async def read(self) -> bytes:
        """One line without its end."""
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            await self._more()
        line = bytes(self._received[: end + 1])
        del self._received[: end + 1]
        return line.rstrip(b"\r\n")

    async def block(self) -> bytes:
        """All that has come since the last call, at least one octet."""
        while not self._received:
            await self._more()
        octets = bytes(self._received)
        self._received.clear()
        return octets

    async def expect(self, prefix: bytes) -> bytes:
        """One line that begins so."""
        line = await self.read()
        if not line.startswith(prefix):
            raise Unexpected(f"{line[:200]!r} where {prefix!r} was expected")
        return line

    async def until(self, prefix: bytes) -> list[bytes]:
        """All lines up to the one that begins so, that one included."""
        lines = [await self.read()]
        while not lines[-1].startswith(prefix):
            lines.append(await self.read())
        return lines

    async def ask(self, line: bytes, prefix: bytes) -> bytes:
        """Send a line and expect one that begins so."""
        self.send(line + b"\r\n")
        return await self.expect(prefix)

    async def command(self, tag: bytes, command: bytes) -> list[bytes]:
        """An IMAP command without literals in its answer: all lines. Raises Unexpected unless it is OK."""
        self.send(tag + b" " + command + b"\r\n")
        lines = await self.until(tag + b" ")
        if not lines[-1].startswith(tag + b" OK"):
            raise Unexpected(f"{lines[-1][:200]!r} to {command[:60]!r}")
        return lines

    async def start_tls(self) -> None:
        """Go into TLS, after the server has agreed."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        secured = await loop.start_tls(self._transport, self, _context(), ssl_handshake_timeout=WAIT_SECONDS)
        assert secured is not None
        self._transport = secured

    def close(self) -> None:
        """Close without waiting for the peer's good manners."""
        if self._transport is not None:
            self._transport.close()

    async def _more(self) -> None:
        if self._closed:
            raise Unexpected("the server closed the connection")
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(WAIT_SECONDS, _give_up, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(Unexpected(f"nothing came for {WAIT_SECONDS:.0f} seconds"))


async def connect(server: Server) -> Line:
    """A TCP connection, inside TLS if the server is `implicit`."""
    context = _context() if server.tls == "implicit" else None
    loop = asyncio.get_running_loop()
    connecting = loop.create_connection(Line, server.host, server.port, ssl=context)
    _, line = await asyncio.wait_for(connecting, WAIT_SECONDS)
    return line


async def imap_session(server: Server) -> Line:
    """A logged-in IMAP connection."""
    line = await connect(server)
    try:
        await line.expect(b"* OK")
        if server.tls == "starttls":
            await line.ask(b"s STARTTLS", b"s OK")
            await line.start_tls()
        await line.command(b"l", b'LOGIN "%s" "%s"' % (server.user.encode(), server.password.encode()))
    except BaseException:
        line.close()
        raise
    return line


async def smtp_session(server: Server, name: str = "bench.test") -> Line:
    """An SMTP or LMTP connection after EHLO or LHLO, authenticated if the server has a user."""
    line = await connect(server)
    try:
        await _greet(line, server, name)
    except BaseException:
        line.close()
        raise
    return line


async def _greet(line: Line, server: Server, name: str) -> None:
    await reply(line, b"220")
    hello = (b"LHLO " if server.protocol == "lmtp" else b"EHLO ") + name.encode()
    await reply_to(line, hello, b"250")
    if server.tls == "starttls":
        await reply_to(line, b"STARTTLS", b"220")
        await line.start_tls()
        await reply_to(line, hello, b"250")
    if server.user:
        plain = base64.b64encode(f"\0{server.user}\0{server.password}".encode())
        await reply_to(line, b"AUTH PLAIN " + plain, b"235")


async def reply_to(line: Line, command: bytes, code: bytes) -> None:
    """Send an SMTP command; its reply, of one line or more, has the code."""
    line.send(command + b"\r\n")
    await reply(line, code)


async def reply(line: Line, code: bytes) -> None:
    """One whole SMTP reply (RFC 5321 section 4.2.1) with the code, or Unexpected."""
    while (await line.expect(code))[3:4] == b"-":
        pass


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # a benchmark measures servers with private certificates
    return context


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Minimum, median, 95th percentile and maximum, in milliseconds. `seconds` holds one or more."""
    ordered = sorted(seconds)
    place = min(len(ordered) - 1, int(len(ordered) * 0.95))
    values = {
        "min_ms": ordered[0],
        "median_ms": statistics.median(ordered),
        "p95_ms": ordered[place],
        "max_ms": ordered[-1],
    }
    return {name: round(value * 1000, 3) for name, value in values.items()}
