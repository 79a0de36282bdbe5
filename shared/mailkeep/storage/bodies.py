"""Messages as octets: one at a time in any range, or many in order.

Many are read in groups. While the reader works on one group the next is being read, and no more than these
two are in memory, beside what was read lately by anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from mailkeep.errors import NotFound
from mailkeep.storage import blobs
from mailkeep.storage.ahead import ahead
from mailkeep.storage.by_ids import ByIds
from mailkeep.storage.database import Database, Row
from mailkeep.storage.objects.contents import Contents
from mailkeep.storage.query import Query
from mailkeep.storage.recent_bodies import RecentBodies

_MESSAGE = "SELECT message.id, message.size, message.header, blob.digest, blob.size, blob.chunk FROM message"
_MESSAGE += " JOIN blob ON blob.digest = message.digest WHERE message.id"
_BODY = Query(f"{_MESSAGE} = :id")
_BODIES = ByIds(_MESSAGE)

Found = Sequence[tuple[int, bytes]]
"""(message id, octets), in the order that was asked for."""


async def stored_body(database: Database, contents: Contents, message_id: int) -> StoredBody:
    """One message, whose octets are read when they are asked for. Raises NotFound."""
    row = await database.read(lambda connection: connection.one(_BODY, id=message_id))
    if row is None:
        raise NotFound("The message is gone.")
    return StoredBody(contents, row)


class Reader:
    """Reads whole messages, many at a time."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents
        self._recent = RecentBodies()

    async def in_turn(self, groups: Sequence[list[int]]) -> AsyncGenerator[Found, None]:
        """Each group of message ids as whole messages; those that are gone are left out."""
        reading: asyncio.Task[Found] | None = None
        try:
            for place, group in enumerate(groups):
                found = await reading if reading else self._recent.of(group) or await self._read(group)
                reading = None
                if place + 1 < len(groups) and self._recent.of(groups[place + 1]) is None:
                    reading = ahead(self._read(groups[place + 1]))
                yield found
        finally:
            if reading is not None:
                reading.cancel()

    async def _read(self, ids: list[int]) -> Found:
        found = await _group(self._database, self._contents, ids)
        self._recent.keep(found)
        return found


async def _group(database: Database, contents: Contents, ids: list[int]) -> Found:
    rows = await database.read(lambda connection: _BODIES.all(connection, ids))
    if [row[0] for row in rows] != ids:
        by_id = {row[0]: row for row in rows}
        rows = [by_id[id] for id in ids if id in by_id]
    # Not in SQLite's thread: to wait for the interpreter after each message costs more than it takes.
    return [
        (row[0], await StoredBody(contents, row).read() if row[4] > blobs.CHUNK else _small(row))
        for row in rows
    ]


def _small(row: Row) -> bytes:
    """A message that lies in its row. No coroutine: most are small, and it would cost what joining costs."""
    header: bytes = row[2]
    return header + blobs.unpack(row[5])


class StoredBody:
    """See interface.KeptBody. Holds the header and the first chunk; more chunks are read when asked for."""

    __slots__ = ("_ahead", "_chunk", "_content_size", "_contents", "_digest", "_header", "size")

    def __init__(self, contents: Contents, row: Row) -> None:
        self._contents = contents
        self._ahead: tuple[int, bytes] | None = None
        _, self.size, self._header, self._digest, self._content_size, self._chunk = row

    async def reach(self, offset: int = 0, length: int | None = None) -> None:
        """See interface.KeptBody."""
        stop = (self.size if length is None else min(self.size, offset + length)) - len(self._header)
        number = max(1, (offset - len(self._header)) // blobs.CHUNK)
        if number * blobs.CHUNK < stop:
            self._ahead = number, await self._content(number, (stop - 1) // blobs.CHUNK)

    async def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """See interface.Body."""
        return b"".join([piece async for piece in self.chunks(offset, length)])

    async def chunks(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See interface.Body."""
        end = self.size if length is None else min(self.size, offset + length)
        kept = len(self._header)
        if offset < min(end, kept):
            yield self._header[offset : min(end, kept)]
        at, stop = max(offset - kept, 0), end - kept
        while at < stop:
            number, skip = divmod(at, blobs.CHUNK)
            piece = await self._content(number, (stop - 1) // blobs.CHUNK)
            taken = piece[skip : skip + stop - at]
            yield taken
            at += len(taken)

    async def _content(self, number: int, last: int) -> bytes:
        """The octets of one chunk. The reader will go on to the last one named."""
        if number == 0:
            return blobs.unpack(self._chunk)
        if self._ahead is not None and self._ahead[0] == number:
            _, piece = self._ahead
            self._ahead = None
            return piece
        return await self._contents.chunk(self._digest, number, last)
