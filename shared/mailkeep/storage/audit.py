"""The audit log of authentication attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from mailkeep.storage import tables
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.interface import AuditRecord
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.values import as_datetime, as_uuid_or_none, clean, moment

_NAMES = tuple(column.name for column in tables.audit.columns if column.name != "id")
_ADD = BulkInsert(tables.audit, *_NAMES)
_SELECT = f"SELECT {', '.join(_NAMES)} FROM audit"
_NEWEST = Query(f"{_SELECT} ORDER BY id DESC LIMIT :most")
_NEWEST_OF_USER = Query(f"{_SELECT} WHERE user_id = :user_id ORDER BY id DESC LIMIT :most")
_PAGE = Query(f"SELECT id, {', '.join(_NAMES)} FROM audit WHERE id < :before ORDER BY id DESC LIMIT :most")
_PAGE_OF_USER = Query(
    f"SELECT id, {', '.join(_NAMES)} FROM audit WHERE user_id = :user_id AND id < :before"
    " ORDER BY id DESC LIMIT :most"
)
_FOLLOWING = Query(f"SELECT id, {', '.join(_NAMES)} FROM audit WHERE id > :number ORDER BY id LIMIT :most")
# Ids rise with time but for a batch that had to wait, so that only the oldest need to be looked at.
_PRUNE = Query(
    "DELETE FROM audit WHERE at < :before AND id IN (SELECT id FROM audit ORDER BY id LIMIT :most)"
)
_NUMBERS_END = 2**63 - 1


class StoredAudit:
    """See interface.Audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """See interface.Audit."""
        rows = [_columns(record) for record in records]
        await self._database.write(lambda transaction: transaction.insert((_ADD, rows)))

    async def list(self, limit: int, user_id: UUID | None = None) -> Sequence[AuditRecord]:
        """See interface.Audit."""
        if user_id is None:
            rows = await self._database.read(lambda connection: connection.all(_NEWEST, most=limit))
        else:
            rows = await self._database.read(
                lambda connection: connection.all(_NEWEST_OF_USER, most=limit, user_id=user_id)
            )
        return [_record(row) for row in rows]

    async def page(
        self, limit: int, user_id: UUID | None = None, before: int | None = None
    ) -> Sequence[tuple[int, AuditRecord]]:
        """See interface.Audit."""
        bounds = {"most": limit, "before": _NUMBERS_END if before is None else before}

        async def work(connection: Connection) -> Sequence[Row]:
            if user_id is None:
                return await connection.all(_PAGE, **bounds)
            return await connection.all(_PAGE_OF_USER, user_id=user_id, **bounds)

        return [(row[0], _record(row[1:])) for row in await self._database.read(work)]

    async def following(self, number: int, limit: int) -> Sequence[tuple[int, AuditRecord]]:
        """See interface.Audit."""
        rows = await self._database.read(
            lambda connection: connection.all(_FOLLOWING, number=number, most=limit)
        )
        return [(row[0], _record(row[1:])) for row in rows]

    async def prune(self, before: datetime, most: int) -> int:
        """See interface.Audit."""
        return await self._database.write(
            lambda transaction: transaction.run(_PRUNE, before=moment(before), most=most)
        )


def _columns(record: AuditRecord) -> Row:
    texts = (record.host, record.mechanism, record.address, record.network, record.outcome, record.reason)
    return (moment(record.at), *map(clean, texts), record.user_id, record.key_id, clean(record.session))


def _record(row: Row) -> AuditRecord:
    return AuditRecord(
        at=as_datetime(row[0]),
        host=row[1],
        mechanism=row[2],
        address=row[3],
        network=row[4],
        outcome=row[5],
        reason=row[6],
        user_id=as_uuid_or_none(row[7]),
        key_id=as_uuid_or_none(row[8]),
        session=row[9],
    )
