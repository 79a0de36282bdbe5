"""Opening a store: which backend the settings name, its tables brought up to date, its parts started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mailkeep.errors import SettingsError
from mailkeep.model.quota import DefaultLimits, Limits
from mailkeep.settings import StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage import migrating
from mailkeep.storage.database import Connection, Database
from mailkeep.storage.failures import store_failures
from mailkeep.storage.feed import Hub
from mailkeep.storage.feed_sqlite import SqliteCarrier
from mailkeep.storage.interface import Store
from mailkeep.storage.locks import FileLocks
from mailkeep.storage.locks_postgres import AdvisoryLocks
from mailkeep.storage.query import Query, dialect_of
from mailkeep.storage.sqlite import SqliteDatabase
from mailkeep.storage.store import Backend, OpenedStore

_COUNTER = Query("SELECT value FROM feed_counter WHERE id = 1")


async def open_store(settings: StoreSettings, objects: ObjectSettings | None = None) -> Store:
    """See mailkeep.storage.open_store."""
    await migrate(settings)
    path = _sqlite_path(settings)
    backend = await _open_postgres(settings) if path is None else await _open_sqlite(path, settings)
    try:
        return OpenedStore(backend, _default_limits(settings), objects or ObjectSettings())
    except BaseException:
        await _close(backend)
        raise


async def stored_version(settings: StoreSettings) -> str | None:
    """What the store's tables are at; None if there is no store. It is neither made nor migrated."""
    path = _sqlite_path(settings, make_directory=False)
    if path is None:
        return await migrating.postgres_version(settings)
    return await migrating.sqlite_version(path, settings)


@asynccontextmanager
async def opened_database(settings: StoreSettings) -> AsyncIterator[Database]:
    """The tables alone, for whoever treats them as a whole: backups, checks. Raises as open_store does."""
    await migrate(settings)
    path = _sqlite_path(settings)
    backend = await _open_postgres(settings) if path is None else await _open_sqlite(path, settings)
    try:
        yield backend.database
    finally:
        await _close(backend)


async def _close(backend: Backend) -> None:
    await backend.locks.close()
    await backend.close()


def _default_limits(settings: StoreSettings) -> DefaultLimits:
    return DefaultLimits(
        Limits(settings.quota_storage, settings.quota_messages),
        Limits(settings.unclaimed_storage, settings.unclaimed_messages),
    )


async def migrate(settings: StoreSettings) -> None:
    """See mailkeep.storage.migrate."""
    path = _sqlite_path(settings)
    if path is None:
        await migrating.migrate_postgres(settings)
    else:
        await migrating.migrate_sqlite(path, settings)


def _sqlite_path(settings: StoreSettings, *, make_directory: bool = True) -> Path | None:
    """The file of an SQLite store, its directory made; None for PostgreSQL. Raises SettingsError."""
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise SettingsError("[store] database is not a database URL.") from None  # it may hold a password
    if url.drivername == "postgresql+asyncpg":
        return None
    if url.drivername not in {"sqlite", "sqlite+aiosqlite"} or not url.database:
        raise SettingsError("[store] database names neither a PostgreSQL database nor an SQLite file.")
    path = Path(url.database)
    if make_directory:
        with store_failures():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


async def _open_sqlite(path: Path, settings: StoreSettings) -> Backend:
    hub = Hub()
    carrier = SqliteCarrier(path.parent, hub)
    database = SqliteDatabase(path, settings.timeout_seconds, carrier)

    async def counter() -> int:
        return await database.read(_count)

    async def close() -> None:
        await carrier.ask_no_more()
        await database.close()  # first: its thread tells of the last commit after that was answered
        await carrier.close()

    try:
        await carrier.start(counter)
    except BaseException:
        await close()
        raise
    return Backend(database, hub, FileLocks(path.parent / "locks"), close)


async def _open_postgres(settings: StoreSettings) -> Backend:
    # Now, not when somebody waits for the first statement; and not at all for a store in SQLite.
    from mailkeep.storage import postgres  # noqa: PLC0415
    from mailkeep.storage.feed_postgres import PostgresCarrier  # noqa: PLC0415

    dialect_of("postgres")
    hub = Hub()

    async def connect() -> object:
        return await postgres.connect(settings)

    carrier = PostgresCarrier(hub, connect, settings.timeout_seconds)
    await carrier.start()
    try:
        database = await postgres.PostgresDatabase.open(settings, carrier)
    except BaseException:
        await carrier.close()
        raise

    async def close() -> None:
        await database.close()
        await carrier.close()  # behind it, to tell of the last commit

    return Backend(database, hub, AdvisoryLocks(connect, settings.timeout_seconds), close)


async def _count(connection: Connection) -> int:
    row = await connection.one(_COUNTER)
    assert row is not None
    return int(row[0])
