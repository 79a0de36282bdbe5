"""Fresh databases for tests, made by emptying those of tests before: a copy of one is hundreds of files.

A database is used again only if it is again what the template is: no table, column, constraint or index more
or less, nothing large in it, and in the tables that are not empty from the start what the template has there.
Otherwise it is dropped, and the next test gets a new copy.
"""

from __future__ import annotations

import asyncpg
from tests.support.postgres import START_SECONDS, PostgresCluster, run_apart

LARGEST_TABLE = 1024 * 1024  # octets; emptying leaves the room of what was there behind

_DISCONNECT = (
    "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_SHAPE = (
    "SELECT (SELECT count(*) || ' ' || max(oid) FROM pg_class),"
    " (SELECT count(*) || ' ' || sum(attnum) FROM pg_attribute WHERE NOT attisdropped),"
    " (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint),"
    " (SELECT count(*) FROM pg_proc)"
)
_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
)
_LARGEST = "SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 't')"
_SEQUENCES = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"


class Databases:
    """Copies of one template. `take` and `give_back` are for one test after another, not for two at once."""

    def __init__(self, cluster: PostgresCluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._free: list[str] = []
        self._known: tuple[object, dict[str, list[asyncpg.Record]]] | None = None

    def take(self) -> str:
        """The name of a database that is as the template is."""
        return self._free.pop() if self._free else self._cluster.create_database(self._template)

    def give_back(self, name: str) -> None:
        """Disconnect whoever uses it, and make it ready for the next test."""
        if run_apart(self._empty(name)):
            self._free.append(name)
        else:
            self._cluster.drop_database(name)

    async def _empty(self, name: str) -> bool:
        try:
            shape, content = self._known = self._known or await self._look(self._template)
            connection = await asyncpg.connect(self._cluster.dsn(name), timeout=START_SECONDS)
        except (OSError, asyncpg.PostgresError):
            return False
        try:
            await connection.fetch(_DISCONNECT, timeout=START_SECONDS)
            if await connection.fetchval(_LARGEST) > LARGEST_TABLE:
                return False
            tables = await _tables(connection)
            if await connection.fetchrow(_SHAPE) != shape or tables.keys() != content.keys():
                return False
            await _restore(connection, tables, content)
        except (OSError, asyncpg.PostgresError):
            return False
        finally:
            await connection.close()
        return True

    async def _look(self, name: str) -> tuple[object, dict[str, list[asyncpg.Record]]]:
        connection = await asyncpg.connect(self._cluster.dsn(name), timeout=START_SECONDS)
        try:
            return await connection.fetchrow(_SHAPE), await _tables(connection)
        finally:
            await connection.close()


async def _tables(connection: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    """Each table's first rows: enough to tell an empty one from others, and all of what a template has."""
    names = [row[0] for row in await connection.fetch(_TABLES)]
    return {name: await connection.fetch(f'SELECT * FROM "{name}" LIMIT 2') for name in names}


async def _restore(
    connection: asyncpg.Connection,
    tables: dict[str, list[asyncpg.Record]],
    content: dict[str, list[asyncpg.Record]],
) -> None:
    changed = [name for name, rows in tables.items() if rows != content[name]]
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")  # no order of foreign keys
        for name in changed:
            await connection.execute(f'DELETE FROM "{name}"')
            for row in content[name]:
                places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
                await connection.execute(f'INSERT INTO "{name}" VALUES ({places})', *row.values())
    await connection.fetch(_SEQUENCES)
