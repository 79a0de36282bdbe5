"""Notifications that the API has not acknowledged yet.

Each is written durably in its message's own transaction. What happens to it afterwards may be forgotten when
the machine loses its power: then it goes out again under the same id, as after a lost answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from mailkeep.model.message import Origin
from mailkeep.storage.database import Database, Row, Transaction, changed
from mailkeep.storage.interface import OutboxItem, TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_uuid, now

_FREE = Query("SELECT 1 FROM outbox WHERE leased_until <= :now AND created_at <= :before LIMIT 1")
_CLAIM = (
    "UPDATE outbox SET leased_until = :until WHERE id IN"
    " (SELECT id FROM outbox WHERE leased_until <= :now AND created_at <= :before"
    " ORDER BY id LIMIT :most{skip})"
    " RETURNING id, item_id, user_id, email_id, created_at, from_address, from_name, subject,"
    " has_attachments, mail_id, traceparent"
)
_TAKE = Query(_CLAIM.format(skip=" FOR UPDATE SKIP LOCKED"), sqlite=_CLAIM.format(skip=""))
_COUNT = Query("SELECT count(*) FROM outbox")
_FINISH = Query(
    "DELETE FROM outbox WHERE item_id = ANY(:ids)",
    sqlite="DELETE FROM outbox WHERE item_id = :id",  # JSON holds no octets
)
_RELEASE = Query("UPDATE outbox SET leased_until = 0 WHERE item_id = :item_id")


class StoredOutbox:
    """See interface.Outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, limit: int, lease_seconds: float, waited_seconds: float = 0.0
    ) -> Sequence[OutboxItem]:
        """See interface.Outbox."""
        waited = int(waited_seconds * 1_000_000)
        at = now()
        if not await self._database.read(
            lambda connection: connection.one(_FREE, now=at, before=at - waited)
        ):
            return []  # looking must not cost a write

        async def work(transaction: Transaction) -> Sequence[Row]:
            at = now()
            until = at + int(lease_seconds * 1_000_000)
            return await transaction.all(_TAKE, now=at, before=at - waited, until=until, most=limit)

        rows = await self._database.write_lightly(work)
        return [_item(row) for row in sorted(rows, key=lambda row: row[0])]

    async def count(self) -> int:
        """See interface.Outbox."""
        row = await self._database.read(lambda connection: connection.one(_COUNT))
        assert row is not None
        return int(row[0])

    async def finish(self, ids: Sequence[UUID]) -> None:
        """See interface.Outbox."""

        async def work(transaction: Transaction) -> None:
            await _remove(transaction, ids)

        await self._database.write_lightly(work)

    async def release(self, ids: Sequence[UUID]) -> None:
        """See interface.Outbox."""

        async def work(transaction: Transaction) -> None:
            await transaction.many(_RELEASE, [{"item_id": item_id} for item_id in sorted(ids)])
            changed(transaction, TopicKind.OUTBOX)

        await self._database.write_lightly(work)


async def _remove(transaction: Transaction, ids: Sequence[UUID]) -> None:
    if transaction.dialect == "postgres":
        await transaction.run(_FINISH, ids=sorted(ids))
    else:
        await transaction.many(_FINISH, [{"id": item_id} for item_id in ids])


def _item(row: Row) -> OutboxItem:
    return OutboxItem(
        id=as_uuid(row[1]),
        user_id=as_uuid(row[2]),
        email_id=as_uuid(row[3]),
        created_at=as_datetime(row[4]),
        from_address=row[5],
        from_name=row[6],
        subject=row[7],
        has_attachments=bool(row[8]),
        origin=Origin(row[9], row[10]),
    )
