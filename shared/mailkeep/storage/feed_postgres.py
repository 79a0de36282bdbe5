"""The feed between processes on one PostgreSQL database: LISTEN and NOTIFY.

NOTIFY is part of the committing transaction, so it is sent exactly if the commit is. One connection of
its own listens; when it breaks, everything may have been missed until it listens again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg

from mailkeep.storage.failures import store_failures
from mailkeep.storage.feed import Hub, unpack
from mailkeep.storage.interface import Topic

CHANNEL = "mailkeep"
PAYLOAD_LIMIT = 7900  # octets; PostgreSQL refuses 8000, and the sender's name comes first
PROBE_SECONDS = 15.0  # a listener sends nothing: without this it would never notice a dead peer
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresCarrier:
    """`name` tells this process's own notifications from those of others."""

    def __init__(self, hub: Hub, connect: Callable[[], Awaitable[Any]]) -> None:
        self.name = secrets.token_hex(6)
        self._hub = hub
        self._connect = connect
        self._connection: Any = None
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on. Raises StoreUnavailable."""
        with store_failures():
            await self._listen()
        self._keeper = asyncio.create_task(self._keep(), name="feed-listen")

    async def close(self) -> None:
        """Listen no more."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._connection is not None:
            self._connection.terminate()

    def committed(self, topics: Iterable[Topic]) -> None:
        """This process has committed: its own watchers need not wait for the way through the server."""
        self._hub.publish(topics)

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._notified)
        except BaseException:
            connection.terminate()
            raise
        self._connection, self._lost = connection, lost

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        sender, _, text = payload.partition(" ")
        if sender != self.name:
            self._hub.publish(unpack(text))

    async def _keep(self) -> None:
        while True:
            await self._until_lost()
            self._connection.terminate()
            await self._listen_again()
            self._hub.gap()

    async def _until_lost(self) -> None:
        while not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await self._lost.wait()
                return
            try:
                await self._connection.execute("SELECT 1")
            except _ERRORS:
                return

    async def _listen_again(self) -> None:
        attempt = 0
        while True:
            try:
                await self._listen()
            except _ERRORS:
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1
            else:
                return
