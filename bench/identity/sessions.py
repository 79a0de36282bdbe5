"""A session on each host, open as a client would hold it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable

from tests.support.hosts import MailkeepUp, Person

from bench.clients.wire import Line, imap_session
from bench.identity.hosts import imaps

Clock = Callable[[], float]
Opened = list[tuple[str, Line]]


async def open_everywhere(up: MailkeepUp, person: Person, imap_sessions: int) -> Opened:
    """So many over IMAP, and one over each of the others."""
    opened = [("imap", await imap_session(imaps(up, person))) for _ in range(imap_sessions)]
    opened += [("pop3", await _pop3(up, person)), ("smtp", await _smtp(up, person))]
    opened.append(("events", await _events(up, person)))
    return opened


async def ended(line: Line, now: Clock) -> float:
    """The moment when the other side has closed."""
    try:
        while True:
            await line.block()
    except Exception:
        return now()
    finally:
        line.close()


async def _pop3(up: MailkeepUp, person: Person) -> Line:
    line = await connect(up, "pop3s")
    await line.expect(b"+OK")
    await line.ask(f"USER {person.address}".encode(), b"+OK")
    await line.ask(f"PASS {person.api_key}".encode(), b"+OK")
    return line


async def _smtp(up: MailkeepUp, person: Person) -> Line:
    line = await connect(up, "submissions")
    await line.expect(b"220")
    line.send(b"EHLO bench.test\r\n")
    await line.until(b"250 ")
    plain = base64.b64encode(f"\0{person.address}\0{person.api_key}".encode()).decode()
    await line.ask(f"AUTH PLAIN {plain}".encode(), b"235")
    return line


async def _events(up: MailkeepUp, person: Person) -> Line:
    host, port = up.api_url.split("://")[1].split(":")
    _, line = await asyncio.get_running_loop().create_connection(Line, host, int(port))
    head = f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    line.send(f"{head}Authorization: Bearer {person.api_key}\r\n\r\n".encode())
    await line.expect(b"HTTP/1.1 200")
    await line.until(b"retry:")
    return line


async def connect(up: MailkeepUp, listener: str) -> Line:
    host, port = up.place(listener)
    context = ssl.create_default_context(cafile=up.ca_file)
    _, line = await asyncio.get_running_loop().create_connection(
        Line, host, port, ssl=context, server_hostname="localhost"
    )
    return line
