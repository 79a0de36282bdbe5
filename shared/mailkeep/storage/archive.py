"""A whole store in one file, and back: the backup that is the same for both databases.

All tables are read in one transaction that sees one state, so that the hosts may go on meanwhile. The file is
one zstandard stream: frames of MessagePack, each after its length and checksum. It ends with the number of
rows of every table; without that end it is not a backup. What was written from SQLite can be restored into
PostgreSQL and the other way round. It takes a database of its own: nothing is merged, and restoring is one
transaction, so that half of a store is never left behind.

What lies in an object store is written after the tables, as the rows that it was before it was moved: objects
that the one state refers to are there for a day after it. Restoring puts it into the database. Saved
snapshots, the settings, and keys and certificates that they name, are not in it.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import zstandard
from sqlalchemy import Boolean, Table, Uuid

from mailkeep.errors import SettingsError, StoreCorrupt
from mailkeep.storage import blobs
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.migrating import HEAD
from mailkeep.storage.objects.bucket import NOT_SET, Bucket
from mailkeep.storage.objects.place import Place
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.tables import metadata
from mailkeep.storage.values import now

MAGIC = b"mailkeep backup 1\n"
FRAME_LIMIT = 64 * 1024 * 1024  # octets; a page of the largest rows is a quarter of that
LEVEL = 1  # bodies are compressed already
_PAGE = 2000
_WIDE_PAGE = 50
_WIDE = frozenset({"blob", "blob_chunk", "message", "text_segment", "queue_message", "change"})
_PLACES = frozenset({"blob_object", "object_leaving"})  # say where objects are, which a backup brings along
_CACHES = frozenset({"saved_snapshot"})  # made anew where they pay
_LEFT_OUT = _PLACES | _CACHES
_FRAMES = 16  # of an object that are read at once: 4 MiB at most
_MOVED = Query("SELECT digest, key, ends FROM blob_object WHERE digest > :after ORDER BY digest LIMIT :most")
_STILL_HERE = Query("SELECT number FROM blob_chunk WHERE digest = :digest")
_OURS = ("domain", "user", "account", "message", "api_key")  # a store where one of these has rows is in use

Progress = Callable[[str, int], None]
"""Told the table and how many of its rows were done since the last time."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup holds."""

    version: str  # of the tables
    created_at: int  # microseconds since 1970
    rows: dict[str, int]


class NotABackup(StoreCorrupt):
    """The file is something else, or was cut short or damaged."""


async def write(database: Database, path: Path, progress: Progress, bucket: Bucket | None = None) -> Summary:
    """Write a backup to `path`: whole or not at all, readable for its owner alone. Raises OSError,
    StoreUnavailable, StoreCorrupt; SettingsError where content lies in an object store and there is no
    `bucket`."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            summary = await _write(database, file, path.parent, progress, bucket)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return summary


async def restore(database: Database, path: Path, progress: Progress) -> Summary:
    """Fill an empty store. Raises SettingsError if it is not empty or of another version, NotABackup,
    OSError; then nothing was changed."""

    async def work(transaction: Transaction) -> Summary:
        await _require_empty(transaction)
        return await _restore(transaction, path, progress)

    return await database.write(work)


def inspect(path: Path) -> Summary:
    """Read the whole file, and say what is in it. Raises NotABackup, OSError. Blocks."""
    frames = _frames(path)
    head = _head(next(frames, None))
    counted = dict.fromkeys(head["tables"], 0)
    for frame in frames:
        if "end" in frame:
            if frame["end"] != counted:
                raise NotABackup(f"'{path}' does not hold the rows that it says.")
            return Summary(head["version"], head["created_at"], counted)
        counted[frame["table"]] += len(frame["rows"])
    raise NotABackup(f"'{path}' is cut short.")


# --- writing --------------------------------------------------------------------------------------


async def _write(
    database: Database, file: BinaryIO, directory: Path, progress: Progress, bucket: Bucket | None
) -> Summary:
    file.write(MAGIC)
    compressor = zstandard.ZstdCompressor(LEVEL, write_checksum=True)
    with (
        tempfile.TemporaryFile(dir=directory) as moved,
        compressor.stream_writer(file, closefd=False) as stream,
    ):

        async def work(connection: Connection) -> Summary:
            summary = await _write_tables(connection, stream, progress)
            await _note_moved(connection, moved)
            return summary

        summary = await database.read_at_once(work)
        moved.seek(0)
        async for rows in _objects(moved, bucket):
            _put(stream, {"table": "blob_chunk", "rows": rows})
            summary.rows["blob_chunk"] += len(rows)
            progress("blob_chunk", len(rows))
        _put(stream, {"end": summary.rows})
    return summary


async def _write_tables(connection: Connection, stream: Any, progress: Progress) -> Summary:
    created_at = now()
    counted: dict[str, int] = {}
    tables = [table for table in metadata.sorted_tables if table.name not in _LEFT_OUT]
    # str(): SQLAlchemy's names are a kind of their own
    columns = {str(table.name): [str(one.name) for one in table.columns] for table in tables}
    counters = await _counters(connection)
    _put(stream, {"version": HEAD, "created_at": created_at, "tables": columns, "counters": counters})
    for table in tables:
        name = str(table.name)
        counted[name] = 0
        last: Row | None = None
        while rows := await _page(connection, table, last):
            _put(stream, {"table": name, "rows": [_told(row) for row in rows]})
            counted[name] += len(rows)
            progress(name, len(rows))
            last = rows[-1]
    return Summary(HEAD, created_at, counted)


async def _note_moved(connection: Connection, moved: BinaryIO) -> None:
    """Which chunks lie in objects, in the state that is written. Into a file: there may be millions."""
    after = b""
    while rows := await connection.all(_MOVED, after=after, most=_PAGE):
        for digest, key, ends in rows:
            here = [row[0] for row in await connection.all(_STILL_HERE, digest=digest)]
            packed = msgspec.msgpack.encode((bytes(digest), key, bytes(ends), here))
            moved.write(len(packed).to_bytes(4, "big") + packed)
        after = bytes(rows[-1][0])


async def _objects(moved: BinaryIO, bucket: Bucket | None) -> AsyncIterator[list[tuple[bytes, int, bytes]]]:
    """The rows of chunks that lie in objects, a few MiB at a time, each compared with its checksum."""
    while head := moved.read(4):
        digest, key, ends, here = msgspec.msgpack.decode(moved.read(int.from_bytes(head, "big")))
        if bucket is None:
            raise SettingsError(NOT_SET)
        place = Place.unpack(digest, key, ends)
        for first in range(1, place.last + 1, _FRAMES):
            frames = await bucket.frames(place, first, min(first + _FRAMES - 1, place.last))
            rows = [
                (digest, number, frame) for number, frame in enumerate(frames, first) if number not in here
            ]
            for _, _, frame in rows:
                blobs.unpack(frame)
            if rows:
                yield rows


async def _page(connection: Connection, table: Table, last: Row | None) -> Sequence[Row]:
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    listed, ordered = _quoted(names), _quoted(keys)
    most = _WIDE_PAGE if table.name in _WIDE else _PAGE
    if last is None:
        query = Query(f'SELECT {listed} FROM "{table.name}" ORDER BY {ordered} LIMIT {most}')
        return await connection.all(query)
    after = ", ".join(f":k{place}" for place in range(len(keys)))
    query = Query(
        f'SELECT {listed} FROM "{table.name}" WHERE ({ordered}) > ({after}) ORDER BY {ordered} LIMIT {most}'
    )
    given = {f"k{place}": last[names.index(key)] for place, key in enumerate(keys)}
    return await connection.all(query, **given)


async def _counters(connection: Connection) -> dict[str, int]:
    """Ids that were given out, so that none comes again after a restore."""
    if connection.dialect == "sqlite":
        rows = await connection.all(Query("SELECT name, seq FROM sqlite_sequence"))
        return {row[0]: int(row[1]) for row in rows}
    found = {}
    for name in _counted_tables():
        named = await connection.one(Query(_SEQUENCE), table=f'"{name}"')
        if named is not None and named[0] is not None:
            row = await connection.one(Query(f"SELECT last_value, is_called FROM {named[0]}"))
            assert row is not None
            found[name] = int(row[0]) if row[1] else 0
    return found


_SEQUENCE = "SELECT pg_get_serial_sequence(:table, 'id')"


def _counted_tables() -> list[str]:
    tables = metadata.sorted_tables
    return [table.name for table in tables if "id" in table.c and table.c.id.identity is not None]


def _told(row: Row) -> list[object]:
    return [value.bytes if isinstance(value, UUID) else value for value in row]


def _put(stream: Any, frame: dict[str, object]) -> None:
    packed = msgspec.msgpack.encode(frame)
    stream.write(len(packed).to_bytes(4, "big") + zlib.crc32(packed).to_bytes(4, "big") + packed)


# --- reading --------------------------------------------------------------------------------------


def _frames(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotABackup(f"'{path}' is not a backup of Mailkeep.")
        with zstandard.ZstdDecompressor().stream_reader(file) as stream:
            try:
                while head := _exactly(stream, 8):
                    size, check = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
                    packed = _exactly(stream, size) if size <= FRAME_LIMIT else b""
                    if zlib.crc32(packed) != check:
                        raise NotABackup(f"'{path}' is damaged.")
                    yield msgspec.msgpack.decode(packed, type=dict[str, Any])
            except (zstandard.ZstdError, msgspec.MsgspecError, EOFError):
                raise NotABackup(f"'{path}' is damaged or cut short.") from None


def _exactly(stream: Any, size: int) -> bytes:
    """That many octets; none at the end of the stream. Raises EOFError within them."""
    pieces: list[bytes] = []
    left = size
    while left and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if left and pieces:
        raise EOFError
    return b"".join(pieces)


def _head(frame: dict[str, Any] | None) -> dict[str, Any]:
    if frame is None or "version" not in frame:
        raise NotABackup("The file has no head.")
    return frame


async def _require_empty(transaction: Transaction) -> None:
    for name in _OURS:
        if await transaction.one(Query(f'SELECT 1 FROM "{name}" LIMIT 1')):
            raise SettingsError("The store is in use: a backup is restored into an empty one.")


async def _restore(transaction: Transaction, path: Path, progress: Progress) -> Summary:
    frames = _frames(path)
    head = _head(next(frames, None))
    if head["version"] != HEAD:
        raise SettingsError(
            f"The backup's tables are at {head['version']} and this Mailkeep's at {HEAD}: restore it with the"
            " version that made it, then upgrade."
        )
    for table in reversed(metadata.sorted_tables):
        await transaction.run(Query(f'DELETE FROM "{table.name}"'))
    bulks = {name: BulkInsert(metadata.tables[name], *columns) for name, columns in head["tables"].items()}
    counted = dict.fromkeys(bulks, 0)
    for frame in frames:
        if "end" in frame:
            if frame["end"] != counted:
                raise NotABackup(f"'{path}' does not hold the rows that it says.")
            await _set_counters(transaction, head["counters"])
            return Summary(head["version"], head["created_at"], counted)
        name = frame["table"]
        rows = _typed(metadata.tables[name], head["tables"][name], frame["rows"])
        await transaction.insert((bulks[name], rows))
        counted[name] += len(rows)
        progress(name, len(rows))
    raise NotABackup(f"'{path}' is cut short.")


def _typed(table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Row]:
    """Values as both databases take them."""
    uuids = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, Uuid)]
    truths = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, Boolean)]
    typed = [list(row) for row in rows]
    for row in typed:
        for place in uuids:
            row[place] = None if row[place] is None else UUID(bytes=row[place])
        for place in truths:
            row[place] = None if row[place] is None else bool(row[place])
    return [tuple(row) for row in typed]


async def _set_counters(transaction: Transaction, counters: dict[str, int]) -> None:
    for name in _counted_tables():
        value = counters.get(name, 0)
        if not value:
            continue
        if transaction.dialect == "sqlite":
            await transaction.run(Query("DELETE FROM sqlite_sequence WHERE name = :name"), name=name)
            insert = Query("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)")
            await transaction.run(insert, name=name, value=value)
        else:
            query = Query("SELECT setval(pg_get_serial_sequence(:table, 'id'), :value)")
            await transaction.one(query, table=f'"{name}"', value=value)


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
