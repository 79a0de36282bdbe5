"""Mailboxes whose row this transaction has locked: the numbers that a commit moves forward.

The lock is held until the commit, so modseqs and UIDs are in commit order over all processes. Rows are
always locked in the order of their ids, so that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mailkeep.model.flags import SystemFlag
from mailkeep.storage import change_log, tables
from mailkeep.storage.change_log import ChangeRow
from mailkeep.storage.database import Connection, Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.query import Bulk, BulkUpdate, Expected, Query

_COLUMNS = (
    "mailbox.id, mailbox.account_id, mailbox.name, mailbox.uidvalidity, uidnext, highestmodseq, messages,"
    " unseen, deleted, size, account.user_id IS NOT NULL, quota_storage, quota_messages"
)
_FROM = "FROM mailbox JOIN account ON account.id = mailbox.account_id WHERE selectable AND mailbox.id"
_BY_ADDRESS = (
    "SELECT m.id FROM address a JOIN mailbox m ON m.account_id = a.account_id"
    " WHERE a.address {addresses} AND m.name {names}"
)
_LOCK = Query(
    f"SELECT {_COLUMNS} {_FROM} IN (SELECT unnest(CAST(:ids AS bigint[])) UNION "
    + _BY_ADDRESS.format(addresses="= ANY(:addresses)", names="= ANY(:names)")
    + ") ORDER BY mailbox.id FOR NO KEY UPDATE OF mailbox",
    sqlite=f"SELECT {_COLUMNS} {_FROM} IN (SELECT value FROM json_each(:ids) UNION "
    + _BY_ADDRESS.format(
        addresses="IN (SELECT value FROM json_each(:addresses))",
        names="IN (SELECT value FROM json_each(:names))",
    )
    + ") ORDER BY mailbox.id",
)
EXPECTED_MAILBOXES = Expected(
    f"SELECT {_COLUMNS} {_FROM} {{keys}} ORDER BY mailbox.id FOR NO KEY UPDATE OF mailbox",
    among="IN (SELECT unnest({array}))",
    id="bigint",
    account_id="bigint",
    name="text",
    **dict.fromkeys(
        ("uidvalidity", "uidnext", "highestmodseq", "messages", "unseen", "deleted", "size"), "bigint"
    ),
    claimed="boolean",
    quota_storage="bigint",
    quota_messages="bigint",
)
_STORE = BulkUpdate(tables.mailbox, "id", "uidnext", "highestmodseq", "messages", "unseen", "deleted", "size")


class Writer(Protocol):
    """A transaction's `insert` or `at_end`."""

    def __call__(self, *bulks: tuple[Bulk, Sequence[Row]]) -> Awaitable[None]:
        """Write rows."""


@dataclass(slots=True)
class LockedMailbox:
    """The row as it will be at the commit."""

    id: int
    account_id: int
    name: str
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    messages: int
    unseen: int
    deleted: int
    size: int
    claimed: bool  # the rest is the account's
    quota_storage: int | None
    quota_messages: int | None
    changes: list[ChangeRow] = field(default_factory=list)
    dirty: bool = False

    def columns(self) -> Row:
        """As the row was read."""
        return (
            *(self.id, self.account_id, self.name, self.uidvalidity, self.uidnext, self.highestmodseq),
            *(self.messages, self.unseen, self.deleted, self.size),
            *(self.claimed, self.quota_storage, self.quota_messages),
        )

    def copy(self) -> LockedMailbox:
        """As the row is, with no changes yet."""
        return LockedMailbox(*self.columns())

    def new_change(self) -> ChangeRow:
        """A change with a modseq of its own, to be filled in."""
        change = ChangeRow(self.id, self.skip_modseq())
        self.changes.append(change)
        return change

    def skip_modseq(self) -> int:
        """A modseq without a change row: readers will read the mailbox anew."""
        self.dirty = True
        self.highestmodseq += 1
        return self.highestmodseq

    def take_uids(self, count: int) -> range:
        """The next UIDs."""
        self.uidnext += count
        return range(self.uidnext - count, self.uidnext)

    def count(self, system_flags: int, size: int, sign: int) -> None:
        """Count an entry in (sign 1) or out (sign -1)."""
        self.messages += sign
        self.size += sign * size
        self.unseen += 0 if system_flags & SystemFlag.SEEN else sign
        self.deleted += sign if system_flags & SystemFlag.DELETED else 0

    def recount(self, before: int, after: int, number: int) -> None:
        """Count so many entries whose system flags change."""
        self.unseen -= number * (bool(after & SystemFlag.SEEN) - bool(before & SystemFlag.SEEN))
        self.deleted += number * (bool(after & SystemFlag.DELETED) - bool(before & SystemFlag.DELETED))


async def lock(
    connection: Connection,
    ids: Collection[int],
    addresses: Collection[str] = (),
    names: Collection[str] = (),
) -> dict[int, LockedMailbox]:
    """Lock mailboxes by id, and those with one of `names` that belong to `addresses`.

    Those that do not exist or cannot be selected are left out.
    """
    rows = await connection.all(_LOCK, ids=list(ids), addresses=list(addresses), names=list(names))
    return {row[0]: LockedMailbox(*row) for row in rows}


async def store(
    transaction: Transaction, mailboxes: Iterable[LockedMailbox], write: Writer | None = None
) -> None:
    """Write back those that changed, with their change rows, and name them on the feed."""
    moved = [mailbox for mailbox in mailboxes if mailbox.dirty]
    rows = [
        (box.id, box.uidnext, box.highestmodseq, box.messages, box.unseen, box.deleted, box.size)
        for box in moved
    ]
    changes = [change.columns() for mailbox in moved for change in mailbox.changes]
    await (write or transaction.insert)((_STORE, rows), (change_log.INSERT, changes))
    for mailbox in moved:
        changed(transaction, TopicKind.MAILBOX, mailbox.id)
