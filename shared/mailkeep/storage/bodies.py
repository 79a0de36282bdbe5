"""Messages as octets: one at a time in any range, or many in order.

Many are read in groups, by one statement each, and unpacked in parts, one at a time: what waits for its
reader waits compressed. While the reader works on one group the next is being read, and no more than these
two are in memory, beside what was read lately by anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

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

PARTS = 4  # that are read together: waking a thread or another process for each took a tenth of the time

Found = Sequence[tuple[int, bytes]]
"""(message id, octets), in the order that was asked for."""


async def stored_body(database: Database, contents: Contents, message_id: int) -> StoredBody:
    """One message, whose octets are read when they are asked for. Raises NotFound."""
    row = await database.read(lambda connection: connection.one(_BODY, id=message_id))
    if row is None:
        raise NotFound("The message is gone.")
    return StoredBody(contents, row)


@dataclass(frozen=True, slots=True)
class _Group:
    """Parts of message ids, with what of them was read lately, and the reading of the rest."""

    parts: Sequence[list[int]]
    known: Sequence[Found | None]
    rows: asyncio.Task[Mapping[int, Row]] | None


class Reader:
    """Reads whole messages, many at a time."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents
        self._recent = RecentBodies()

    async def in_turn(self, parts: Sequence[list[int]]) -> AsyncGenerator[Found, None]:
        """Each part's message ids as whole messages; those that are gone are left out, and parts of which all
        are."""
        following = self._start(parts[:PARTS])
        try:
            for at in range(PARTS, len(parts) + PARTS, PARTS):
                group = following
                rows = await group.rows if group.rows else {}
                following = self._start(parts[at : at + PARTS])
                for part, known in zip(group.parts, group.known, strict=True):
                    found = known or await self._unpacked(part, rows)
                    if found:
                        yield found
        finally:
            if following.rows is not None:
                following.rows.cancel()

    def _start(self, parts: Sequence[list[int]]) -> _Group:
        """Begin to read what of these was not read lately."""
        known = [self._recent.of(part) for part in parts]
        wanted = [id for part, found in zip(parts, known, strict=True) if found is None for id in part]
        return _Group(parts, known, ahead(self._rows(wanted)) if wanted else None)

    async def _rows(self, ids: list[int]) -> Mapping[int, Row]:
        rows = await self._database.read(lambda connection: _BODIES.all(connection, ids))
        wanted = frozenset(ids)
        return {row[0]: row for row in rows if row[0] in wanted}

    async def _unpacked(self, ids: list[int], rows: Mapping[int, Row]) -> Found:
        # Not in SQLite's thread: to wait for the interpreter after each message costs more than it takes.
        found = [
            (row[0], await self._whole(row) if row[4] > blobs.CHUNK else _small(row))
            for row in map(rows.get, ids)
            if row is not None
        ]
        self._recent.keep(found)
        return found

    async def _whole(self, row: Row) -> bytes:
        return await StoredBody(self._contents, row).read()


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
