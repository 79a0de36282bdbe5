"""Preferences: one statement that inserts the defaults or changes what is given."""

from __future__ import annotations

from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.model.preferences import Preferences
from mailkeep.storage.database import Database, Row, Transaction
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_uuid, clean, new_uuid, now

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
            return await transaction.one(_GET, user_id=user_id)

        row = await self._database.write(work)
        if row is None:
            raise NotFound("There is no such user.")
        return _preferences(row)


def _preferences(row: Row) -> Preferences:
    fields = dict(zip(_NAMES, row[2:], strict=True))
    fields.update({name: bool(fields[name]) for name in _BOOLEANS})
    return Preferences(id=as_uuid(row[0]), updated_at=as_datetime(row[1]), **fields)
