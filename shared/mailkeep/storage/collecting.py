"""The collector: messages, blobs and change rows that nothing refers to any more.

It walks each table in windows by key, so that no statement is long, and looks for what has no references;
only then does it open a transaction, look again and remove. No references are counted where mail is written:
a delivery pays with one index on `message.digest`, which tells whether a blob is still in use.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from mailkeep.errors import StoreUnavailable
from mailkeep.storage import retention, saved_snapshots
from mailkeep.storage.database import Connection, Database, Transaction
from mailkeep.storage.interface import Locks
from mailkeep.storage.interface.collecting import GRACE, Collected
from mailkeep.storage.objects.leaving import LEAVE_WITH_BLOBS
from mailkeep.storage.query import Query
from mailkeep.storage.values import moment, now

LOCK = "collector"
WINDOW = 1000  # rows that one statement looks at
CHANGES_KEPT = 10_000  # rows of a mailbox; QRESYNC names every missing UID to whoever asks for older ones
REST_AT_MOST = 1.0  # seconds between two steps

# Who refers to a message, and to a blob. A test holds these to the foreign keys of the tables.
MESSAGE_REFERENCES = (("entry", "message_id"),)
BLOB_REFERENCES = (("message", "digest"), ("queue_message", "digest"))
# What belongs to a message or a blob, and goes with it.
MESSAGE_PARTS = (("message_sent", "message_id"),)
BLOB_PARTS = (("blob_chunk", "digest"), ("blob_object", "digest"))


class _ForKeys:
    """A statement for many keys: one array to PostgreSQL, one by one to SQLite, which has no round trips."""

    def __init__(self, statement: str) -> None:
        self._by_list = Query(f"{statement} = ANY(:keys)")
        self._by_key = Query(f"{statement} = :key")

    async def run(self, transaction: Transaction, keys: Collection[Any], **given: Any) -> None:
        """Run it; no keys are fine."""
        if transaction.dialect == "postgres":
            await transaction.run(self._by_list, keys=list(keys), **given)
        else:
            await transaction.many(self._by_key, [{"key": key, **given} for key in keys])


def _unreferenced(key: str, references: Sequence[tuple[str, str]]) -> str:
    return " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.{column} = {key})" for table, column in references
    )


_MESSAGE_WINDOW = Query(
    "SELECT max(id) FROM (SELECT id FROM message WHERE id > :after ORDER BY id LIMIT :most) AS seen"
)
_MESSAGES = Query(
    "SELECT id FROM message WHERE id > :after AND id <= :through AND created_at < :before AND "
    + _unreferenced("message.id", MESSAGE_REFERENCES)
)
_REMOVE_MESSAGES = (
    *(_ForKeys(f"DELETE FROM {table} WHERE {column}") for table, column in MESSAGE_PARTS),
    _ForKeys("DELETE FROM message WHERE id"),
)

_BLOB_WINDOW = Query(
    "SELECT digest FROM (SELECT digest FROM blob WHERE digest > :after ORDER BY digest LIMIT :most) AS seen"
    " ORDER BY digest DESC LIMIT 1"
)
_BLOBS = (
    "SELECT digest, size FROM blob WHERE digest > :after AND digest <= :through AND touched < :before AND "
    + _unreferenced("blob.digest", BLOB_REFERENCES)
)
_SEE_BLOBS = Query(f"{_BLOBS} LIMIT 1")
# A row that is held belongs to a transaction that is about to refer to it. Whoever waits for one of ours
# inserts it anew when it is gone.
_HOLD_BLOBS = Query(f"{_BLOBS} ORDER BY digest FOR UPDATE OF blob SKIP LOCKED", sqlite=_BLOBS)
_CHUNKS = Query("SELECT digest, number FROM blob_chunk WHERE digest = ANY(:keys)")
_HOLD_CHUNKS = Query(
    "SELECT digest, number FROM blob_chunk WHERE digest = ANY(:keys) ORDER BY digest, number"
    " FOR UPDATE SKIP LOCKED"
)
_LEAVE_OBJECTS = _ForKeys(LEAVE_WITH_BLOBS)
_REMOVE_BLOBS = (
    *(_ForKeys(f"DELETE FROM {table} WHERE {column}") for table, column in BLOB_PARTS),
    _ForKeys("DELETE FROM blob WHERE digest"),
)

_MAILBOXES = Query("SELECT id, highestmodseq FROM mailbox WHERE id > :after ORDER BY id LIMIT :most")
_REMOVE_CHANGES = Query(
    "DELETE FROM change WHERE mailbox_id = :mailbox_id AND modseq <= :through AND modseq <"
    " (SELECT min(modseq) FROM change WHERE mailbox_id = :mailbox_id) + :most"
)


class Walk(Protocol):
    """One pass over one table: `step` gives where to go on, or None at the end, and what it removed."""

    start: Any

    async def step(self, after: Any) -> tuple[Any, Collected]:
        """The next window."""


class StoredCollector:
    """See interface.Collector."""

    def __init__(self, database: Database, locks: Locks) -> None:
        self._database = database
        self._locks = locks

    async def collect(
        self,
        *,
        unclaimed_before: datetime | None = None,
        grace: timedelta = GRACE,
        in_a_hurry: bool = False,
    ) -> Collected:
        """See interface.Collector."""
        before = now() - int(grace.total_seconds() * 1_000_000)
        walks: list[Walk] = [_Messages(self._database, before), _Blobs(self._database, before)]
        walks += [_Changes(self._database), saved_snapshots.Orphans(self._database)]
        if unclaimed_before is not None:
            expires = moment(unclaimed_before)
            walks[:0] = [retention.Mail(self._database, expires), retention.Accounts(self._database, expires)]
        collected = Collected()
        lost = asyncio.Event()
        async with self._locks.hold(LOCK, lost.set):
            for walk in walks:
                collected += await _to_the_end(walk, lost, in_a_hurry=in_a_hurry)
        return collected


async def _to_the_end(walk: Walk, lost: asyncio.Event, *, in_a_hurry: bool) -> Collected:
    collected, after = Collected(), walk.start
    while after is not None:
        if lost.is_set():
            raise StoreUnavailable("The lock of the collector was lost.")
        began = time.monotonic()
        after, removed = await walk.step(after)
        collected += removed
        await asyncio.sleep(0 if in_a_hurry else min(time.monotonic() - began, REST_AT_MOST))
    return collected


class _Messages:
    start = 0

    def __init__(self, database: Database, before: int) -> None:
        self._database = database
        self._before = before

    async def step(self, after: int) -> tuple[int | None, Collected]:
        """See Walk. Nobody can come to refer to a message without an entry: entries are copied from
        entries, under their mailbox's lock."""
        span = {"after": after, "before": self._before}

        async def look(connection: Connection) -> tuple[int | None, bool]:
            through = await _one(connection, _MESSAGE_WINDOW, after=after, most=WINDOW)
            return through, bool(await connection.all(_MESSAGES, through=through or 0, **span))

        through, found = await self._database.read(look)
        if not found:
            return through, Collected()

        async def remove(transaction: Transaction) -> int:
            ids = [row[0] for row in await transaction.all(_MESSAGES, through=through, **span)]
            for statement in _REMOVE_MESSAGES:
                await statement.run(transaction, ids)
            return len(ids)

        return through, Collected(messages=await self._database.write(remove))


class _Blobs:
    start = b""

    def __init__(self, database: Database, before: int) -> None:
        self._database = database
        self._before = before

    async def step(self, after: bytes) -> tuple[bytes | None, Collected]:
        """See Walk."""

        async def look(connection: Connection) -> tuple[bytes | None, bool]:
            through = await _one(connection, _BLOB_WINDOW, after=after, most=WINDOW)
            if through is None:
                return None, False
            span = {"after": after, "through": through, "before": self._before}
            return through, await connection.one(_SEE_BLOBS, **span) is not None

        through, found = await self._database.read(look)
        if not found:
            return through, Collected()

        async def remove(transaction: Transaction) -> Collected:
            span = {"after": after, "through": through, "before": self._before}
            sizes = {row[0]: row[1] for row in await transaction.all(_HOLD_BLOBS, **span)}
            if transaction.dialect == "postgres":  # SQLite has one writer
                for digest in await held_elsewhere(transaction, list(sizes)):
                    del sizes[digest]
            await _LEAVE_OBJECTS.run(transaction, sizes, since=now())
            for statement in _REMOVE_BLOBS:
                await statement.run(transaction, sizes)
            return Collected(blobs=len(sizes), octets=sum(sizes.values()))

        return through, await self._database.write(remove)


async def held_elsewhere(transaction: Transaction, digests: list[bytes]) -> set[bytes]:
    """Hold the further chunks of blobs; those of which somebody else holds one."""
    held = {tuple(row) for row in await transaction.all(_HOLD_CHUNKS, keys=digests)}
    return {row[0] for row in await transaction.all(_CHUNKS, keys=digests) if tuple(row) not in held}


class _Changes:
    start = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    async def step(self, after: int) -> tuple[int | None, Collected]:
        """See Walk."""
        mailboxes = await self._database.read(lambda c: c.all(_MAILBOXES, after=after, most=WINDOW))
        removed = 0
        for mailbox_id, highestmodseq in mailboxes:
            through = highestmodseq - CHANGES_KEPT
            while through > 0:
                taken = await self._database.write(_changes_of(mailbox_id, through))
                removed += taken
                if not taken:
                    break
        return (mailboxes[-1][0] if mailboxes else None), Collected(changes=removed)


def _changes_of(mailbox_id: int, through: int) -> Callable[[Transaction], Awaitable[int]]:
    return lambda transaction: transaction.run(
        _REMOVE_CHANGES, mailbox_id=mailbox_id, through=through, most=WINDOW
    )


async def _one(connection: Connection, query: Query, **parameters: Any) -> Any:
    row = await connection.one(query, **parameters)
    return None if row is None else row[0]
