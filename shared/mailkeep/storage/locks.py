"""Exclusive locks that die with their holder: files on one machine, advisory locks on PostgreSQL.

Neither kind is a row: a row would outlive the process that wrote it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mailkeep.errors import InUse, StoreUnavailable
from mailkeep.storage.failures import of_asyncpg, store_failures

_TAKEN = "Somebody else holds the lock."


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


class FileLocks:
    """For SQLite: flock on one file a lock, which also excludes a second holder in this process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks. A file's lock is never lost."""
        path = self._directory / _digest(name).hex()[:32]
        with store_failures():
            descriptor = await self._locked(path)
        if descriptor is None:
            raise InUse(_TAKEN)
        try:
            yield
        finally:
            _unlock_file(path, descriptor)

    async def _locked(self, path: Path) -> int | None:
        """A thread cannot be stopped: if the caller is cancelled meanwhile, what it took is given back."""
        taking = asyncio.get_running_loop().run_in_executor(None, _lock_file, path)
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(lambda taken: _give_back(path, taken))
            raise

    async def close(self) -> None:
        """Nothing is kept."""


def _lock_file(path: Path) -> int | None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still_there(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)  # the last holder removed it between our two calls


def _is_still_there(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _give_back(path: Path, taken: asyncio.Future[int | None]) -> None:
    if not taken.cancelled() and taken.exception() is None and (descriptor := taken.result()) is not None:
        _unlock_file(path, descriptor)


def _unlock_file(path: Path, descriptor: int) -> None:
    with contextlib.suppress(OSError):
        path.unlink()  # under the lock, so that the files do not pile up
    os.close(descriptor)


class AdvisoryLocks:
    """For PostgreSQL: all locks of the process on one connection. If it breaks, all of them are lost at
    once, and each holder is told."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._connection: Any = None
        self._turn = asyncio.Lock()  # one statement at a time on a connection
        self._held: dict[int, Callable[[], None] | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks."""
        key = int.from_bytes(_digest(name)[:8], "big", signed=True)
        if key in self._held:
            raise InUse(_TAKEN)  # the server would let one session take it twice
        self._held[key] = lost
        connection = await self._taken(key)
        try:
            yield
        finally:
            await asyncio.shield(self._spawn(self._release(key, connection)))

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
                async with self._turn:
                    connection = await self._connected()
                    taken = await self._ask(connection, "SELECT pg_try_advisory_lock($1)", key)
            if not taken:
                raise InUse(_TAKEN)
        except BaseException:
            self._held.pop(key, None)
            raise
        return connection

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
