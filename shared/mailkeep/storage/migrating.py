"""Brings a store's tables to this version's, once, whoever comes first.

A store that is up to date costs one query. Otherwise Alembic runs under a lock that all processes on the
store share, so that four hosts may start at once on an empty one.

Hosts of the version before run on while it does, and may start again afterwards: a migration that only adds
says by `oldest` which version of the tables their code has to know at least. One that says nothing ends that
for all before it, and their hosts refuse the store. docs/storage.md has the rule for writers of migrations.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from mailkeep.errors import SettingsError
from mailkeep.settings import StoreSettings
from mailkeep.storage import sqlite
from mailkeep.storage.failures import of_asyncpg, store_failures

HEAD = "0026"
"""The newest file in migrations/versions; a test holds it to that."""

LOCK_KEY = 0x6D61696C6B656570  # "mailkeep", for pg_advisory_lock
MIGRATION_SECONDS = 600.0
LOCK_SECONDS = 2  # that a migration may stand in a table's line, with everybody's statements behind it
SCRIPTS = Path(__file__).with_name("migrations")

_VERSION = "SELECT version_num FROM alembic_version"
_OLDEST = "SELECT oldest FROM compatibility WHERE id = 1"
# lock_not_available, deadlock_detected: hosts were at the tables, and it tries again.
_BUSY = frozenset({"55P03", "40P01"})


async def migrate_sqlite(path: Path, settings: StoreSettings) -> None:
    """Make or upgrade the database in this file. Raises StoreUnavailable, SettingsError."""
    with store_failures():
        if not await asyncio.to_thread(_sqlite_is_current, path, settings):
            await asyncio.to_thread(_migrate_sqlite, path, settings)


async def migrate_postgres(settings: StoreSettings) -> None:
    """Make or upgrade the tables in this database. Raises StoreUnavailable, SettingsError."""
    with store_failures():
        connection = await _connected(settings)
        try:
            if not await _postgres_is_current(connection):
                async with _postgres_lock(connection):
                    if not await _postgres_is_current(connection):
                        await _upgrade_postgres(settings)
        finally:
            await connection.close()


async def sqlite_version(path: Path, settings: StoreSettings) -> str | None:
    """What the tables in this file are at; None if there are none. Changes nothing."""
    with store_failures():
        return await asyncio.to_thread(_sqlite_version, path, settings)


def _sqlite_version(path: Path, settings: StoreSettings) -> str | None:
    if not path.exists():
        return None
    place = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(place, settings.timeout_seconds, uri=True)) as connection:
        try:
            row = connection.execute(_VERSION).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
    return row[0] if row else None


async def postgres_version(settings: StoreSettings) -> str | None:
    """The same for a PostgreSQL database."""
    with store_failures():
        connection = await _connected(settings)
        try:
            version: str | None = await connection.fetchval(_VERSION)
        except of_asyncpg("UndefinedTableError"):
            return None
        finally:
            await connection.close()
    return version


# --- SQLite ---------------------------------------------------------------------------------------


def _sqlite_is_current(path: Path, settings: StoreSettings) -> bool:
    with closing(sqlite.connect(path, settings.timeout_seconds)) as connection:
        try:
            row = connection.execute(_VERSION).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return False
            raise
        version = row and row[0]
        oldest = connection.execute(_OLDEST).fetchone() if _is_ahead(version) else None
    return _is_usable(version, oldest and oldest[0])


def _migrate_sqlite(path: Path, settings: StoreSettings) -> None:
    lock = os.open(path.with_suffix(".migrating"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _sqlite_is_current(path, settings):
            _upgrade_sqlite(path, settings)
    finally:
        os.close(lock)


def _upgrade_sqlite(path: Path, settings: StoreSettings) -> None:
    from sqlalchemy import create_engine, event  # noqa: PLC0415  not needed by a store that is current
    from sqlalchemy.pool import StaticPool  # noqa: PLC0415

    engine = create_engine(
        "sqlite://", creator=lambda: sqlite.connect(path, settings.timeout_seconds), poolclass=StaticPool
    )
    # The driver is told to begin nothing by itself; this makes the tables' definition one transaction.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


# --- PostgreSQL -----------------------------------------------------------------------------------


async def _connected(settings: StoreSettings) -> Any:
    from mailkeep.storage import postgres  # noqa: PLC0415  a process on SQLite does without the driver

    return await postgres.connect(settings)


async def _postgres_is_current(connection: Any) -> bool:
    try:
        version = await connection.fetchval(_VERSION)
    except of_asyncpg("UndefinedTableError"):
        return False
    oldest = await connection.fetchval(_OLDEST) if _is_ahead(version) else None
    return _is_usable(version, oldest)


@asynccontextmanager
async def _postgres_lock(connection: Any) -> AsyncIterator[None]:
    await connection.execute("SET statement_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY, timeout=MIGRATION_SECONDS)
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def _upgrade_postgres(settings: StoreSettings) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  as above
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    try:
        async with asyncio.timeout(MIGRATION_SECONDS):
            while not await _upgraded_postgres(engine):  # noqa: ASYNC110  nobody tells when a table is free
                await asyncio.sleep(LOCK_SECONDS)
    finally:
        await engine.dispose()


async def _upgraded_postgres(engine: Any) -> bool:
    """False if hosts held the tables for too long; then nothing was changed."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415  as above

    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await connection.run_sync(_upgrade)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _BUSY:
            raise
        return False
    return True


# --- both -----------------------------------------------------------------------------------------


def _is_ahead(version: str | None) -> bool:
    return version is not None and version > HEAD


def _is_usable(version: str | None, oldest: str | None) -> bool:
    """`oldest` is asked for only where the tables are ahead of this code."""
    if _is_ahead(version) and (oldest is None or oldest > HEAD):
        raise SettingsError(
            f"The store was made by a newer Mailkeep (its tables are at {version}, this one knows {HEAD})."
        )
    return version is not None and version >= HEAD


def _upgrade(connection: Any, to: str = "head") -> None:
    from alembic import command  # noqa: PLC0415  as above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from sqlalchemy import inspect  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
    last = ScriptDirectory.from_config(config).get_revision(to)
    if inspect(connection).has_table("compatibility"):
        oldest = getattr(last.module, "oldest", last.revision)
        # Never down: what was done to the store since may ask for more (see objects/moving.py).
        connection.exec_driver_sql(
            f"UPDATE compatibility SET oldest = '{oldest}' WHERE id = 1 AND oldest < '{oldest}'"
        )
