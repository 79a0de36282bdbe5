"""PostgreSQL through asyncpg's own pool, with a limit of time on every call.

The pool reconnects by itself after the server was away; until then calls raise StoreUnavailable at
once or after their timeout. A commit whose answer was lost is looked up by its transaction id, so that
nothing is reported as failed that was kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import asyncpg

from mailkeep.errors import SettingsError, StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.storage.database import Condition, Connection, ForeseenUnit, Mark, Row, Transaction, Unforeseen
from mailkeep.storage.failures import SENTENCE, store_failures
from mailkeep.storage.feed_postgres import CHANNEL, PostgresCarrier
from mailkeep.storage.interface import Topic
from mailkeep.storage.postgres_alone import Alone
from mailkeep.storage.query import Bulk, DialectName, Query, Statement, together, with_bulks

STATEMENTS_CACHED = 512
ATTEMPTS = 4  # of a transaction that the server asks to run again
LOOKUP_SECONDS = 0.1  # between two looks at what became of a commit

T = TypeVar("T")

_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_NAME_COMMIT = "SELECT pg_current_xact_id()::text, (SELECT count(pg_notify($1, t)) FROM unnest($2::text[]) t)"
_OPEN_ENDS = (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
# What a unit looks up is named by a few keys, and is planned at its best without knowing which. Planning it
# anew each time, as the server would for a list of keys, takes longer than carrying it out.
_BEGIN = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan"
_BEGIN_LIGHTLY = f"{_BEGIN}; SET LOCAL synchronous_commit = off"
_NAME_IF_SAME = "SELECT ok, (SELECT count(pg_notify($1, t)) FROM unnest($2::text[]) t WHERE ok) FROM same"
_IS_RUNNING = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE pid = $1)"
_XACT_STATUS = "SELECT pg_xact_status($1::text::xid8)"


async def connect(settings: StoreSettings, **more: Any) -> Any:
    """A connection of our own, outside the pool. Raises SettingsError for a URL that names no server."""
    try:
        return await asyncpg.connect(**connect_arguments(settings), **more)
    except ValueError:  # asyncpg.ClientConfigurationError is one; its text may hold the password
        raise SettingsError("[store] database names no host, port or option that can be used.") from None


def connect_arguments(settings: StoreSettings) -> dict[str, Any]:
    """What every connection is made with. A peer that vanished cannot hold a lock for longer than this."""
    milliseconds = str(int(settings.timeout_seconds * 1000))
    return {
        "dsn": settings.database_url.replace("postgresql+asyncpg://", "postgresql://", 1),
        "timeout": settings.timeout_seconds,
        "command_timeout": settings.timeout_seconds,
        "statement_cache_size": STATEMENTS_CACHED,
        "server_settings": {
            "application_name": "mailkeep",
            "jit": "off",  # compiling costs more than any of our statements
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
        },
    }


class PostgresConnection:
    """See database.Connection."""

    dialect: DialectName = "postgres"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._last: list[tuple[Bulk, Sequence[Row]]] = []
        self.topics: set[Topic] = set()
        self.mark: Mark | None = None

    async def all(self, query: Query, **parameters: Any) -> Sequence[Row]:
        """See database.Connection."""
        sql, names = query.on("postgres")
        rows: Sequence[Row] = await self._connection.fetch(sql, *[parameters[name] for name in names])
        return rows

    async def one(self, query: Query, **parameters: Any) -> Row | None:
        """See database.Connection."""
        sql, names = query.on("postgres")
        row: Row | None = await self._connection.fetchrow(sql, *[parameters[name] for name in names])
        return row

    async def run(self, query: Query, **parameters: Any) -> int:
        """See database.Connection."""
        sql, names = query.on("postgres")
        status: str = await self._connection.execute(sql, *[parameters[name] for name in names])
        return int(status.rsplit(" ", 1)[-1])

    async def many(self, query: Query, rows: Sequence[dict[str, Any]]) -> None:
        """See database.Connection."""
        if rows:
            sql, names = query.on("postgres")
            await self._connection.executemany(sql, [[row[name] for name in names] for row in rows])

    async def insert(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See database.Connection."""
        filled = [(bulk, rows) for bulk, rows in bulks if rows]
        if filled:
            statements, values = _written(filled)
            await self._connection.execute(together(statements), *values)

    async def at_end(self, *bulks: tuple[Bulk, Sequence[Row]]) -> None:
        """See database.Transaction. The rows are taken as they are now: the caller may clear its lists."""
        self._last += [(bulk, list(rows)) for bulk, rows in bulks if rows]

    async def end(self, channel: str, texts: Sequence[str]) -> str:
        """Write what was left for the end, and give the commit's news; the transaction's id."""
        last, self._last = self._last, []
        statements, values = _written(last)
        sql = with_bulks(statements, 3) + _NAME_COMMIT
        return str(await self._connection.fetchval(sql, channel, texts, *values))


class PostgresDatabase:
    """See database.Database.

    `at_once` is a connection for statements that are whole units: their plan is generic, and is made once.
    """

    dialect: DialectName = "postgres"

    def __init__(self, settings: StoreSettings, pool: Any, at_once: Alone, carrier: PostgresCarrier) -> None:
        self._settings = settings
        self._pool = pool
        self._at_once = at_once
        self._carrier = carrier
        self._writes: set[asyncio.Task[Any]] = set()

    @classmethod
    async def open(cls, settings: StoreSettings, carrier: PostgresCarrier) -> PostgresDatabase:
        """Connect. Raises StoreUnavailable."""
        with store_failures():
            pool = await _pool(settings, settings.pool_size)
        at_once = Alone(connect_arguments(settings), plan_cache_mode="force_generic_plan")
        return cls(settings, pool, at_once, carrier)

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See database.Database."""
        with store_failures():
            async with self._pool.acquire(timeout=self._settings.timeout_seconds) as connection:
                return await work(PostgresConnection(connection))

    async def read_at_once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """See database.Database."""
        with store_failures():
            async with (
                self._pool.acquire(timeout=self._settings.timeout_seconds) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await work(PostgresConnection(connection))

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See database.Database."""
        return await self._shielded(work, _BEGIN)

    async def write_lightly(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See database.Database."""
        return await self._shielded(work, _BEGIN_LIGHTLY)

    async def write_foreseen(self, condition: Condition, unit: ForeseenUnit) -> None:
        """See database.Database."""
        await self._finished(self._write_foreseen(condition, unit))

    async def _shielded(self, work: Callable[[Transaction], Awaitable[T]], begin: str) -> T:
        return await self._finished(self._write(work, begin))

    async def _finished(self, write: Coroutine[Any, Any, T]) -> T:
        """What a write has begun goes on when its caller is cancelled."""
        task = asyncio.create_task(write, name="store-write")
        self._writes.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # for whoever waited; if that is gone, a refusal is no news to anybody

    def usage(self) -> tuple[int, int]:
        """See database.Database."""
        return self._pool.get_size() - self._pool.get_idle_size(), self._pool.get_max_size()

    async def close(self) -> None:
        """See database.Database."""
        if self._writes:
            await asyncio.wait(self._writes)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await asyncio.gather(self._pool.close(), self._at_once.close())
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._pool.terminate()
            self._at_once.terminate()

    # --- one transaction ------------------------------------------------------------------------

    async def _write(self, work: Callable[[Transaction], Awaitable[T]], begin: str) -> T:
        with store_failures():
            for _ in range(ATTEMPTS - 1):
                try:
                    return await self._transaction(work, begin)
                except _AGAIN:
                    continue
            return await self._transaction(work, begin)

    async def _transaction(self, work: Callable[[Transaction], Awaitable[T]], begin: str) -> T:
        async with self._pool.acquire(timeout=self._settings.timeout_seconds) as connection:
            transaction = PostgresConnection(connection)

            async def unit() -> T:
                await connection.execute(begin)  # by hand: asyncpg's own has no room for the settings
                return await work(transaction)

            result = await _or_roll_back(connection, unit())
            with self._carrier.commit(transaction.topics) as texts:
                xact_id = await _or_roll_back(connection, transaction.end(CHANNEL, texts))
                await self._commit(connection, xact_id)
        return result

    async def _commit(self, connection: Any, xact_id: str) -> None:
        try:
            await connection.execute("COMMIT")
        except _AGAIN:
            raise
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as lost:
            await self._was_committed(_is_in_by_id(xact_id), lost)

    async def _was_committed(
        self, is_in: Callable[[Any], Awaitable[bool | None]], lost: BaseException
    ) -> None:
        """Return if the transaction whose answer was lost is in; raise if it is not or nobody can say.

        `is_in` asks a connection, and gives None while it is under way.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                while True:
                    if await self._look_up(is_in):
                        return
                    await asyncio.sleep(LOOKUP_SECONDS)
        except TimeoutError:
            raise StoreUnavailable(SENTENCE) from lost

    async def _look_up(self, is_in: Callable[[Any], Awaitable[bool | None]]) -> bool:
        try:
            connection = await connect(self._settings)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        try:
            found = await is_in(connection)
        finally:
            await connection.close()
        if found is False:
            raise StoreUnavailable(SENTENCE)
        return bool(found)

    # --- one statement --------------------------------------------------------------------------

    async def _write_foreseen(self, condition: Condition, unit: ForeseenUnit) -> None:
        with store_failures():
            statements, values = _written(unit.rows)
            first = condition.FIRST + len(condition.parameters)
            sql = with_bulks(statements, first, condition.sql, "(SELECT ok FROM same)") + _NAME_IF_SAME
            async with self._at_once as connection:
                with self._carrier.commit(unit.topics) as texts:
                    arguments = (CHANNEL, texts, *condition.parameters, *values)
                    if not await self._kept(connection, sql, arguments, condition):
                        raise Unforeseen

    async def _kept(self, connection: Any, sql: str, arguments: Sequence[Any], condition: Condition) -> bool:
        server_process = connection.get_server_pid()
        try:
            return bool(await connection.fetchval(sql, *arguments))
        except _AGAIN:
            return False
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as lost:
            if not _is_lost(connection, lost):
                raise  # the server says that it did nothing
            with contextlib.suppress(asyncpg.InterfaceError):  # the pool has it back if it broke by itself
                connection.terminate()
            await self._was_committed(_is_in_beside(condition, server_process), lost)
            return True


def _is_lost(connection: Any, error: BaseException) -> bool:
    """True if the error leaves open what became of the statement.

    A server that shuts down may say so after it has committed, before it answers.
    """
    try:
        return isinstance(error, _OPEN_ENDS) or bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool took it back, which it does in mid-use only if it broke
        return True


def _is_in_by_id(xact_id: str) -> Callable[[Any], Awaitable[bool | None]]:
    async def is_in(connection: Any) -> bool | None:
        status = await connection.fetchval(_XACT_STATUS, xact_id)
        return {"committed": True, "aborted": False}.get(status)

    return is_in


def _is_in_beside(condition: Condition, server_process: int) -> Callable[[Any], Awaitable[bool | None]]:
    """A statement that commits itself has no id that we know: its witness is there, or its process gone."""

    async def is_in(connection: Any) -> bool | None:
        is_running = await connection.fetchval(_IS_RUNNING, server_process)  # first: it may end in between
        if await connection.fetchval(condition.witness.on("postgres")[0], condition.witness_id):
            return True
        return None if is_running else False

    return is_in


async def _pool(settings: StoreSettings, size: int) -> Any:
    return await asyncpg.create_pool(
        **connect_arguments(settings),
        min_size=0,  # the pool's own upkeep would log a traceback a second while the server is away
        max_size=size,
        reset=_nothing_to_reset,
    )


async def _nothing_to_reset(_connection: Any) -> None:
    """Units of work leave no session state behind, so the pool saves a round trip a release."""


async def _or_roll_back(connection: Any, step: Awaitable[T]) -> T:
    try:
        return await step
    except BaseException:
        await _roll_back(connection)
        raise


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()  # it is gone or must go, and the transaction with it


def _written(bulks: Sequence[tuple[Bulk, Sequence[Row]]]) -> tuple[tuple[Statement, ...], list[Any]]:
    """The statements, and their values or arrays of them. All for one row or none, so that few are made."""
    if all(len(rows) == 1 for _, rows in bulks):
        return tuple(bulk.one_row() for bulk, _ in bulks), [value for _, (row,) in bulks for value in row]
    arrays = [list(column) for _, rows in bulks for column in zip(*rows, strict=True)]
    return tuple(bulk for bulk, _ in bulks), arrays
