"""Secrets that all hosts on a store share, one row each."""

from __future__ import annotations

import secrets

from mailkeep.storage.database import Database, Row, Transaction
from mailkeep.storage.query import Query

SECRET_OCTETS = 32

_FIND = Query("SELECT octets FROM secret WHERE name = :name")
_ADD = Query("INSERT INTO secret (name, octets) VALUES (:name, :octets) ON CONFLICT (name) DO NOTHING")


class StoredSecrets:
    """See interface.Secrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, name: str) -> bytes:
        """See interface.Secrets."""
        found = await self._database.read(lambda connection: connection.one(_FIND, name=name))
        if found is None:
            found = await self._database.write(lambda transaction: _made(transaction, name))
        return bytes(found[0])


async def _made(transaction: Transaction, name: str) -> Row:
    await transaction.run(_ADD, name=name, octets=secrets.token_bytes(SECRET_OCTETS))
    row = await transaction.one(_FIND, name=name)  # somebody else's, if they were faster
    assert row is not None
    return row
