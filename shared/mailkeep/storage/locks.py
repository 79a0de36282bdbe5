"""Exclusive locks that die with their holder: places in a file on one machine, advisory locks on PostgreSQL.

Neither kind is a row: a row would outlive the process that wrote it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mailkeep.errors import InUse, StoreUnavailable
from mailkeep.storage.failures import of_asyncpg, store_failures

_TAKEN = "Somebody else holds the lock."

WAITS = (0.005, 0.01, 0.02, 0.04)
"""Seconds between tries: a holder does not wait for the database to hear that it has let go."""


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


class FileLocks:
    """For SQLite: each lock is one octet of a file, at a place that its name gives; the file stays empty.

    The kernel keeps such locks in memory alone, and a try waits for nobody, so it is done on the loop: a file
    made and removed for each lock took a hundred times as long. They belong to the open file and not to the
    process, so that two stores in one process exclude each other.
    """

    of_a_server = False

    def __init__(self, directory: Path) -> None:
        self._path = directory / "held"
        self._descriptor: int | None = None
        self._held: set[int] = set()

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks. A file's lock is never lost."""
        place = int.from_bytes(_digest(name)[:8], "big") >> 1  # file offsets are signed
        if place in self._held:
            raise InUse(_TAKEN)  # the kernel would let one open file take it twice
        with store_failures():
            try:
                self._set(fcntl.F_WRLCK, place)
            except BlockingIOError:
                raise InUse(_TAKEN) from None
        self._held.add(place)
        try:
            yield
        finally:
            self._let_go(place)

    async def close(self) -> None:
        """Let go of everything."""
        descriptor, self._descriptor = self._descriptor, None
        self._held.clear()
        if descriptor is not None:
            os.close(descriptor)

    def _let_go(self, place: int) -> None:
        if place in self._held:  # unless the file is closed
            self._held.discard(place)
            self._set(fcntl.F_UNLCK, place)

    def _set(self, kind: int, place: int) -> None:
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, place, 1, 0))


_FLOCK = struct.Struct("hhqqi0q")
"""Linux's struct flock: type, whence, start, length, and a process that must be 0."""


class AdvisoryLocks:
    """For PostgreSQL: all locks of the process on one connection. If it breaks, all of them are lost at
    once, and each holder is told.

    A lock is given back behind its holder. Who asks for it meanwhile waits: in this process for the
    database's answer, in another one for a moment.
    """

    of_a_server = True

    def __init__(self, connect: Callable[[], Awaitable[Any]], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._connection: Any = None
        self._turn = asyncio.Lock()  # one statement at a time on a connection
        self._held: dict[int, Callable[[], None] | None] = {}
        self._leaving: dict[int, asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks."""
        key = int.from_bytes(_digest(name)[:8], "big", signed=True)
        if (leaving := self._leaving.get(key)) is not None:
            await asyncio.wait({leaving})
        if key in self._held:
            raise InUse(_TAKEN)  # the server would let one session take it twice
        self._held[key] = lost
        connection = await self._taken(key)
        try:
            yield
        finally:
            self._leave(key, connection)

    async def close(self) -> None:
        """Let go of everything."""
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            connection.terminate()

    async def _taken(self, key: int) -> Any:
        """A statement that was sent is not broken off: nobody could tell whether it took the lock. If the
        caller is cancelled meanwhile, what it took is given back."""
        taking = self._spawn(self._take(key))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._spawn(self._give_back(key, taking))
            raise

    async def _take(self, key: int) -> Any:
        try:
            with store_failures():
                connection = await self._try(key)
                for seconds in WAITS:
                    if connection is not None:
                        break
                    await asyncio.sleep(seconds)
                    connection = await self._try(key)
            if connection is None:
                raise InUse(_TAKEN)
        except BaseException:
            self._held.pop(key, None)
            raise
        return connection

    async def _try(self, key: int) -> Any:
        """The connection that has the lock now; None if another process has it."""
        async with self._turn:
            connection = await self._connected()
            taken = await self._ask(connection, "SELECT pg_try_advisory_lock($1)", key)
        return connection if taken else None

    async def _give_back(self, key: int, taking: asyncio.Task[Any]) -> None:
        with contextlib.suppress(InUse, StoreUnavailable):
            await self._release(key, await taking)

    async def _ask(self, connection: Any, statement: str, key: int) -> Any:
        """One statement about one lock. If its outcome stays unknown the connection ends, and all of its
        locks with it: better lost, which their holders hear, than held by nobody for ever."""
        try:
            return await connection.fetchval(statement, key, timeout=self._timeout)
        except BaseException:
            connection.terminate()
            raise

    def _leave(self, key: int, connection: Any) -> None:
        self._leaving[key] = task = self._spawn(self._release(key, connection))
        task.add_done_callback(lambda _: self._leaving.pop(key, None))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connected(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            connection = await self._connect()
            connection.add_termination_listener(self._terminated)
            self._connection = connection
        return self._connection

    def _terminated(self, connection: Any) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        held, self._held = self._held, {}
        for lost in held.values():
            if lost is not None:
                lost()

    async def _release(self, key: int, connection: Any) -> None:
        if connection is not self._connection or key not in self._held:
            return  # it was lost with its connection
        async with self._turn:
            with contextlib.suppress(OSError, *of_asyncpg("PostgresError", "InterfaceError")):
                await self._ask(connection, "SELECT pg_advisory_unlock($1)", key)
        if connection is self._connection:
            self._held.pop(key, None)
