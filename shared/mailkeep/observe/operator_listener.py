"""Where operators look: /metrics, /slow, /health/live and /health/ready, on a listener of every host's own.

It tells the truth: ready means that the host accepts and that its database answers now. It belongs on
loopback or a management network, for nobody has to log in. h11 reads the requests; a connection carries one,
and has REQUEST_SECONDS for it.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

import h11

from mailkeep.observe.logs import get_logger

REQUEST_SECONDS = 10.0
REQUEST_LIMIT = 8 * 1024  # octets of a request; scrapers send a few hundred
CONNECTIONS_LIMIT = 32
JSON = "application/json"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

Check: TypeAlias = Callable[[], Awaitable[str]]
"""Why the host cannot serve now, in a sentence; "" if it can."""

log = get_logger(__name__)


class Page(NamedTuple):
    """One answer."""

    status: int
    content_type: str
    body: bytes


class OperatorListener:
    """`start`, then `close`. `expose` makes the text of /metrics, `slow` the JSON of /slow."""

    def __init__(
        self, check: Check, expose: Callable[[], Awaitable[bytes]], slow: Callable[[], Awaitable[bytes]]
    ) -> None:
        self._check = check
        self._expose = expose
        self._slow = slow
        self._servers: list[asyncio.Server] = []
        self._open = 0

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Answer on these."""
        for listener in sockets:
            self._servers.append(await asyncio.start_server(self._serve, sock=listener, limit=REQUEST_LIMIT))

    def close(self) -> None:
        """Answer no more."""
        for server in self._servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS_LIMIT:
                async with asyncio.timeout(REQUEST_SECONDS):
                    await self._answer(reader, writer)
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            log.debug("an operator's request failed", error=type(error).__name__)
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=REQUEST_LIMIT)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(REQUEST_LIMIT))
        if not isinstance(event, h11.Request):
            return
        page = await self._page(event)
        headers = [("content-type", page.content_type), ("content-length", str(len(page.body)))]
        head = h11.Response(status_code=page.status, headers=[*headers, ("connection", "close")])
        writer.write(connection.send(head) or b"")
        if event.method != b"HEAD":
            writer.write(connection.send(h11.Data(data=page.body)) or b"")
        await writer.drain()

    async def _page(self, request: h11.Request) -> Page:
        if request.method not in (b"GET", b"HEAD"):
            return _json(405, {"status": "There is nothing here but to read."})
        path = request.target.partition(b"?")[0]
        if path == b"/metrics":
            return Page(200, EXPOSITION, await self._expose())
        if path == b"/slow":
            return Page(200, JSON, await self._slow())
        if path == b"/health/live":
            return _json(200, {"status": "ok"})
        if path in (b"/health", b"/health/ready"):
            reason = await self._check()
            return _json(503, {"status": reason}) if reason else _json(200, {"status": "ok"})
        return _json(404, {"status": "Here are /metrics, /slow, /health/live and /health/ready."})


def _json(status: int, told: dict[str, str]) -> Page:
    return Page(status, JSON, json.dumps(told).encode() + b"\n")
