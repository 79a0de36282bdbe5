"""The key table. mailkeep.auth is its only reader; an import rule holds everybody to that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from mailkeep.errors import AlreadyExists, NotFound
from mailkeep.model.directory import User
from mailkeep.model.scope import Scope, format_scopes
from mailkeep.storage import tables
from mailkeep.storage.database import Database, Row, Transaction, changed
from mailkeep.storage.directory import USER_COLUMNS, user_of
from mailkeep.storage.interface import KeyHash, StoredKey, TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.values import (
    as_datetime,
    as_datetime_or_none,
    as_uuid,
    as_uuid_or_none,
    as_words,
    clean,
    moment,
    moment_or_none,
    now,
    words,
)

_NAMES = [column.name for column in tables.api_key.columns]
_ADD = Query(
    f"INSERT INTO api_key ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"
    " ON CONFLICT DO NOTHING"
)
_SELECT = f"SELECT {', '.join(_NAMES)} FROM api_key"
_BY_PREFIX = Query(f"{_SELECT} WHERE prefix = :prefix")
_HASH_OF = Query("SELECT id, user_id, hash FROM api_key WHERE prefix = :prefix")
_BY_ID = Query(f"{_SELECT} WHERE id = :id")
_WITH_USER = Query(
    f"SELECT {', '.join(f'k.{name}' for name in _NAMES)}, {USER_COLUMNS} FROM api_key k"
    ' LEFT JOIN "user" u ON u.id = k.user_id LEFT JOIN account ON account.user_id = u.id'
    " LEFT JOIN address ON address.account_id = account.id AND address.is_primary WHERE k.id = :id"
)
_OF_USER = Query(f"{_SELECT} WHERE user_id = :user_id ORDER BY created_at DESC, id DESC")
_ALL = Query(f"{_SELECT} ORDER BY created_at DESC, id DESC")
_HEADS = Query("SELECT substr(hash, 1, 7) AS head, count(*) FROM api_key GROUP BY 1")
_COST = re.compile(rb"\$2[abxy]\$(\d\d)\$")  # how a bcrypt hash begins
_REVOKE = Query("UPDATE api_key SET revoked_at = coalesce(revoked_at, :at) WHERE id = :id")
_CHANGE = Query(
    "UPDATE api_key SET name = :name, scopes = :scopes, networks = :networks, expires_at = :expires_at"
    " WHERE id = :id AND revoked_at IS NULL AND name = :former_name AND scopes = :former_scopes"
    " AND networks = :former_networks AND coalesce(expires_at, 0) = :former_expires_at"
)
_END_BY = Query(
    "UPDATE api_key SET expires_at = CASE WHEN expires_at < :until THEN expires_at ELSE :until END"
    " WHERE id = :id AND revoked_at IS NULL"
)
_TOUCH = Query(
    "UPDATE api_key SET last_used_at = :at WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :at)"
)


class StoredKeys:
    """See interface.Keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: StoredKey) -> None:
        """See interface.Keys."""
        await self._database.write(lambda transaction: _add(transaction, key))

    async def by_prefix(self, prefix: str) -> StoredKey | None:
        """See interface.Keys."""
        return await self._one(_BY_PREFIX, prefix=clean(prefix))

    async def hash_of(self, prefix: str) -> KeyHash | None:
        """See interface.Keys."""
        row = await self._database.read(lambda connection: connection.one(_HASH_OF, prefix=clean(prefix)))
        return None if row is None else KeyHash(as_uuid(row[0]), as_uuid_or_none(row[1]), row[2])

    async def get(self, key_id: UUID) -> StoredKey | None:
        """See interface.Keys."""
        return await self._one(_BY_ID, id=key_id)

    async def with_user(self, key_id: UUID) -> tuple[StoredKey, User | None] | None:
        """See interface.Keys."""
        row = await self._database.read(lambda connection: connection.one(_WITH_USER, id=key_id))
        if row is None:
            return None
        rest = row[len(_NAMES) :]
        return _key(row), None if rest[0] is None else user_of(rest)

    async def list(self, user_id: UUID | None = None) -> Sequence[StoredKey]:
        """See interface.Keys."""
        if user_id is None:
            rows = await self._database.read(lambda connection: connection.all(_ALL))
        else:
            rows = await self._database.read(lambda connection: connection.all(_OF_USER, user_id=user_id))
        return [_key(row) for row in rows]

    async def costs(self) -> Mapping[int, int]:
        """See interface.Keys."""
        rows = await self._database.read(lambda connection: connection.all(_HEADS))
        counted: Counter[int] = Counter()
        for head, count in rows:
            cost = _COST.match(bytes(head))
            if cost is not None:
                counted[int(cost[1])] += count
        return counted

    async def change(self, former: StoredKey, key: StoredKey) -> bool:
        """See interface.Keys."""
        was = {f"former_{name}": value for name, value in _changeable(former).items()}
        was["former_expires_at"] = was["former_expires_at"] or 0

        async def work(transaction: Transaction) -> bool:
            if not await transaction.run(_CHANGE, id=former.id, **_changeable(key), **was):
                return False
            changed(transaction, TopicKind.KEY, former.id)
            return True

        return await self._database.write(work)

    async def replace(self, former: UUID, until: datetime, key: StoredKey) -> None:
        """See interface.Keys."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_END_BY, id=former, until=moment(until)):
                raise NotFound("There is no such key.")
            changed(transaction, TopicKind.KEY, former)
            await _add(transaction, key)

        await self._database.write(work)

    async def revoke(self, key_id: UUID, at: datetime) -> None:
        """See interface.Keys."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_REVOKE, id=key_id, at=moment(at)):
                raise NotFound("There is no such key.")
            changed(transaction, TopicKind.KEY, key_id)

        await self._database.write(work)

    async def touch(self, used: Sequence[tuple[UUID, datetime]]) -> None:
        """See interface.Keys."""
        rows = [{"id": key_id, "at": moment(at)} for key_id, at in sorted(used)]
        await self._database.write(lambda transaction: transaction.many(_TOUCH, rows))

    async def _one(self, query: Query, **parameters: object) -> StoredKey | None:
        row = await self._database.read(lambda connection: connection.one(query, **parameters))
        return None if row is None else _key(row)


async def _add(transaction: Transaction, key: StoredKey) -> None:
    columns = {
        "id": key.id,
        "user_id": key.user_id,
        "prefix": key.prefix,
        "hash": key.hash,
        "created_at": now() if key.created_at is None else moment(key.created_at),
        "last_used_at": moment_or_none(key.last_used_at),
        "revoked_at": moment_or_none(key.revoked_at),
        **_changeable(key),
    }
    if not await transaction.run(_ADD, **columns):
        raise AlreadyExists("A key with this prefix is there already.")
    changed(transaction, TopicKind.KEY, key.id)


def _changeable(key: StoredKey) -> dict[str, object]:
    return {
        "name": clean(key.name),
        "scopes": words(format_scopes(key.scopes)),
        "networks": words(key.networks),
        "expires_at": moment_or_none(key.expires_at),
    }


@lru_cache(maxsize=1024)
def _scopes(text: str) -> frozenset[Scope]:
    """One set for all keys that open the same: processes remember thousands of keys."""
    return frozenset(Scope(word) for word in as_words(text))


def _key(row: Row) -> StoredKey:
    return StoredKey(
        id=as_uuid(row[0]),
        user_id=as_uuid_or_none(row[1]),
        name=row[2],
        prefix=row[3],
        hash=row[4],
        scopes=_scopes(row[5]),
        networks=as_words(row[6]),
        created_at=as_datetime(row[7]),
        expires_at=as_datetime_or_none(row[8]),
        last_used_at=as_datetime_or_none(row[9]),
        revoked_at=as_datetime_or_none(row[10]),
    )
