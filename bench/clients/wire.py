"""Connections for benchmarks: plain asyncio streams, with TLS from the start or by STARTTLS.

They check that each answer is the expected kind and raise `Unexpected` otherwise: a figure made of refusals
is worse than none.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LINE_LIMIT = 64 * 1024 * 1024  # octets that a reader may buffer: whole FETCH answers
WAIT_SECONDS = 60.0


class Unexpected(Exception):
    """The server answered something else than the measurement needs."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect. `tls` is "none", "starttls" or "implicit"; certificates are not checked."""

    host: str
    port: int
    tls: str = "none"
    user: str = ""
    password: str = ""


@dataclass(slots=True)
class Line:
    """One connection, line by line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> bytes:
        """One line without its end."""
        line = await asyncio.wait_for(self.reader.readline(), WAIT_SECONDS)
        if not line.endswith(b"\n"):
            raise Unexpected("the server closed the connection")
        return line.rstrip(b"\r\n")

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
        self.writer.write(line + b"\r\n")
        return await self.expect(prefix)

    async def close(self) -> None:
        """Close without waiting for the peer's good manners."""
        self.writer.close()


async def connect(server: Server) -> Line:
    """A TCP connection, inside TLS if the server is `implicit`."""
    context = _context() if server.tls == "implicit" else None
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection(server.host, server.port, ssl=context, limit=LINE_LIMIT), WAIT_SECONDS
    )
    return Line(reader, writer)


async def start_tls(line: Line) -> None:
    """Go into TLS on an open connection, after the server has agreed."""
    await line.writer.start_tls(_context())


async def imap_session(server: Server) -> Line:
    """A logged-in IMAP connection."""
    line = await connect(server)
    await line.expect(b"* OK")
    if server.tls == "starttls":
        await line.ask(b"s STARTTLS", b"s OK")
        await start_tls(line)
    line.writer.write(b'l LOGIN "%s" "%s"\r\n' % (server.user.encode(), server.password.encode()))
    if not (await line.until(b"l "))[-1].startswith(b"l OK"):
        raise Unexpected("the login was refused")
    return line


async def smtp_session(server: Server, name: str = "bench.test") -> Line:
    """An SMTP connection after EHLO, authenticated if the server has a user."""
    line = await connect(server)
    await line.until(b"220 ")
    await _ehlo(line, name)
    if server.tls == "starttls":
        await line.ask(b"STARTTLS", b"220")
        await start_tls(line)
        await _ehlo(line, name)
    if server.user:
        plain = base64.b64encode(f"\0{server.user}\0{server.password}".encode())
        await line.ask(b"AUTH PLAIN " + plain, b"235")
    return line


async def _ehlo(line: Line, name: str) -> None:
    line.writer.write(b"EHLO %s\r\n" % name.encode())
    await line.until(b"250 ")


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # a benchmark measures servers with private certificates
    return context


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Minimum, median, 95th percentile and maximum, in milliseconds."""
    ordered = sorted(seconds)
    place = min(len(ordered) - 1, int(len(ordered) * 0.95))
    values = {
        "min_ms": ordered[0],
        "median_ms": statistics.median(ordered),
        "p95_ms": ordered[place],
        "max_ms": ordered[-1],
    }
    return {name: round(value * 1000, 3) for name, value in values.items()}
