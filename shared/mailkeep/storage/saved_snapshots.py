"""Snapshots of large mailboxes in the database: what their first SELECT begins with instead of all entries.

A saved snapshot shows its mailbox at one modseq, and the change log moves it on from there. It is a cache:
nothing is acknowledged by it, and one that is missing, damaged, of another version or too old costs the time
of reading entries. It is believed only if the mailbox's own counters agree. Who makes them, and when, is said
in snapshot_saver.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailkeep.errors import MailboxNotFound, StoreCorrupt
from mailkeep.model.flags import SystemFlag
from mailkeep.storage import change_log, packed_snapshot
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.interface.collecting import Collected
from mailkeep.storage.packed_snapshot import VERSION, Copied
from mailkeep.storage.query import Query
from mailkeep.storage.snapshot import Snapshot
from mailkeep.storage.values import now

FEWEST, MOST = 5000, 1_000_000
"""Messages: fewer are read in a few milliseconds, and more would be written for too long at a time."""

# Reading an entry takes about as long as replaying an octet of the log: where that would take longer, entries
# are read.
REPLAYED = 1  # octets of the log for each message, by `change_log.weight`
ENTRIES_A_ROW = 16  # nor are there more rows than this allows

_HEAD = Query(
    "SELECT m.uidvalidity, m.uidnext, m.highestmodseq, m.messages, m.unseen, m.deleted, m.size, s.made_at,"
    " s.version, s.uidvalidity, s.modseq FROM mailbox m LEFT JOIN saved_snapshot s ON s.mailbox_id = m.id"
    " WHERE m.id = :id AND m.selectable"
)
_PACKED = Query("SELECT packed FROM saved_snapshot WHERE mailbox_id = :id")
_INTO = "INSERT INTO saved_snapshot (mailbox_id, made_at, version, uidvalidity, modseq, packed)"
_OF_A_MAILBOX = "FROM mailbox m WHERE m.id = :mailbox_id AND m.selectable ON CONFLICT DO NOTHING"
_INSERT = Query(
    f"{_INTO} SELECT m.id, CAST(:made_at AS bigint), CAST(:version AS text), CAST(:uidvalidity AS bigint),"
    f" CAST(:modseq AS bigint), CAST(:packed AS bytea) {_OF_A_MAILBOX}",
    sqlite=f"{_INTO} SELECT m.id, :made_at, :version, :uidvalidity, :modseq, :packed {_OF_A_MAILBOX}",
)
_REPLACE = Query(
    "UPDATE saved_snapshot SET made_at = :made_at, version = :version, uidvalidity = :uidvalidity,"
    " modseq = :modseq, packed = :packed WHERE mailbox_id = :mailbox_id AND made_at = :former"
)
DROP = Query("DELETE FROM saved_snapshot WHERE mailbox_id = :id")
_WITHOUT = "NOT EXISTS (SELECT 1 FROM mailbox WHERE mailbox.id = saved_snapshot.mailbox_id AND selectable)"
_SEE_ORPHANS = Query(f"SELECT 1 FROM saved_snapshot WHERE {_WITHOUT} LIMIT 1")
_REMOVE_ORPHANS = Query(f"DELETE FROM saved_snapshot WHERE {_WITHOUT}")

_IS_SEEN = bytes(int(bool(value & SystemFlag.SEEN)) for value in range(256))
_IS_DELETED = bytes(int(bool(value & SystemFlag.DELETED)) for value in range(256))


class Head(NamedTuple):
    """A mailbox and, in the last four, its saved snapshot, as `_HEAD` reads them."""

    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: int
    unseen: int
    deleted: int
    size: int
    made_at: int | None
    version: str | None
    saved_uidvalidity: int | None
    modseq: int | None


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved snapshot as it was read, with the change log's rows above it, all in one state."""

    mailbox_id: int
    head: Head
    modseq: int
    packed: bytes
    rows: Sequence[Row]
    weight: int

    def snapshot(self) -> Snapshot:
        """The mailbox as it was when this was read. For a thread. Raises StoreCorrupt."""
        head = self.head
        snapshot = packed_snapshot.unpack(self.packed, self.mailbox_id, head.uidvalidity, self.modseq)
        change_log.replay(snapshot, self.rows)
        snapshot.uidnext = head.uidnext
        snapshot.unsaved = self.weight
        if _counted(snapshot) != (head.messages, head.unseen, head.deleted, head.size):
            raise StoreCorrupt("A saved snapshot does not agree with its mailbox.")
        return snapshot


def is_for(messages: int) -> bool:
    """Whether snapshots of mailboxes with so many are saved."""
    return FEWEST <= messages <= MOST


async def head_of(connection: Connection, mailbox_id: int) -> Head:
    """The mailbox, and what is saved of it. Raises MailboxNotFound."""
    row = await connection.one(_HEAD, id=mailbox_id)
    if row is None:
        raise MailboxNotFound("The mailbox does not exist.")
    return Head(*row)


async def lag(connection: Connection, mailbox_id: int, head: Head) -> int | None:
    """The weight of what has to be replayed on what is saved; None if that is of no use."""
    if not is_for(head.messages) or head.modseq is None:
        return None
    if (head.version, head.saved_uidvalidity) != (VERSION, head.uidvalidity):
        return None
    behind = head.highestmodseq - head.modseq
    if behind < 0 or behind * ENTRIES_A_ROW > head.messages:
        return None
    count, weight = await change_log.weighed(connection, mailbox_id, head.modseq) if behind else (0, 0)
    # A row that is missing was removed, or never written because too much had happened.
    return weight if count == behind and weight <= REPLAYED * head.messages else None


async def read(connection: Connection, mailbox_id: int, head: Head) -> Saved | None:
    """What is saved and what has happened since; None if entries are to be read. In the unit that read
    `head`, which sees one state of the database."""
    weight = await lag(connection, mailbox_id, head)
    row = None if weight is None else await connection.one(_PACKED, id=mailbox_id)
    if weight is None or row is None or head.modseq is None:
        return None
    rows = await change_log.since(connection, mailbox_id, head.modseq) if weight else ()
    return Saved(mailbox_id, head, head.modseq, bytes(row[0]), rows, weight)


async def write(database: Database, copied: Copied, packed: bytes, former: int | None) -> bool:
    """Save it in place of the one that was made at `former`, or of none. False if another process was faster,
    or the mailbox is gone. It may be lost with the machine's power, and locks no mailbox."""
    given = {
        "mailbox_id": copied.mailbox_id,
        "made_at": now(),
        "version": VERSION,
        "uidvalidity": copied.uidvalidity,
        "modseq": copied.modseq,
        "packed": packed,
    }

    async def work(transaction: Transaction) -> bool:
        if former is None:
            return await transaction.run(_INSERT, **given) == 1
        return await transaction.run(_REPLACE, former=former, **given) == 1

    return await database.write_lightly(work)


class Orphans:
    """See collecting.Walk. Hosts of versions that know of no saved snapshots leave those of mailboxes that
    they delete, as does who saves one in the moment in which its mailbox is deleted."""

    start = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    async def step(self, _after: int) -> tuple[None, Collected]:
        """All at once: only large mailboxes have one."""
        if await self._database.read(lambda connection: connection.one(_SEE_ORPHANS)):
            await self._database.write(lambda transaction: transaction.run(_REMOVE_ORPHANS))
        return None, Collected()


def _counted(snapshot: Snapshot) -> tuple[int, int, int, int]:
    """Messages, unseen and deleted ones, and octets: as a mailbox's row counts them."""
    flags = snapshot.system_flags.tobytes()
    unseen = flags.translate(_IS_SEEN).count(0)
    return len(flags), unseen, flags.translate(_IS_DELETED).count(1), sum(snapshot.sizes)
