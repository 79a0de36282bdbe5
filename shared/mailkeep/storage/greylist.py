"""Attempts to send, for greylisting."""

from __future__ import annotations

from datetime import datetime, timedelta

from mailkeep.storage.database import Database, Transaction
from mailkeep.storage.query import Query
from mailkeep.storage.values import moment

TOUCH_SECONDS = 24 * 3600  # a row that lets mail in is written to once in this time, and not at every message

_FIND = Query("SELECT first_at, last_at FROM greylist WHERE key = :key")
_ADD = Query(
    "INSERT INTO greylist (key, first_at, last_at) VALUES (:key, :at, :at) ON CONFLICT (key) DO NOTHING"
)
_TOUCH = Query("UPDATE greylist SET last_at = :at WHERE key = :key")
_PRUNE = Query(
    "DELETE FROM greylist WHERE key IN"
    " (SELECT key FROM greylist WHERE last_at < :before ORDER BY last_at LIMIT :most)"
)


class StoredGreylist:
    """See interface.Greylist."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admits(self, attempt: bytes, now: datetime, delay: timedelta) -> bool:
        """See interface.Greylist."""
        row = await self._database.read(lambda connection: connection.one(_FIND, key=attempt))
        if row is None:
            await self._write(_ADD, attempt, now)
            return False
        if moment(now) - row[0] < moment_span(delay):
            return False
        if moment(now) - row[1] > TOUCH_SECONDS * 1_000_000:
            await self._write(_TOUCH, attempt, now)
        return True

    async def prune(self, before: datetime, most: int) -> int:
        """See interface.Greylist."""
        return await self._database.write(
            lambda transaction: transaction.run(_PRUNE, before=moment(before), most=most)
        )

    async def _write(self, query: Query, attempt: bytes, now: datetime) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.run(query, key=attempt, at=moment(now))

        await self._database.write(work)


def moment_span(span: timedelta) -> int:
    """In the unit of moments: microseconds."""
    return span // timedelta(microseconds=1)
