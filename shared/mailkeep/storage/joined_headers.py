"""The header sections of many messages at once, for who looks through all of them and picks a few.

A row costs a driver objects of its own and its reader a look at each of them, which is most of what a search
of ten thousand headers would take. So the database joins a batch of them, with a NUL between. Nothing is said
of their order, and nothing is searched here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from mailkeep.storage.ahead import begun
from mailkeep.storage.by_ids import ByIds
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.interface import JoinedHeaders

BATCH_OCTETS = 1024 * 1024
BATCH_ROWS = 1000
FIRST_ROWS = 64  # before anything is known of how large they are
SEPARATOR = b"\0"

# Both aggregates take the rows in the same order. SQLite joins octets as text, without looking into them.
_JOINED = ByIds(
    "SELECT array_agg(id), string_agg(header, '\\x00'::bytea) FROM message WHERE id",
    sqlite="SELECT json_group_array(id), CAST(group_concat(header, char(0)) AS BLOB) FROM message WHERE id",
)
_APART = ByIds("SELECT id, header FROM message WHERE id")

_numbers = msgspec.json.Decoder(list[int])


async def joined_headers(database: Database, message_ids: Sequence[int]) -> AsyncIterator[JoinedHeaders]:
    """See interface.Messages. How many are read at a time follows from how large the last ones were; the next
    ones are read while the caller works on these."""
    at, count = 0, FIRST_ROWS
    reading: asyncio.Task[Sequence[JoinedHeaders]] | None = None
    wanted = list(message_ids[:count])
    try:
        while wanted:
            batches = await (_read(database, wanted) if reading is None else reading)
            reading = None
            at += len(wanted)
            count = _fitting(batches, count)
            wanted = list(message_ids[at : at + count])
            if wanted:
                reading = await begun(_read(database, wanted))
            for batch in batches:
                yield batch
    finally:
        if reading is not None:
            reading.cancel()


def _fitting(batches: Sequence[JoinedHeaders], count: int) -> int:
    found = sum(len(batch.ids) for batch in batches)
    octets = sum(len(batch.octets) for batch in batches)
    fitting = found * BATCH_OCTETS // max(1, octets) if found else BATCH_ROWS
    return max(1, min(BATCH_ROWS, count * 4, fitting))


async def _read(database: Database, wanted: list[int]) -> Sequence[JoinedHeaders]:
    async def work(connection: Connection) -> Sequence[JoinedHeaders]:
        (row,) = await _JOINED.all(connection, wanted)
        ids, octets = _values(row)
        if octets.count(SEPARATOR) == max(0, len(ids) - 1):
            return list(_pieces(ids, octets)) if ids else []
        return list(_apart(await _APART.all(connection, wanted)))

    return await database.read(work)


def _values(row: Row) -> tuple[Sequence[int], bytes]:
    """Nothing is there of messages that are all gone: NULL, or an empty array and NULL."""
    ids, octets = row
    return (_numbers.decode(ids) if isinstance(ids, str) else ids or ()), octets or b""


def _pieces(ids: Sequence[int], octets: bytes) -> Iterator[JoinedHeaders]:
    """Cut behind the header that fills BATCH_OCTETS: nobody knew before how large they are."""
    at = start = 0
    while (end := octets.find(SEPARATOR, start + BATCH_OCTETS)) >= 0:
        count = octets.count(SEPARATOR, start, end) + 1
        yield JoinedHeaders(ids[at : at + count], octets[start:end])
        at, start = at + count, end + 1
    yield JoinedHeaders(ids[at:], octets[start:] if start else octets)


def _apart(rows: Sequence[Row]) -> Iterator[JoinedHeaders]:
    for id, header in rows:
        yield JoinedHeaders((id,), header)
