"""Annotations in their table: private ones under their account's id, shared ones under 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mailkeep.errors import AnnotationTooLarge, MailboxNotFound, TooManyAnnotations
from mailkeep.model.annotations import (
    ACCOUNT_LIMIT,
    ENTRIES_LIMIT,
    VALUE_LIMIT,
    Depth,
    chosen,
    is_private,
)
from mailkeep.storage.database import Connection, Database, Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.interface.annotations import SERVER
from mailkeep.storage.query import Query

_SHARED = 0  # in an account id's place

_SELECT = "SELECT mailbox_id, name, value FROM annotation WHERE account_id IN (0, :account_id) AND mailbox_id"
_NAMED = Query(
    f"{_SELECT} = ANY(:ids) AND name = ANY(:names)",
    sqlite=f"{_SELECT} IN (SELECT value FROM json_each(:ids))"
    " AND name IN (SELECT value FROM json_each(:names))",
)
_NAMES = Query(
    "SELECT mailbox_id, name FROM annotation WHERE account_id IN (0, :account_id) AND mailbox_id = ANY(:ids)",
    sqlite="SELECT mailbox_id, name FROM annotation WHERE account_id IN (0, :account_id)"
    " AND mailbox_id IN (SELECT value FROM json_each(:ids))",
)
_LOCK = Query("UPDATE account SET uidvalidity = uidvalidity WHERE id = :id")
_EXISTS = Query("SELECT account_id FROM mailbox WHERE id = :id")
_REMOVE = Query(
    "DELETE FROM annotation WHERE mailbox_id = :mailbox_id AND account_id = :account_id AND name = :name"
)
_PUT = Query(
    "INSERT INTO annotation (mailbox_id, account_id, name, value)"
    " VALUES (:mailbox_id, :account_id, :name, :value)"
    " ON CONFLICT (mailbox_id, account_id, name) DO UPDATE SET value = excluded.value"
)
_COUNT = Query("SELECT count(*) FROM annotation WHERE mailbox_id = :mailbox_id AND account_id = :account_id")
_OCTETS = Query(
    "SELECT CAST(coalesce(sum(length(value) + length(name)), 0) AS bigint) FROM annotation"
    " WHERE account_id = :account_id OR (account_id = 0 AND mailbox_id IN"
    " (SELECT id FROM mailbox WHERE account_id = :account_id))"
)
DROP_ANNOTATIONS = Query("DELETE FROM annotation WHERE mailbox_id = :id")
COPY_ANNOTATIONS = Query(
    "INSERT INTO annotation (mailbox_id, account_id, name, value)"
    " SELECT :target_id, account_id, name, value FROM annotation WHERE mailbox_id = :source_id"
)


class StoredAnnotations:
    """See interface.Annotations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(
        self, account_id: int, mailbox_ids: Collection[int], names: Collection[str], depth: Depth = Depth.NAME
    ) -> Mapping[int, Mapping[str, bytes]]:
        """See interface.Annotations."""

        async def work(connection: Connection) -> list[Row]:
            wanted = names if depth is Depth.NAME else await _below(connection, account_id, mailbox_ids)
            wanted = chosen(wanted, names, depth)
            return list(
                await connection.all(_NAMED, account_id=account_id, ids=list(mailbox_ids), names=wanted)
            )

        found: dict[int, dict[str, bytes]] = {}
        for mailbox_id, name, value in await self._database.read(work):
            found.setdefault(mailbox_id, {})[name] = value
        return found

    async def set(self, account_id: int, mailbox_id: int, values: Mapping[str, bytes | None]) -> None:
        """See interface.Annotations."""
        if any(value is not None and len(value) > VALUE_LIMIT for value in values.values()):
            raise AnnotationTooLarge(f"An annotation has at most {VALUE_LIMIT} octets.")

        async def work(transaction: Transaction) -> None:
            owner_id = await _locked_owner(transaction, account_id, mailbox_id)
            for name, value in values.items():
                await _write(
                    transaction, account_id if is_private(name) else _SHARED, mailbox_id, name, value
                )
            for scope in {account_id, _SHARED}:
                row = await transaction.one(_COUNT, mailbox_id=mailbox_id, account_id=scope)
                if row is not None and row[0] > ENTRIES_LIMIT:
                    raise TooManyAnnotations(f"There are at most {ENTRIES_LIMIT} annotations here.")
            for account in {account_id, owner_id}:
                row = await transaction.one(_OCTETS, account_id=account)
                if row is not None and row[0] > ACCOUNT_LIMIT:
                    raise TooManyAnnotations(f"All annotations together have at most {ACCOUNT_LIMIT} octets.")
            changed(transaction, TopicKind.ANNOTATION, mailbox_id)

        await self._database.write(work)


async def _below(connection: Connection, account_id: int, mailbox_ids: Collection[int]) -> set[str]:
    rows = await connection.all(_NAMES, account_id=account_id, ids=list(mailbox_ids))
    return {row[1] for row in rows}


async def _locked_owner(transaction: Transaction, account_id: int, mailbox_id: int) -> int:
    """The account whose mailbox it is, locked so that limits are counted by one writer at a time."""
    owner_id = account_id
    if mailbox_id != SERVER:
        row = await transaction.one(_EXISTS, id=mailbox_id)
        if row is None:
            raise MailboxNotFound("The mailbox does not exist.")
        owner_id = row[0]
    for locked in sorted({account_id, owner_id}):
        await transaction.run(_LOCK, id=locked)
    if mailbox_id != SERVER and await transaction.one(_EXISTS, id=mailbox_id) is None:
        raise MailboxNotFound("The mailbox does not exist.")  # deleted while we waited
    return owner_id


async def _write(
    transaction: Transaction, scope: int, mailbox_id: int, name: str, value: bytes | None
) -> None:
    entry = {"mailbox_id": mailbox_id, "account_id": scope, "name": name}
    if value is None:
        await transaction.run(_REMOVE, **entry)
    else:
        await transaction.run(_PUT, **entry, value=value)
