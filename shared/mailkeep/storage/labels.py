"""Labels."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from mailkeep.errors import AlreadyExists, NotFound, OverQuota
from mailkeep.model.label import LABELS_LIMIT, Label
from mailkeep.storage.database import Connection, Database, Row, Transaction
from mailkeep.storage.failures import Rejected
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_uuid, clean, new_uuid, now

_SELECT = "SELECT id, name, color, sort_order, keyword, created_at FROM label WHERE user_id = :user_id"
_LIST = Query(f"{_SELECT} ORDER BY id")
_GET = Query(f"{_SELECT} AND id = :id")
_ADD = Query(
    "INSERT INTO label (id, user_id, name, color, sort_order, keyword, created_at)"
    " VALUES (:id, :user_id, :name, :color, :sort_order, :keyword, :created_at)"
)
_SET = {
    name: Query(f"UPDATE label SET {name} = :value WHERE user_id = :user_id AND id = :id")
    for name in ("name", "color", "sort_order")
}
_UNUSE = Query("UPDATE mail_filter SET label_id = NULL WHERE label_id = :id AND user_id = :user_id")
_REMOVE = Query("DELETE FROM label WHERE id = :id AND user_id = :user_id")
_ROUNDS = 3  # of choosing a keyword; each further one means that somebody was faster


class StoredLabels:
    """See interface.Labels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, user_id: UUID) -> Sequence[Label]:
        """See interface.Labels."""
        found = await self._database.read(lambda connection: _labels(connection, user_id))
        return sorted(found, key=lambda label: (label.sort_order, label.name, label.id))

    async def get(self, user_id: UUID, label_id: UUID) -> Label:
        """See interface.Labels."""
        return await self._database.read(lambda connection: _label(connection, user_id, label_id))

    async def add(self, user_id: UUID, name: str, color: str, sort_order: int, keyword: str) -> Label:
        """See interface.Labels."""
        given = {"name": clean(name), "color": clean(color), "sort_order": sort_order}

        async def work(transaction: Transaction) -> Label:
            known = await _labels(transaction, user_id)
            if any(label.name == given["name"] for label in known):
                raise AlreadyExists("There is a label of that name already.")
            if len(known) >= LABELS_LIMIT:
                raise OverQuota(f"There are at most {LABELS_LIMIT} labels.")
            id, free = new_uuid(), _free(keyword, known)
            await transaction.run(_ADD, id=id, user_id=user_id, keyword=free, created_at=now(), **given)
            return await _label(transaction, user_id, id)

        for _ in range(_ROUNDS):
            try:
                return await self._database.write(work)
            except Rejected:  # a unique index: another request took the name or the keyword meanwhile
                continue
        raise AlreadyExists("There is a label of that name already.")

    async def change(
        self,
        user_id: UUID,
        label_id: UUID,
        name: str | None = None,
        color: str | None = None,
        sort_order: int | None = None,
    ) -> Label:
        """See interface.Labels."""
        changes = {"name": name, "color": color, "sort_order": sort_order}

        async def work(transaction: Transaction) -> Label:
            for column, value in changes.items():
                if value is not None:
                    given = clean(value) if isinstance(value, str) else value
                    await transaction.run(_SET[column], user_id=user_id, id=label_id, value=given)
            return await _label(transaction, user_id, label_id)

        try:
            return await self._database.write(work)
        except Rejected:
            raise AlreadyExists("There is a label of that name already.") from None

    async def remove(self, user_id: UUID, label_id: UUID) -> None:
        """See interface.Labels."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(_UNUSE, user_id=user_id, id=label_id)
            if not await transaction.run(_REMOVE, user_id=user_id, id=label_id):
                raise NotFound("Label not found")

        await self._database.write(work)


async def _labels(connection: Connection, user_id: UUID) -> Sequence[Label]:
    return [_of(row) for row in await connection.all(_LIST, user_id=user_id)]


async def _label(connection: Connection, user_id: UUID, label_id: UUID) -> Label:
    row = await connection.one(_GET, user_id=user_id, id=label_id)
    if row is None:
        raise NotFound("Label not found")
    return _of(row)


def _free(keyword: str, known: Sequence[Label]) -> str:
    taken = {label.keyword.casefold() for label in known}
    while keyword.casefold() in taken:
        keyword += "A"
    return keyword


def _of(row: Row) -> Label:
    return Label(as_uuid(row[0]), row[1], row[2], row[3], row[4], as_datetime(row[5]))
