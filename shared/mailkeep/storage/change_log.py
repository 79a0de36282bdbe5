"""The change log: one row for each commit and mailbox, enough to move a snapshot forward by.

`appended` holds the new entries and `flagged` the flags that entries have now, as msgpack; `expunged` is
a UID set as text, and `removed` the ids of its messages, as msgpack: the entries that knew them are gone
(none is written down past APPENDED_LIMIT). Modseqs in it have no holes: where one is missing, too much
happened at once to be written down, and readers read the mailbox anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from mailkeep.errors import StoreCorrupt
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.storage import tables
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.snapshot import Change, Snapshot, SnapshotEntry
from mailkeep.storage.values import as_flags, as_words

APPENDED_LIMIT = 5000  # entries in one row; more are read from the mailbox

INSERT = BulkInsert(tables.change)
ROW_WEIGHT = 16  # octets that a row counts for besides what it holds

_SINCE = Query(
    "SELECT modseq, appended, flagged, expunged FROM change"
    " WHERE mailbox_id = :mailbox_id AND modseq > :since ORDER BY modseq"
)
_WEIGHED = Query(
    f"SELECT count(*), CAST({ROW_WEIGHT} * count(*) + coalesce(sum(coalesce(length(appended), 0)"
    " + coalesce(length(flagged), 0) + coalesce(length(expunged), 0)), 0) AS bigint)"
    " FROM change WHERE mailbox_id = :mailbox_id AND modseq > :since"
)
_COUNTED = Query(
    "SELECT COUNT(*), COUNT(expunged) FROM change"
    " WHERE mailbox_id = :mailbox_id AND modseq > :since AND modseq <= :through"
)
_EXPUNGED = Query(
    "SELECT expunged FROM change WHERE mailbox_id = :mailbox_id AND modseq > :since AND modseq <= :through"
    " AND expunged IS NOT NULL"
)
EXPUNGED_LIMIT = 10_000  # rows of one answer; past that it is cheaper to say what is not there

NewEntry = tuple[int, int, int, str, int, int]
"""uid, message id, system flags, keywords, size, internal date as a moment."""

FlagGroup = tuple[str, int, str]
"""UIDs as text, and the system flags and keywords that all of them have now."""

_entries = msgspec.msgpack.Decoder(list[NewEntry])
_groups = msgspec.msgpack.Decoder(list[FlagGroup])
_encoder = msgspec.msgpack.Encoder()


@dataclass(slots=True)
class ChangeRow:
    """One row being written."""

    mailbox_id: int
    modseq: int
    appended: Sequence[NewEntry] = ()
    flagged: Sequence[FlagGroup] = ()
    expunged: UidSet = NO_UIDS
    removed: Sequence[int] = ()

    def columns(self) -> Row:
        """In the order of the table."""
        return (
            self.mailbox_id,
            self.modseq,
            _encoder.encode(self.appended) if self.appended else None,
            _encoder.encode(self.flagged) if self.flagged else None,
            str(self.expunged) if self.expunged else None,
            _encoder.encode(self.removed) if self.removed else None,
        )


def apply(snapshot: Snapshot, row: Row) -> None:
    """Move a snapshot forward by one row (modseq, appended, flagged, expunged)."""
    modseq, appended, flagged, expunged = row
    new = _entries.decode(appended) if appended else []
    for uid, message_id, system, keywords, size, date in new:
        flags = as_flags(system, keywords)
        snapshot.append(SnapshotEntry(uid, message_id, flags, modseq, size, date // 1_000_000))
    groups = [(UidSet.parse(uids), system, words) for uids, system, words in _decode_groups(flagged)]
    for uids, system, words in groups:
        snapshot.set_flags_of(uids, system, as_words(words), modseq)
    gone = UidSet.parse(expunged) if expunged else NO_UIDS
    snapshot.remove(gone)
    changed = UidSet.of_ranges(span for uids, _, _ in groups for span in uids.ranges)
    snapshot.advance(Change(modseq, UidSet.of(entry[0] for entry in new), changed, gone))


def replay(snapshot: Snapshot, rows: Sequence[Row]) -> None:
    """Move a snapshot that nobody has seen yet forward by many such rows, oldest first. Raises StoreCorrupt.

    UIDs never come back, so all that came is added at once and all that went is taken out at once; flags are
    set in their order, be it to entries that are about to go.
    """
    try:
        snapshot.load(entry for row in rows if row[1] for entry in _appended(row[0], row[1]))
        for modseq, _, flagged, _ in rows:
            for uids, system, words in _decode_groups(flagged):
                snapshot.set_flags_of(UidSet.parse(uids), system, as_words(words), modseq)
        gone = [UidSet.parse(row[3]).ranges for row in rows if row[3]]
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise StoreCorrupt("A row of the change log cannot be read.") from error
    snapshot.remove(UidSet.of_ranges(span for ranges in gone for span in ranges))
    if rows:
        snapshot.forget_changes(rows[-1][0])


def _appended(modseq: int, packed: bytes) -> Iterator[tuple[int, int, int, tuple[str, ...], int, int, int]]:
    """Entries as `Snapshot.load` takes them."""
    for uid, message_id, system, keywords, size, date in _entries.decode(packed):
        yield uid, message_id, system, as_words(keywords), modseq, size, date // 1_000_000


def weight(rows: Sequence[Row]) -> int:
    """What it takes to move a snapshot by such rows, in octets: those that they hold and some for each."""
    return sum(ROW_WEIGHT + sum(len(part) for part in row[1:] if part) for row in rows)


async def weighed(connection: Connection, mailbox_id: int, since: int) -> tuple[int, int]:
    """How many rows there are above a modseq, and their weight."""
    row = await connection.one(_WEIGHED, mailbox_id=mailbox_id, since=since)
    return (row[0], row[1]) if row is not None else (0, 0)


async def since(connection: Connection, mailbox_id: int, modseq: int) -> Sequence[Row]:
    """The rows above a modseq, oldest first."""
    return await connection.all(_SINCE, mailbox_id=mailbox_id, since=modseq)


async def expunged(connection: Connection, mailbox_id: int, since: int, through: int) -> UidSet | None:
    """UIDs removed with modseqs in (since, through]; None if a modseq is missing or rows are too many."""
    if since >= through:
        return NO_UIDS
    span = {"mailbox_id": mailbox_id, "since": since, "through": through}
    counted = await connection.one(_COUNTED, **span)
    if counted is None or counted[0] != through - since or counted[1] > EXPUNGED_LIMIT:
        return None
    rows = await connection.all(_EXPUNGED, **span)
    return UidSet.of_ranges(span for row in rows for span in UidSet.parse(row[0]).ranges)


def _decode_groups(flagged: bytes | None) -> list[FlagGroup]:
    return _groups.decode(flagged) if flagged else []
