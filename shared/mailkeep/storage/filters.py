"""Filters: kept here, asked by deliveries.

An account says whether its user has any that are enabled, in the row that a delivery reads anyway: mail for
everybody else costs no further query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from mailkeep.errors import NotFound, OverQuota
from mailkeep.model.mail_filter import FILTERS_LIMIT, LabelFacts, MailFilter, in_order
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.interface.filters import FilterChange
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_datetime_or_none, as_uuid, clean, new_uuid, now

_DEFAULTS: dict[str, FilterChange] = {
    "enabled": True,
    "priority": 100,
    "sender": "",
    "subject": "",
    "body": "",
    "has_attachments": None,
    "mark_read": False,
    "label_id": None,
    "discard": False,
}
_CHANGED = ("name", *_DEFAULTS)
_SELECT = (
    "SELECT f.id, f.name, f.enabled, f.priority, f.sender, f.subject, f.body, f.has_attachments, f.mark_read,"
    " f.discard, f.created_at, f.last_applied_at, f.times_applied, l.id, l.name, l.color, l.keyword"
    " FROM mail_filter f LEFT JOIN label l ON l.id = f.label_id WHERE f.user_id = :user_id"
)
_LIST = Query(_SELECT)
_ENABLED = Query(f"{_SELECT} AND f.enabled")
_GET = Query(f"{_SELECT} AND f.id = :id")
_ADD = Query(
    f"INSERT INTO mail_filter (id, user_id, created_at, times_applied, {', '.join(_CHANGED)})"
    f" VALUES (:id, :user_id, :created_at, 0, {', '.join(f':{name}' for name in _CHANGED)})"
)
_SET = {
    name: Query(f"UPDATE mail_filter SET {name} = :value WHERE user_id = :user_id AND id = :id")
    for name in _CHANGED
}
_REMOVE = Query("DELETE FROM mail_filter WHERE user_id = :user_id AND id = :id")
_OWN_LABEL = Query("SELECT 1 FROM label WHERE id = :id AND user_id = :user_id")
_MARK_ACCOUNT = Query(
    "UPDATE account SET has_filters ="
    " EXISTS (SELECT 1 FROM mail_filter f WHERE f.user_id = :user_id AND f.enabled) WHERE user_id = :user_id"
)
_COUNT = Query(
    "UPDATE mail_filter SET times_applied = times_applied + :times, last_applied_at = :at WHERE id = :id"
)


class StoredFilters:
    """See interface.Filters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, user_id: UUID) -> Sequence[MailFilter]:
        """See interface.Filters."""
        rows = await self._database.read(lambda connection: connection.all(_LIST, user_id=user_id))
        return in_order([_of(row) for row in rows])

    async def get(self, user_id: UUID, filter_id: UUID) -> MailFilter:
        """See interface.Filters."""
        return await self._database.read(lambda connection: _get(connection, user_id, filter_id))

    async def add(self, user_id: UUID, name: str, changes: Mapping[str, FilterChange]) -> MailFilter:
        """See interface.Filters."""
        columns = {**_DEFAULTS, **_cleaned({**changes, "name": name})}

        async def work(transaction: Transaction) -> MailFilter:
            if len(await transaction.all(_LIST, user_id=user_id)) >= FILTERS_LIMIT:
                raise OverQuota(f"There are at most {FILTERS_LIMIT} filters.")
            await _require_label(transaction, user_id, columns["label_id"])
            id = new_uuid()
            await transaction.run(_ADD, id=id, user_id=user_id, created_at=now(), **columns)
            await transaction.run(_MARK_ACCOUNT, user_id=user_id)
            return await _get(transaction, user_id, id)

        return await self._database.write(work)

    async def change(self, user_id: UUID, filter_id: UUID, changes: Mapping[str, FilterChange]) -> MailFilter:
        """See interface.Filters."""
        columns = _cleaned(changes)

        async def work(transaction: Transaction) -> MailFilter:
            await _get(transaction, user_id, filter_id)
            await _require_label(transaction, user_id, columns.get("label_id"))
            for name, value in columns.items():
                await transaction.run(_SET[name], user_id=user_id, id=filter_id, value=value)
            await transaction.run(_MARK_ACCOUNT, user_id=user_id)
            return await _get(transaction, user_id, filter_id)

        return await self._database.write(work)

    async def remove(self, user_id: UUID, filter_id: UUID) -> None:
        """See interface.Filters."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_REMOVE, user_id=user_id, id=filter_id):
                raise NotFound("There is no such filter.")
            await transaction.run(_MARK_ACCOUNT, user_id=user_id)

        await self._database.write(work)


async def enabled(connection: Connection, user_id: UUID) -> list[MailFilter]:
    """Those that a delivery asks, in order."""
    return in_order([_of(row) for row in await connection.all(_ENABLED, user_id=user_id)])


async def count(transaction: Transaction, times: Mapping[UUID, int]) -> None:
    """Note how often filters acted, in one order of ids, so that no two transactions wait for each other."""
    at = now()
    await transaction.many(_COUNT, [{"id": id, "times": times[id], "at": at} for id in sorted(times)])


def _cleaned(changes: Mapping[str, FilterChange]) -> dict[str, FilterChange]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in changes.items()}


async def _require_label(connection: Connection, user_id: UUID, label_id: FilterChange) -> None:
    if label_id is not None and not await connection.one(_OWN_LABEL, id=label_id, user_id=user_id):
        raise NotFound("Label not found")


async def _get(connection: Connection, user_id: UUID, filter_id: UUID) -> MailFilter:
    row = await connection.one(_GET, user_id=user_id, id=filter_id)
    if row is None:
        raise NotFound("There is no such filter.")
    return _of(row)


def _of(row: Row) -> MailFilter:
    return MailFilter(
        id=as_uuid(row[0]),
        name=row[1],
        enabled=bool(row[2]),
        priority=row[3],
        sender=row[4],
        subject=row[5],
        body=row[6],
        has_attachments=None if row[7] is None else bool(row[7]),
        mark_read=bool(row[8]),
        discard=bool(row[9]),
        created_at=as_datetime(row[10]),
        last_applied_at=as_datetime_or_none(row[11]),
        times_applied=row[12],
        label=None if row[13] is None else LabelFacts(as_uuid(row[13]), *row[14:17]),
    )
