"""Preferences: one statement that inserts the defaults or changes what is given; and digests that are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.model.preferences import Preferences
from mailkeep.storage.database import Database, Row, Transaction
from mailkeep.storage.interface import DueDigest
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_datetime_or_none, as_uuid, clean, moment, new_uuid, now

_DEFAULTS = Preferences()
_BOOLEANS = ("show_preview", "group_by_date", "desktop_notifications", "email_digest")
_NAMES = (
    "theme",
    "display_density",
    "emails_per_page",
    "default_sort",
    *_BOOLEANS,
    "digest_frequency",
    "digest_time",
)
_DIGEST = frozenset({"email_digest", "digest_frequency", "digest_time"})
_COLUMNS = ", ".join(_NAMES)
_GET = Query(f"SELECT id, updated_at, {_COLUMNS} FROM preference WHERE user_id = :user_id")
# A user who has none yet is inserted with the defaults; then what was given is written over either.
_ADD = Query(
    f"INSERT INTO preference (user_id, id, updated_at, {_COLUMNS})"
    f' SELECT u.id, :id, :updated_at, {", ".join(f":{name}" for name in _NAMES)} FROM "user" u'
    " WHERE u.id = :user_id ON CONFLICT (user_id) DO NOTHING"
)
_CHANGE = {
    name: Query(f"UPDATE preference SET {name} = :value, updated_at = :updated_at WHERE user_id = :user_id")
    for name in _NAMES
}
_UNSETTLE = Query("UPDATE preference SET digest_due_at = NULL WHERE user_id = :user_id")
_DUE = Query(
    "SELECT p.user_id, account.id, address.address, p.digest_frequency, p.digest_time, p.digest_due_at,"
    ' p.updated_at FROM preference p JOIN "user" u ON u.id = p.user_id AND NOT u.disabled'
    " JOIN account ON account.user_id = p.user_id"
    " JOIN address ON address.account_id = account.id AND address.is_primary"
    " WHERE p.email_digest AND (p.digest_due_at IS NULL OR p.digest_due_at <= :at) LIMIT :limit"
)
_CLAIM = Query(
    "UPDATE preference SET digest_due_at = :following WHERE user_id = :user_id AND email_digest"
    " AND (digest_due_at = :due_at OR digest_due_at IS NULL AND :due_at = 0)"
)
_UNSETTLED = 0  # no digest is due in 1970


class StoredPreferences:
    """See interface.PreferenceStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UUID) -> Preferences:
        """See interface.PreferenceStore."""
        row = await self._database.read(lambda connection: connection.one(_GET, user_id=user_id))
        return _DEFAULTS if row is None else _preferences(row)

    async def change(self, user_id: UUID, **changes: str | int | bool) -> Preferences:
        """See interface.PreferenceStore."""

        async def work(transaction: Transaction) -> Row | None:
            at = now()
            defaults = {name: getattr(_DEFAULTS, name) for name in _NAMES}
            await transaction.run(_ADD, user_id=user_id, id=new_uuid(), updated_at=at, **defaults)
            for name, value in changes.items():
                given = clean(value) if isinstance(value, str) else value
                await transaction.run(_CHANGE[name], user_id=user_id, value=given, updated_at=at)
            if _DIGEST.intersection(changes):
                await transaction.run(_UNSETTLE, user_id=user_id)
            return await transaction.one(_GET, user_id=user_id)

        row = await self._database.write(work)
        if row is None:
            raise NotFound("There is no such user.")
        return _preferences(row)

    async def due_digests(self, at: datetime, limit: int) -> Sequence[DueDigest]:
        """See interface.PreferenceStore."""
        rows = await self._database.read(lambda connection: connection.all(_DUE, at=moment(at), limit=limit))
        return [_due(row) for row in rows]

    async def claim_digest(self, user_id: UUID, due_at: datetime | None, following: datetime) -> bool:
        """See interface.PreferenceStore."""
        claimed = _UNSETTLED if due_at is None else moment(due_at)

        async def work(transaction: Transaction) -> bool:
            values = {"user_id": user_id, "due_at": claimed, "following": moment(following)}
            return bool(await transaction.run(_CLAIM, **values))

        return await self._database.write(work)


def _preferences(row: Row) -> Preferences:
    fields = dict(zip(_NAMES, row[2:], strict=True))
    fields.update({name: bool(fields[name]) for name in _BOOLEANS})
    return Preferences(id=as_uuid(row[0]), updated_at=as_datetime(row[1]), **fields)


def _due(row: Row) -> DueDigest:
    user_id, account_id, address, frequency, time_of_day, due_at, changed_at = row
    due_at = as_datetime_or_none(due_at)
    return DueDigest(
        as_uuid(user_id), account_id, address, frequency, time_of_day, due_at, as_datetime(changed_at)
    )
