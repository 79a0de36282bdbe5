"""SQLite: one writer and a few readers, each a connection in a thread of its own.

WAL with synchronous=FULL: a commit is on the disk before it is answered, and readers neither wait nor
make anybody wait. A unit of work is a coroutine that awaits only its connection; `_drive` runs it to
its end inside the database thread, so the event loop never waits for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from mailkeep.storage.database import Condition, Connection, ForeseenUnit, Mark, Row, Transaction, Unforeseen
from mailkeep.storage.failures import store_failures
from mailkeep.storage.feed_sqlite import SqliteCarrier
from mailkeep.storage.interface import Topic
from mailkeep.storage.query import Bulk, DialectName, Query
from mailkeep.storage.sqlite_threads import Call, Reply, Threads

READERS = 4
STATEMENTS_CACHED = 256
BUSY_SECONDS = 0.0005
CACHE_KIB = 16 * 1024

T = TypeVar("T")


def connect(path: Path, timeout: float) -> sqlite3.Connection:
    """A connection as the store uses it. The file is made readable for its owner alone."""
    _create(path)
    connection = sqlite3.connect(
        path,
        timeout=timeout,
        isolation_level=None,  # transactions are begun by us
        check_same_thread=False,  # closed by another thread than its own
        cached_statements=STATEMENTS_CACHED,
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _create(path: Path) -> None:
    """Make an empty file if there is none; never open one that is there. Closing any descriptor of a database
    drops the locks of all its connections in this process (fcntl(2)): another process would then believe
    itself the last one and remove the log from under us.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


class SqliteConnection:
    """A `Connection` whose every method is done when it returns."""

    dialect: DialectName = "sqlite"

    def __init__(self, connection: sqlite3.Connection, mark: Mark | None = None) -> None:
        self._connection = connection
        self.topics: set[Topic] = set()
        self.mark = mark

    async def all(self, query: Query, **parameters: Any) -> Sequence[Row]:
        """See database.Connection."""
        return self._connection.execute(query.on("sqlite")[0], _adapted(parameters)).fetchall()

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        """See database.Connection."""
        row: Row | None = self._connection.execute(query.on("sqlite")[0], _adapted(parameters)).fetchone()
        return row

    async def run(self, query: Query, **parameters: Any) -> int:
        """See database.Connection."""
        return self._connection.execute(query.on("sqlite")[0], _adapted(parameters)).rowcount

    async def many(self, query: Query, rows: Sequence[dict[str, Any]]) -> None:
        """See database.Connection."""
        self._connection.executemany(query.on("sqlite")[0], [_adapted(row) for row in rows])

    async def insert(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See database.Connection."""
        for bulk, rows in bulks:
            if rows:
                self._connection.executemany(bulk.for_sqlite(), _with_octets(rows, bulk.uuid_places))

    async def at_end(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See database.Transaction. There is no round trip to save."""
        await self.insert(*bulks)


class SqliteDatabase:
    """See database.Database."""

    dialect: DialectName = "sqlite"

    def __init__(self, path: Path, timeout: float, carrier: SqliteCarrier) -> None:
        self._path = path
        self._timeout = timeout
        self._carrier = carrier
        self._writer = Threads(1, "sqlite-writer")
        self._readers = Threads(READERS, "sqlite-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._under_way = 0
        self._writes = 0

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See database.Database."""
        result: T = await self._in_thread(self._readers, self._read, work)
        return result

    async def read_at_once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See database.Database."""
        result: T = await self._in_thread(self._readers, self._read_at_once, work)
        return result

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See database.Database. What the thread has begun goes on when the caller is cancelled."""
        result: T = await self._in_thread(self._writer, self._write, work)
        return result

    async def write_foreseen(self, condition: Condition, unit: ForeseenUnit) -> None:
        """See database.Database. There is no round trip to save."""
        raise Unforeseen

    def usage(self) -> tuple[int, int]:
        """See database.Database. Those that wait for a thread count as well."""
        return self._under_way, READERS + 1

    async def write_lightly(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See database.Database. The next commit that waits for the disk takes this one with it."""
        result: T = await self._in_thread(self._writer, self._write_lightly, work)
        return result

    async def close(self) -> None:
        """See database.Database."""
        await asyncio.to_thread(self._shut_down)

    # --- in the threads -------------------------------------------------------------------------

    async def _in_thread(self, threads: Threads, call: Call, work: object) -> Any:
        self._under_way += 1
        try:
            with store_failures():
                return await threads.run(call, work)
        finally:
            self._under_way -= 1

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, self._timeout)
            self._opened.append(connection)
        return connection

    def _read(self, work: Callable[[Connection], Awaitable[T]], reply: Reply) -> None:
        reply(_drive(work(SqliteConnection(self._connection()))))

    def _read_at_once(self, work: Callable[[Connection], Awaitable[T]], reply: Reply) -> None:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            result = _drive(work(SqliteConnection(connection)))
        finally:
            connection.execute("ROLLBACK")
        reply(result)

    def _write(self, work: Callable[[Transaction], Awaitable[T]], reply: Reply) -> None:
        connection = self._connection()
        self._begin(connection)
        try:
            transaction = SqliteConnection(connection, self._mark(connection))
            result = _drive(work(transaction))
            number = self._carrier.count(connection) if transaction.topics else 0
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        topics = transaction.topics
        if not topics:
            reply(result)
            return
        reply(result, partial(self._carrier.committed, number, topics))
        self._carrier.announce(number, topics)  # who wrote it need not wait for that

    def _write_lightly(self, work: Callable[[Transaction], Awaitable[T]], reply: Reply) -> None:
        connection = self._connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        try:
            self._write(work, reply)
        finally:
            connection.execute("PRAGMA synchronous = FULL")

    def _begin(self, connection: sqlite3.Connection) -> None:
        """Wait for the write lock with many short sleeps.

        SQLite's own busy handler sleeps up to 100 ms at a time, and so may never meet the moments in
        which a process that writes all the time leaves the lock free.
        """
        if not self._writes:
            connection.execute("PRAGMA busy_timeout = 0")
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(BUSY_SECONDS)
            else:
                return

    def _mark(self, connection: sqlite3.Connection) -> Mark:
        """In a transaction: nobody else can commit any more until its end."""
        self._writes += 1
        return Mark(int(connection.execute("PRAGMA data_version").fetchone()[0]), self._writes)

    def _shut_down(self) -> None:
        self._writer.stop()
        self._readers.stop()
        for connection in self._opened:
            connection.close()


def _drive(work: Awaitable[T]) -> T:
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("a unit of work awaited something else than its connection")


def _adapted(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: _adapt(value) for name, value in parameters.items()}


def _adapt(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, list):
        return json.dumps(value)
    return value


def _with_octets(rows: Sequence[Row], places: Sequence[int]) -> Iterable[Row]:
    """Rows with their UUIDs as octets."""
    if not places:
        return rows
    adapted = [list(row) for row in rows]
    for row in adapted:
        for place in places:
            row[place] = _adapt(row[place])
    return adapted
