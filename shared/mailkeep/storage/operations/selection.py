"""Finding and naming the entries that an operation is about, under their mailbox's lock.

A UID set may be one range over everything or thousands of single UIDs. Measured on 10,000 entries, one
join with the ranges is planned so badly by both databases that 5,000 of them take seconds; the ways
here take milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mailkeep.model.uids import UidSet
from mailkeep.storage.database import Connection, Row, Transaction
from mailkeep.storage.query import Query

LISTED_UIDS = 5000  # a set of more is found by reading from its lowest to its highest UID
RANGES_APART = 16  # ranges that are written one by one; PostgreSQL takes more as a list

_SELECT = "SELECT uid, message_id, flags, keywords, modseq, size, internal_date FROM entry"
_SPAN = Query(f"{_SELECT} WHERE mailbox_id = :mailbox_id AND uid BETWEEN :low AND :high ORDER BY uid")
_LISTED = Query(
    f"{_SELECT} WHERE mailbox_id = :mailbox_id AND uid = ANY(:uids) ORDER BY uid",
    sqlite=f"{_SELECT} WHERE mailbox_id = :mailbox_id AND uid IN (SELECT value FROM json_each(:uids))"
    " ORDER BY uid",
)


_ALIKE = Query(
    "SELECT COUNT(*), MIN(uid), MAX(uid), MIN(flags), MAX(flags), MIN(keywords), MAX(keywords), MAX(modseq)"
    " FROM entry WHERE mailbox_id = :mailbox_id AND uid BETWEEN :low AND :high"
)


_ENDS = Query(
    "SELECT uid, (SELECT MAX(uid) FROM entry WHERE mailbox_id = :mailbox_id AND uid BETWEEN :low AND :high),"
    " flags, keywords FROM entry WHERE mailbox_id = :mailbox_id AND uid BETWEEN :low AND :high"
    " ORDER BY uid LIMIT 1"
)


class Alike(NamedTuple):
    """Entries without a gap in their UIDs that all have the same flags."""

    uids: UidSet
    flags: int
    keywords: str
    modseq: int
    """The highest."""


class Entry(NamedTuple):
    """One entry row."""

    uid: int
    message_id: int
    flags: int
    keywords: str
    modseq: int
    size: int
    internal_date: int


class ForUids:
    """A statement on entries of one mailbox, for as many UIDs as there may be.

    `statement` ends in `WHERE mailbox_id = :mailbox_id AND uid`; what follows is added here.
    """

    def __init__(self, statement: str) -> None:
        self._by_range = Query(f"{statement} BETWEEN :low AND :high")
        self._by_list = Query(f"{statement} = ANY(:uids)")

    async def run(self, transaction: Transaction, uids: UidSet, **parameters: Any) -> None:
        """Run it. SQLite has no round trips to save, PostgreSQL takes scattered UIDs as one array."""
        if transaction.dialect == "postgres" and len(uids.ranges) > RANGES_APART:
            await transaction.run(self._by_list, uids=list(uids), **parameters)
        else:
            rows = [{"low": low, "high": high, **parameters} for low, high in uids.ranges]
            await transaction.many(self._by_range, rows)


async def first_and_last(connection: Connection, mailbox_id: int, low: int, high: int) -> Row | None:
    """(lowest UID in a range, highest, system flags and keywords of the lowest), if there is any."""
    return await connection.one(_ENDS, mailbox_id=mailbox_id, low=low, high=high)


async def alike(connection: Connection, mailbox_id: int, uids: UidSet) -> Alike | None:
    """What is to be known of the entries of one range in place of reading each, if they are all alike."""
    if len(uids.ranges) != 1:
        return None
    ((low, high),) = uids.ranges
    row = await connection.one(_ALIKE, mailbox_id=mailbox_id, low=low, high=high)
    assert row is not None  # an aggregate has one row
    count, first, last, flags, other_flags, keywords, other_keywords, modseq = row
    if not count or last - first >= count or flags != other_flags or keywords != other_keywords:
        return None
    return Alike(UidSet(((first, last),)), flags, keywords, modseq)


async def entries(connection: Connection, mailbox_id: int, uids: UidSet) -> Sequence[Entry]:
    """Those entries of a set that are in the mailbox, by UID."""
    if not uids:
        return []
    if len(uids.ranges) > 1 and len(uids) <= LISTED_UIDS:
        rows = await connection.all(_LISTED, mailbox_id=mailbox_id, uids=list(uids))
        return list(map(Entry._make, rows))
    low, high = uids.ranges[0][0], uids.ranges[-1][1]
    rows = await connection.all(_SPAN, mailbox_id=mailbox_id, low=low, high=high)
    if len(uids.ranges) == 1:
        return list(map(Entry._make, rows))
    return [Entry._make(row) for row in rows if row[0] in uids]
