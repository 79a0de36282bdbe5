"""What lies between a store and its object store: it can be cut, be silent, and speak TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

from mailkeep.settings_objects import ObjectSettings


class Wire:
    """`settings` are those of a bucket behind it."""

    def __init__(self, settings: ObjectSettings, context: ssl.SSLContext | None = None) -> None:
        place = urlsplit(settings.endpoint)
        self._target = place.hostname, place.port
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._settings = settings
        self.silent = False
        self.requests = 0

    @property
    def settings(self) -> ObjectSettings:
        scheme, host = ("https", "localhost") if self._context else ("http", "127.0.0.1")
        return replace(self._settings, endpoint=f"{scheme}://{host}:{self._port}")

    async def join(self) -> None:
        """As it is at first, or again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._context)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Nobody answers, and connections break."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await self._joined(reader, writer)
        writer.close()
        self._tasks.discard(task)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ours, theirs = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, theirs, asked=True))
                both.create_task(self._carry(ours, writer, asked=False))
        finally:
            theirs.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asked: bool) -> None:
        while octets := await source.read(65536):
            if asked and octets.startswith((b"GET ", b"PUT ", b"DELETE ", b"HEAD ", b"POST ")):
                self.requests += 1
            if not self.silent:
                sink.write(octets)
                await sink.drain()
        raise ConnectionError


@asynccontextmanager
async def wire(settings: ObjectSettings, context: ssl.SSLContext | None = None) -> AsyncIterator[Wire]:
    """One that is cut at the end."""
    made = Wire(settings, context)
    await made.join()
    try:
        yield made
    finally:
        await made.cut()
