"""Reading messages: snapshots of mailboxes, columns of message rows, and octets."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import accumulate
from typing import Any

from mailkeep.model.message import MessageSummary, SentSizes
from mailkeep.model.uids import UidSet
from mailkeep.storage import change_log
from mailkeep.storage.ahead import ahead
from mailkeep.storage.bodies import Reader, stored_body
from mailkeep.storage.by_ids import ByIds
from mailkeep.storage.database import Database, Row
from mailkeep.storage.interface import Column, JoinedHeaders, KeptBody
from mailkeep.storage.joined_headers import joined_headers
from mailkeep.storage.objects.contents import Contents
from mailkeep.storage.query import Query
from mailkeep.storage.snapshot import Snapshot
from mailkeep.storage.snapshots import Snapshots
from mailkeep.storage.values import as_datetime_or_none, as_uuid

BATCH_OCTETS = 1024 * 1024
BATCH_ROWS = 1000
FIRST_ROWS = 64  # before anything is known of how large the rows are
BODIES_OCTETS = 256 * 1024  # given to the reader together

_SUMMARY = (
    "subject, base_subject, from_address, from_name, header_message_id, reference_ids, sent_at,"
    " attachment_count, preview"
)
_SUMMARY_WIDTH = 9
_SAVED = "SELECT uid, save_date FROM entry WHERE mailbox_id = :mailbox_id AND uid"
_SAVE_DATES = Query(f"{_SAVED} = ANY(:uids)", sqlite=f"{_SAVED} IN (SELECT value FROM json_each(:uids))")

_SENT_SIZES = Query(
    "SELECT s.message_id, s.whole, s.downgraded FROM message_sent s"
    " JOIN entry e ON e.message_id = s.message_id WHERE e.mailbox_id = :mailbox_id"
)

_SIZES = ByIds("SELECT id, size FROM message WHERE id")


class StoredMessages:
    """See interface.Messages."""

    def __init__(self, database: Database, snapshots: Snapshots, contents: Contents) -> None:
        self._database = database
        self._contents = contents
        self._reader = Reader(database, contents)
        self._snapshots = snapshots
        self._row_queries: dict[tuple[Column, ...], ByIds] = {}

    async def snapshot(self, mailbox_id: int) -> Snapshot:
        """See interface.Messages."""
        return await self._snapshots.get(mailbox_id)

    async def refresh(self, snapshot: Snapshot) -> None:
        """See interface.Messages."""
        await self._snapshots.refresh(snapshot)

    # --- rows -----------------------------------------------------------------------------------

    async def rows(
        self, message_ids: Sequence[int], columns: Sequence[Column]
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        """See interface.Messages. How many are read at a time follows from how large the last ones were; the
        next ones are read while the caller works on these."""
        query = self._row_queries.get(tuple(columns))
        if query is None:
            query = self._row_queries[tuple(columns)] = _rows_query(columns)
        shape = _shape_of(columns)
        at, count = 0, FIRST_ROWS
        wanted = list(message_ids[:count])
        reading: asyncio.Task[Sequence[Row]] | None = None
        try:
            while wanted:
                rows = await (self._found(query, wanted) if reading is None else reading)
                reading = None
                sizes = _octets(rows)
                at += len(wanted)
                fitting = len(rows) * BATCH_OCTETS // max(1, sum(sizes)) if rows else BATCH_ROWS
                count = max(1, min(BATCH_ROWS, count * 4, fitting))
                wanted = list(message_ids[at : at + count])
                if wanted:
                    reading = ahead(self._found(query, wanted))
                for start, end in _cuts(sizes):
                    yield [shape(row) for row in rows[start:end]]
        finally:
            if reading is not None:
                reading.cancel()

    def headers(self, message_ids: Sequence[int]) -> AsyncIterator[JoinedHeaders]:
        """See interface.Messages."""
        return joined_headers(self._database, message_ids)

    async def _found(self, query: ByIds, wanted: list[int]) -> Sequence[Row]:
        """Rows that begin with the message id, in the order of `wanted`."""
        rows = await self._database.read(lambda connection: query.all(connection, wanted))
        if [row[0] for row in rows] == wanted:
            return rows
        found = {row[0]: row for row in rows}
        return [found[id] for id in wanted if id in found]

    # --- entries --------------------------------------------------------------------------------

    async def save_dates(self, mailbox_id: int, uids: Sequence[int]) -> Mapping[int, int]:
        """See interface.Messages."""
        found: dict[int, int] = {}
        for start in range(0, len(uids), BATCH_ROWS):
            rows = await self._saved(mailbox_id, list(uids[start : start + BATCH_ROWS]))
            found.update((row[0], row[1] // 1_000_000) for row in rows)
        return found

    async def _saved(self, mailbox_id: int, uids: Sequence[int]) -> Sequence[Row]:
        return await self._database.read(
            lambda connection: connection.all(_SAVE_DATES, mailbox_id=mailbox_id, uids=uids)
        )

    async def sent_sizes(self, mailbox_id: int) -> Mapping[int, SentSizes]:
        """See interface.Messages."""
        rows = await self._database.read(
            lambda connection: connection.all(_SENT_SIZES, mailbox_id=mailbox_id)
        )
        return {row[0]: SentSizes(row[1], row[2]) for row in rows}

    async def vanished(self, mailbox_id: int, since: int, through: int) -> UidSet | None:
        """See interface.Messages."""
        return await self._database.read(
            lambda connection: change_log.expunged(connection, mailbox_id, since, through)
        )

    # --- octets ---------------------------------------------------------------------------------

    async def body(self, message_id: int) -> KeptBody:
        """See interface.Messages."""
        return await stored_body(self._database, self._contents, message_id)

    async def bodies(
        self, message_ids: Sequence[int], sizes: Sequence[int] | None = None
    ) -> AsyncIterator[tuple[int, bytes]]:
        """See interface.Messages."""
        async with aclosing(self.body_batches(message_ids, sizes)) as batches:
            async for batch in batches:
                for found in batch:
                    yield found

    async def body_batches(
        self, message_ids: Sequence[int], sizes: Sequence[int] | None = None
    ) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """See interface.Messages."""
        if sizes is None:
            sized = [row async for row in self._sizes(message_ids)]
        else:
            sized = list(zip(message_ids, sizes, strict=True))
        async with aclosing(self._reader.in_turn(_parts(sized))) as batches:
            async for batch in batches:
                yield batch

    async def _sizes(self, message_ids: Sequence[int]) -> AsyncIterator[Row]:
        for start in range(0, len(message_ids), BATCH_ROWS):
            for row in await self._found(_SIZES, list(message_ids[start : start + BATCH_ROWS])):
                yield row


def _rows_query(columns: Sequence[Column]) -> ByIds:
    names = [_SUMMARY if column is Column.SUMMARY else column.value for column in columns]
    return ByIds(f"SELECT {', '.join(['id', *names])} FROM message WHERE id")


def _shape_of(columns: Sequence[Column]) -> Callable[[Row], tuple[Any, ...]]:
    """What makes a row of values from a row as read."""
    if Column.EMAIL_ID not in columns and Column.SUMMARY not in columns:
        return tuple

    def shape(row: Row) -> tuple[Any, ...]:
        values: list[Any] = [row[0]]
        at = 1
        for column in columns:
            if column is Column.SUMMARY:
                values.append(_summary(row[at : at + _SUMMARY_WIDTH]))
                at += _SUMMARY_WIDTH
            else:
                values.append(as_uuid(row[at]) if column is Column.EMAIL_ID else row[at])
                at += 1
        return tuple(values)

    return shape


def _summary(row: Row) -> MessageSummary:
    subject, base_subject, from_address, from_name, message_id, references, sent_at, attachments, preview = (
        row
    )
    return MessageSummary(
        subject=subject,
        base_subject=base_subject,
        from_address=from_address,
        from_name=from_name,
        message_id=message_id,
        references=tuple(references.split("\n")) if references else (),
        sent_at=as_datetime_or_none(sent_at),
        attachment_count=attachments,
        preview=preview,
    )


def _octets(rows: Sequence[Row]) -> Sequence[int]:
    """What the octets and texts of each row take."""
    if not rows:
        return ()
    held = [column for column in zip(*rows, strict=True) if isinstance(column[0], bytes | str)]
    if not held:
        return [0] * len(rows)
    if len(held) == 1:
        return list(map(len, held[0]))
    return [sum(sizes) for sizes in zip(*(map(len, column) for column in held), strict=True)]


def _cuts(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs [start, end) of rows that hold little more than BATCH_OCTETS together."""
    start, passed = 0, 0
    if sizes and sum(sizes) <= BATCH_OCTETS:
        yield 0, len(sizes)
        return
    totals = list(accumulate(sizes))
    while start < len(totals):
        end = min(bisect_right(totals, passed + BATCH_OCTETS) + 1, len(totals))
        yield start, end
        start, passed = end, totals[end - 1]


def _parts(sizes: Iterable[Row]) -> list[list[int]]:
    """Message ids of (id, size) in runs of BODIES_OCTETS and BATCH_ROWS at most."""
    parts: list[list[int]] = []
    octets = 0
    for id, size in sizes:
        octets += size
        if not parts or octets > BODIES_OCTETS or len(parts[-1]) == BATCH_ROWS:
            parts.append([])
            octets = size
        parts[-1].append(id)
    return parts
