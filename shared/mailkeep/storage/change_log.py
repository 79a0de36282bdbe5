"""The change log: one row for each commit and mailbox, enough to move a snapshot forward by.

`appended` holds the new entries and `flagged` the flags that entries have now, as msgpack; `expunged` is
a UID set as text, and `removed` the ids of its messages, as msgpack: the entries that knew them are gone
(none is written down past APPENDED_LIMIT). Modseqs in it have no holes: where one is missing, too much
happened at once to be written down, and readers read the mailbox anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.storage import tables
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.snapshot import Change, Snapshot, SnapshotEntry
from mailkeep.storage.values import as_flags, as_words

APPENDED_LIMIT = 5000  # entries in one row; more are read from the mailbox

INSERT = BulkInsert(tables.change)
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
