"""Stores as earlier versions left them: the rows that their own hosts wrote, and what their clients saw.

`tests/storage/stores/NNNN.json` was made by running the hosts of the version whose tables were at NNNN: mail
in by SMTP, a client's changes by IMAP, then every row, and every answer, written down. Such a file is never
changed. A release adds one of its own.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from mailkeep.settings import StoreSettings
from mailkeep.storage import migrating, sqlite

STORES = Path(__file__).parents[1] / "storage" / "stores"
# Rows that others refer to come first.
ORDER = ("domain", "user", "account", "address", "mailbox", "subscription", "blob", "blob_chunk", "message")


@dataclass(frozen=True, slots=True)
class OldStore:
    """`seen` is what the clients of that version read: by address, and `keys` to log in with."""

    version: str
    tables: dict[str, dict[str, Any]]
    seen: dict[str, Any]

    @classmethod
    def load(cls, version: str) -> OldStore:
        """By the version of its tables."""
        told = json.loads((STORES / f"{version}.json").read_text())
        return cls(version, told["tables"], told["seen"])

    async def put(self, settings: StoreSettings) -> None:
        """Make the tables of that version in an empty database, and fill them."""
        if settings.database:
            await self._put_postgres(settings)
        else:
            self._put_sqlite(settings)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What a table held."""
        told = self.tables[table]
        return [
            dict(zip(told["columns"], [_value(cell) for cell in row], strict=True)) for row in told["rows"]
        ]

    def _statements(self, mark: str) -> list[tuple[str, str, list[dict[str, Any]]]]:
        names = [*ORDER, *(name for name in self.tables if name not in ORDER)]
        made = []
        for name in names:
            columns = self.tables[name]["columns"]
            listed = ", ".join(f'"{column}"' for column in columns)
            marks = ", ".join(mark.format(place) for place in range(1, len(columns) + 1))
            made.append((name, f'INSERT INTO "{name}" ({listed}) VALUES ({marks})', self.rows(name)))
        return made

    def _put_sqlite(self, settings: StoreSettings) -> None:
        path = Path(settings.data_dir) / "mailkeep.sqlite3"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        engine = create_engine("sqlite://", creator=lambda: sqlite.connect(path, settings.timeout_seconds))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with engine.begin() as connection:
            migrating._upgrade(connection, self.version)
        engine.dispose()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("DELETE FROM feed_counter")
            for _, statement, rows in self._statements("?"):
                connection.executemany(statement, [tuple(row.values()) for row in rows])
            connection.commit()

    async def _put_postgres(self, settings: StoreSettings) -> None:
        engine = create_async_engine(settings.database_url)
        async with engine.begin() as made:
            await made.run_sync(migrating._upgrade, self.version)
        await engine.dispose()
        connection = await asyncpg.connect(settings.database.replace("+asyncpg", ""))
        try:
            await connection.execute("DELETE FROM feed_counter")
            for table, statement, rows in self._statements("${}"):
                kinds = await _kinds(connection, table)
                given = [[_as(kinds[name], value) for name, value in row.items()] for row in rows]
                await connection.executemany(statement, given)
                if kinds.get("id") == "bigint":
                    await connection.execute(_COUNT_ON.format(table))
        finally:
            await connection.close()


_COUNT_ON = (
    """SELECT setval(pg_get_serial_sequence('"{0}"', 'id'), (SELECT coalesce(max(id), 1) FROM "{0}"))"""
)


async def _kinds(connection: Any, table: str) -> dict[str, str]:
    found = await connection.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1", table
    )
    return dict(found)


def _value(cell: Any) -> Any:
    return base64.b64decode(cell["b64"]) if isinstance(cell, dict) else cell


def _as(kind: str, value: Any) -> Any:
    """SQLite's value as PostgreSQL's."""
    if value is None:
        return None
    if kind == "uuid":
        return UUID(bytes=value)
    return bool(value) if kind == "boolean" else value
