"""The feed between processes on one PostgreSQL database: LISTEN and NOTIFY.

One connection of its own listens, and tells what is told after commits (feed_telling); when it breaks,
everything may have been missed until it listens again, and transactions tell by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import asyncpg

from mailkeep.errors import StoreUnavailable
from mailkeep.storage.failures import SENTENCE, store_failures
from mailkeep.storage.feed import Hub, unpack
from mailkeep.storage.feed_silence import Silence
from mailkeep.storage.feed_telling import Commit, Telling
from mailkeep.storage.interface import Topic

CHANNEL = "mailkeep"
PROBE_SECONDS = 15.0  # a listener sends nothing: without this it would never notice a dead peer
RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)

_NOTIFY = "SELECT count(pg_notify($1, t)) FROM unnest($2::text[]) t"

_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class PostgresCarrier:
    """`name` tells this process's own notifications from those of others. No statement of anybody on the
    store may run for longer than `statement_seconds`."""

    def __init__(self, hub: Hub, connect: Callable[[], Awaitable[Any]], statement_seconds: float) -> None:
        self.name = secrets.token_hex(6)
        self._hub = hub
        self._connect = connect
        self._telling = Telling(self.name, hub.publish, self._notify)
        self._silence = Silence(hub.gap, statement_seconds)
        self._connection: Any = None
        self._in_use = asyncio.Lock()
        self._lost = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on. Raises StoreUnavailable."""
        with store_failures():
            await self._listen()
        self._keeper = asyncio.create_task(self._keep(), name="feed-listen")

    async def close(self) -> None:
        """Tell the rest, and listen no more: nothing is committed any more."""
        await self._telling.close()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self._connection is not None:
            self._connection.terminate()
        self._silence.close()

    def commit(self, topics: AbstractSet[Topic]) -> Commit:
        """Around the end of a transaction: it gives the texts that must be told within it."""
        return self._telling.commit(topics)

    async def _notify(self, texts: Sequence[str]) -> None:
        connection = self._connection
        try:
            async with self._in_use:
                await connection.fetchval(_NOTIFY, CHANNEL, texts)
        except _ERRORS as lost:
            connection.terminate()  # if it has not gone already: `_keep` makes another
            raise StoreUnavailable(SENTENCE) from lost

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            # What is told has been committed: if the server crashes, everybody has a gap anyway.
            await connection.execute("SET synchronous_commit = off")
            await connection.add_listener(CHANNEL, self._notified)
        except BaseException:
            connection.terminate()
            raise
        self._connection, self._lost = connection, lost
        self._silence.begin()

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        sender, _, text = payload.partition(" ")
        if sender != self.name:
            self._silence.heard(sender, text)
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
                async with self._in_use:
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
