"""How long mail for unclaimed addresses is kept: the collector's passes over accounts that nobody owns.

An account that is claimed meanwhile is left alone: its row is held while something is taken from it, and a
claim waits for that or was there before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mailkeep.storage import claiming, locked
from mailkeep.storage.database import Connection, Database, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.interface.collecting import Collected
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.removal import remove
from mailkeep.storage.operations.selection import Entry
from mailkeep.storage.query import Query

ACCOUNTS = 100  # that one statement finds
ENTRIES = 1000  # that one transaction removes

# UIDs ascend with the time at which messages came into a mailbox: the first one is the oldest.
_WITH_OLD_MAIL = Query(
    "SELECT DISTINCT m.account_id FROM mailbox m JOIN account a ON a.id = m.account_id"
    " WHERE a.user_id IS NULL AND a.id > :after AND m.messages > 0 AND"
    " (SELECT e.save_date FROM entry e WHERE e.mailbox_id = m.id ORDER BY e.uid LIMIT 1) < :before"
    " ORDER BY m.account_id LIMIT :most"
)
_WITHOUT_MAIL = Query(
    "SELECT a.id FROM account a WHERE a.user_id IS NULL AND a.id > :after AND a.created_at < :before"
    " AND NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.account_id = a.id AND m.messages > 0)"
    " ORDER BY a.id LIMIT :most"
)
_MAILBOX_IDS = Query("SELECT id FROM mailbox WHERE account_id = :account_id")
_OLD = Query(
    "SELECT uid, message_id, flags, keywords, modseq, size, internal_date FROM entry"
    " WHERE mailbox_id = :mailbox_id AND save_date < :before ORDER BY uid LIMIT :most"
)
_FORGET_ADDRESSES = Query("DELETE FROM address WHERE account_id = :account_id")


class _Accounts(ABC):
    """Windows of accounts that a query finds; each is then taken by itself."""

    start = 0
    find: Query

    def __init__(self, database: Database, before: int) -> None:
        self._database = database
        self._before = before

    async def step(self, after: int) -> tuple[int | None, Collected]:
        """See collecting.Walk."""
        rows = await self._database.read(self._look(after))
        collected = Collected()
        for row in rows:
            collected += await self._take(row[0])
        return (rows[-1][0] if rows else None), collected

    def _look(self, after: int) -> Any:
        async def look(connection: Connection) -> Any:
            return await connection.all(self.find, after=after, before=self._before, most=ACCOUNTS)

        return look

    @abstractmethod
    async def _take(self, account_id: int) -> Collected:
        """What is removed of one account."""


class Mail(_Accounts):
    """Messages that came before a moment, for addresses that nobody has claimed."""

    find = _WITH_OLD_MAIL

    async def _take(self, account_id: int) -> Collected:
        collected = Collected()
        while taken := await self._database.write(lambda t: self._expire(t, account_id)):
            collected += Collected(expired=taken)
        return collected

    async def _expire(self, transaction: Transaction, account_id: int) -> int:
        if not await claiming.hold_unclaimed(transaction, account_id):
            return 0
        batch = Batch(transaction)
        rows = await transaction.all(_MAILBOX_IDS, account_id=account_id)
        await batch.lock([row[0] for row in rows], (), ())
        taken = 0
        for mailbox in batch.mailboxes.values():
            old = {"mailbox_id": mailbox.id, "before": self._before, "most": ENTRIES}
            found = [Entry(*row) for row in await transaction.all(_OLD, **old)]
            await remove(batch, mailbox, found)
            taken += len(found)
        await locked.store(transaction, batch.mailboxes.values())
        return taken


class Accounts(_Accounts):
    """Unclaimed addresses without mail, made before a moment. The next message makes them again."""

    find = _WITHOUT_MAIL

    async def _take(self, account_id: int) -> Collected:
        return Collected(accounts=await self._database.write(lambda t: _forget(t, account_id)))


async def _forget(transaction: Transaction, account_id: int) -> int:
    if not await claiming.hold_unclaimed(transaction, account_id):
        return 0
    rows = await transaction.all(_MAILBOX_IDS, account_id=account_id)
    mailboxes = await locked.lock(transaction, [row[0] for row in rows])
    if any(mailbox.messages for mailbox in mailboxes.values()):
        return 0  # a message has just come
    await transaction.run(_FORGET_ADDRESSES, account_id=account_id)
    await claiming.drop(transaction, account_id)
    for row in rows:
        changed(transaction, TopicKind.MAILBOX, row[0])
    changed(transaction, TopicKind.DIRECTORY)
    return 1
