"""The mover: the further chunks of blobs that have aged, from the database into objects, and back.

One blob at a time: its chunks are read and compared with its digest; a key is written down; the object is
put, read again and compared; then one transaction strikes the key out, says where the chunks are, and removes
them. It passes over a blob whose rows somebody holds, as the collector does, and takes it the next time.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from mailkeep.errors import StoreCorrupt, StoreUnavailable
from mailkeep.observe import metrics
from mailkeep.observe.logs import get_logger
from mailkeep.storage import blobs, tables
from mailkeep.storage.collecting import held_elsewhere
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.objects import leaving
from mailkeep.storage.objects.bucket import OBJECT_LIMIT, Bucket
from mailkeep.storage.objects.place import Place, new_key
from mailkeep.storage.query import BulkInsert, Query

SINCE = "0023"
"""The version of the tables whose hosts read what was moved; older ones must not start from then on."""

WINDOW = 500  # blobs that one statement looks at
REST_AT_MOST = 1.0  # seconds between two blobs

# A window is of all that could be moved, so that no statement is long where little is old enough.
_NEXT = Query(
    "SELECT seen.digest, blob.touched FROM (SELECT digest FROM blob_chunk WHERE number = 1"
    " AND digest > :after ORDER BY digest LIMIT :most) AS seen"
    " JOIN blob ON blob.digest = seen.digest ORDER BY seen.digest"
)
_NEXT_MOVED = Query("SELECT digest, 0 FROM blob_object WHERE digest > :after ORDER BY digest LIMIT :most")
_BLOB = Query(
    "SELECT blob.size, blob.chunk, blob_object.key, blob_object.ends FROM blob"
    " LEFT JOIN blob_object ON blob_object.digest = blob.digest WHERE blob.digest = :digest"
)
_CHUNKS = Query("SELECT number, chunk FROM blob_chunk WHERE digest = :digest ORDER BY number")
_HOLD = Query(
    "SELECT digest FROM blob WHERE digest = :digest FOR NO KEY UPDATE SKIP LOCKED",
    sqlite="SELECT digest FROM blob WHERE digest = :digest",
)
_KEY = Query("SELECT key FROM blob_object WHERE digest = :digest")
_REFER = BulkInsert(
    tables.blob_object,
    conflict="(digest) DO UPDATE SET key = excluded.key, size = excluded.size, ends = excluded.ends",
)
_FORGET = Query("DELETE FROM blob_object WHERE digest = :digest")
_REMOVE_CHUNKS = Query("DELETE FROM blob_chunk WHERE digest = :digest")
_INSERT_CHUNKS = BulkInsert(tables.blob_chunk, conflict="(digest, number) DO NOTHING")
_RAISE_OLDEST = Query(f"UPDATE compatibility SET oldest = '{SINCE}' WHERE id = 1 AND oldest < '{SINCE}'")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Whole:
    """A blob as it is now. `chunks` are those after the first that the database has, by their number."""

    digest: bytes
    size: int
    first: bytes = field(repr=False)
    chunks: dict[int, bytes] = field(repr=False)
    place: Place | None

    @property
    def numbers(self) -> range:
        """Of the chunks after the first that there must be."""
        return range(1, max(1, -(-self.size // blobs.CHUNK)))

    def is_right(self, frames: Sequence[bytes]) -> bool:
        """True if these are its further chunks: the digest of the whole says so. Takes long; in a thread."""
        digest, size = hashlib.sha256(), 0
        try:
            for frame in (self.first, *frames):
                octets = blobs.unpack(frame)
                digest.update(octets)
                size += len(octets)
        except StoreCorrupt:
            return False
        return size == self.size and digest.digest() == self.digest


async def whole(database: Database, digest: bytes) -> Whole | None:
    """None if it is gone."""

    async def work(connection: Connection) -> Whole | None:
        row = await connection.one(_BLOB, digest=digest)
        if row is None:
            return None
        chunks = {row[0]: row[1] for row in await connection.all(_CHUNKS, digest=digest)}
        place = None if row[2] is None else Place.unpack(digest, row[2], row[3])
        return Whole(digest, row[0], row[1], chunks, place)

    return await database.read_at_once(work)


async def due(database: Database, before: int) -> AsyncIterator[bytes]:
    """Blobs with further chunks in the database that nobody touched since."""
    async for digest, touched in _walk(database, _NEXT):
        if touched < before:
            yield digest


async def moved(database: Database) -> AsyncIterator[bytes]:
    """Blobs that have an object."""
    async for digest, _ in _walk(database, _NEXT_MOVED):
        yield digest


async def _walk(database: Database, query: Query) -> AsyncIterator[tuple[bytes, int]]:
    after = b""
    while rows := await _window(database, query, after):
        for digest, touched in rows:
            yield bytes(digest), touched
        after = bytes(rows[-1][0])


async def _window(database: Database, query: Query, after: bytes) -> Sequence[Row]:
    return await database.read(lambda connection: connection.all(query, after=after, most=WINDOW))


async def raise_oldest(database: Database) -> None:
    """Hosts of versions that could not read what is moved do not start any more."""
    await database.write(lambda transaction: transaction.run(_RAISE_OLDEST))


async def move_out(database: Database, bucket: Bucket, digest: bytes) -> int | None:
    """The octets that left the database; None if they stayed. Raises StoreUnavailable."""
    blob = await whole(database, digest)
    if blob is None or not blob.chunks:
        return 0
    if blob.place is not None and await _is_intact(bucket, blob, blob.place):
        return await _refer(database, blob, blob.place)  # it came again, and the object is as good
    frames = [blob.chunks[number] for number in blob.numbers if number in blob.chunks]
    if len(frames) != len(blob.numbers) or not await asyncio.to_thread(blob.is_right, frames):
        log.error("content is damaged and stays where it is", digest=digest.hex())
        return None
    octets = b"".join(frames)
    if len(octets) > OBJECT_LIMIT:
        return None
    place = Place.of(digest, new_key(bucket.settings.prefix, digest), frames)
    await database.write(lambda transaction: leaving.write_down(transaction, [place.key]))
    await bucket.put(place.key, octets)
    if not await _holds(bucket, place, octets):
        raise StoreUnavailable("The object store gives back other octets than it was given.")
    return await _refer(database, blob, place)


async def _holds(bucket: Bucket, place: Place, octets: bytes) -> bool:
    """True if the object is what was put there: every octet of it, read again."""
    at = 0
    try:
        async for piece in bucket.pieces(place):
            if piece != memoryview(octets)[at : at + len(piece)]:
                return False
            at += len(piece)
    except StoreCorrupt:
        return False
    return at == len(octets)


async def _is_intact(bucket: Bucket, blob: Whole, place: Place) -> bool:
    try:
        frames = place.cut(await bucket.whole(place), 1, place.last)
    except StoreCorrupt:
        return False
    return await asyncio.to_thread(blob.is_right, frames)


async def _refer(database: Database, blob: Whole, place: Place) -> int | None:
    """The transaction that moves it. None if somebody holds it or changed it meanwhile."""
    former = None if blob.place is None else blob.place.key

    async def work(transaction: Transaction) -> bool:
        if await transaction.one(_HOLD, digest=blob.digest) is None:
            return False
        if transaction.dialect == "postgres" and await held_elsewhere(transaction, [blob.digest]):
            return False
        row = await transaction.one(_KEY, digest=blob.digest)
        if (None if row is None else row[0]) != former:
            return False
        if place.key != former:
            if not await leaving.strike_out(transaction, place.key):
                return False
            if former is not None:
                await leaving.write_down(transaction, [former])
            row_of = (blob.digest, place.key, place.size, place.packed_ends())
            await transaction.insert((_REFER, [row_of]))
        await transaction.run(_REMOVE_CHUNKS, digest=blob.digest)
        return True

    if not await database.write(work):
        return None
    octets = sum(map(len, blob.chunks.values()))
    metrics.OBJECTS_MOVED.labels("out").inc()
    metrics.OBJECT_OCTETS_MOVED.labels("out").inc(octets)
    return octets


async def move_in(database: Database, bucket: Bucket, digest: bytes) -> int | None:
    """The octets that came back; None if they stayed. Raises StoreCorrupt, StoreUnavailable."""
    blob = await whole(database, digest)
    if blob is None or blob.place is None:
        return 0
    place = blob.place
    frames = place.cut(await bucket.whole(place), 1, place.last)
    if not await asyncio.to_thread(blob.is_right, frames):
        raise StoreCorrupt("An object in the object store holds other content than was put there.")

    async def work(transaction: Transaction) -> bool:
        if await transaction.one(_HOLD, digest=digest) is None:
            return False
        row = await transaction.one(_KEY, digest=digest)
        if row is None or row[0] != place.key:
            return False
        rows = [(digest, number, frame) for number, frame in enumerate(frames, start=1)]
        await transaction.insert((_INSERT_CHUNKS, rows))
        await transaction.run(_FORGET, digest=digest)
        await leaving.write_down(transaction, [place.key])
        return True

    if not await database.write(work):
        return None
    metrics.OBJECTS_MOVED.labels("in").inc()
    metrics.OBJECT_OCTETS_MOVED.labels("in").inc(place.size)
    return place.size


async def rest(began: float) -> None:
    """As long as was worked."""
    await asyncio.sleep(min(time.monotonic() - began, REST_AT_MOST))
