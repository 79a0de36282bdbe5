"""Accounts elsewhere: their configuration, and what was fetched from them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from mailkeep.errors import AlreadyExists, NotFound
from mailkeep.model.flags import Flags
from mailkeep.model.upstream import FetchedMessage, FolderPosition, UpstreamRecord
from mailkeep.storage.database import Connection, Database, Row, Transaction, changed
from mailkeep.storage.failures import Rejected
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.operations.batch import INSERT_FETCHED
from mailkeep.storage.query import Query
from mailkeep.storage.values import (
    as_datetime,
    as_datetime_or_none,
    as_flags,
    as_uuid,
    clean,
    moment_or_none,
    new_uuid,
    now,
    words,
)

_SELECT = "SELECT id, user_id, name, config, created_at, last_sync_at, state, said FROM upstream_account"
_ALL = Query(f"{_SELECT} ORDER BY name, id")
_OF_USER = Query(f"{_SELECT} WHERE user_id = :user_id ORDER BY name, id")
_ADD = Query(
    "INSERT INTO upstream_account (id, user_id, name, config, created_at, state, said)"
    " VALUES (:id, :user_id, :name, :config, :created_at, '', '')"
)
_STATE = Query("SELECT user_id, state FROM upstream_account WHERE id = :id")
_NOTE = Query(
    "UPDATE upstream_account SET state = :state, said = :said,"
    " last_sync_at = coalesce(:synced_at, last_sync_at) WHERE id = :id"
)
_REMOVE_MESSAGES = Query(
    "DELETE FROM upstream_message WHERE folder_id IN"
    " (SELECT id FROM upstream_folder WHERE account_id = :account_id)"
)
_REMOVE_FOLDERS = Query("DELETE FROM upstream_folder WHERE account_id = :account_id")
_REMOVE = Query("DELETE FROM upstream_account WHERE id = :account_id")

_FOLDER = Query(
    "SELECT id, uidvalidity, remote_modseq, local_modseq FROM upstream_folder"
    " WHERE account_id = :account_id AND name = :name"
)
_ADD_FOLDER = Query(
    "INSERT INTO upstream_folder (account_id, name, uidvalidity, remote_modseq, local_modseq)"
    " VALUES (:account_id, :name, :uidvalidity, 0, 0)"
)
_FETCHED = Query(
    "SELECT remote_uid, mailbox_id, uid, flags, keywords FROM upstream_message"
    " WHERE folder_id = :folder_id ORDER BY remote_uid"
)
_FORGET_ALL = Query("DELETE FROM upstream_message WHERE folder_id = :folder_id")
_FORGET = Query("DELETE FROM upstream_message WHERE folder_id = :folder_id AND remote_uid = :remote_uid")
_SET_FLAGS = Query(
    "UPDATE upstream_message SET flags = :flags, keywords = :keywords"
    " WHERE folder_id = :folder_id AND remote_uid = :remote_uid"
)
_RENUMBERED = Query(
    "UPDATE upstream_folder SET uidvalidity = :uidvalidity, remote_modseq = 0, local_modseq = 0"
    " WHERE id = :folder_id"
)
_SETTLE = Query(
    "UPDATE upstream_folder SET remote_modseq = :remote_modseq, local_modseq = :local_modseq"
    " WHERE id = :folder_id"
)


class StoredUpstreams:
    """See interface.Upstreams."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: UUID, name: str, config: str) -> UpstreamRecord:
        """See interface.Upstreams."""
        id = new_uuid()
        given = {"id": id, "user_id": user_id, "name": clean(name), "config": clean(config)}
        try:
            await self._database.write(lambda transaction: transaction.run(_ADD, created_at=now(), **given))
        except Rejected:  # the unique index, or a user who is gone
            raise AlreadyExists("The user has an account of that name already.") from None
        return next(record for record in await self.list(user_id) if record.id == id)

    async def list(self, user_id: UUID | None = None) -> Sequence[UpstreamRecord]:
        """See interface.Upstreams."""

        async def work(connection: Connection) -> Sequence[Row]:
            if user_id is None:
                return await connection.all(_ALL)
            return await connection.all(_OF_USER, user_id=user_id)

        return [_record(row) for row in await self._database.read(work)]

    async def remove(self, account_id: UUID) -> None:
        """See interface.Upstreams."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(_REMOVE_MESSAGES, account_id=account_id)
            await transaction.run(_REMOVE_FOLDERS, account_id=account_id)
            if not await transaction.run(_REMOVE, account_id=account_id):
                raise NotFound("There is no such account elsewhere.")

        await self._database.write(work)

    async def note(self, account_id: UUID, state: str, said: str, synced_at: datetime | None = None) -> None:
        """See interface.Upstreams."""
        given = {
            "id": account_id,
            "state": state,
            "said": clean(said),
            "synced_at": moment_or_none(synced_at),
        }

        async def work(transaction: Transaction) -> None:
            before = await transaction.one(_STATE, id=account_id)
            await transaction.run(_NOTE, **given)
            if before is not None and before[1] != state:
                changed(transaction, TopicKind.UPSTREAM, as_uuid(before[0]))

        await self._database.write(work)

    async def folder(self, account_id: UUID, name: str, uidvalidity: int) -> tuple[FolderPosition, int]:
        """See interface.Upstreams."""

        async def work(transaction: Transaction) -> tuple[FolderPosition, int]:
            row = await transaction.one(_FOLDER, account_id=account_id, name=clean(name))
            if row is not None:
                return FolderPosition(*row), row[1]
            await transaction.run(
                _ADD_FOLDER, account_id=account_id, name=clean(name), uidvalidity=uidvalidity
            )
            made = await transaction.one(_FOLDER, account_id=account_id, name=clean(name))
            assert made is not None
            return FolderPosition(*made), 0

        return await self._database.write(work)

    async def fetched(self, folder_id: int) -> Sequence[FetchedMessage]:
        """See interface.Upstreams."""
        rows = await self._database.read(lambda connection: connection.all(_FETCHED, folder_id=folder_id))
        return [FetchedMessage(row[0], row[1], row[2], as_flags(row[3], row[4])) for row in rows]

    async def renumber(self, folder_id: int, uidvalidity: int, uids: Mapping[int, int]) -> None:
        """See interface.Upstreams."""

        async def work(transaction: Transaction) -> None:
            kept = [
                (folder_id, uids[row[0]], *row[1:])
                for row in await transaction.all(_FETCHED, folder_id=folder_id)
                if row[0] in uids
            ]
            await transaction.run(_FORGET_ALL, folder_id=folder_id)
            await transaction.insert((INSERT_FETCHED, kept))
            await transaction.run(_RENUMBERED, folder_id=folder_id, uidvalidity=uidvalidity)

        await self._database.write(work)

    async def settle(
        self,
        folder_id: int,
        flags: Mapping[int, Flags],
        gone: Collection[int],
        remote_modseq: int,
        local_modseq: int,
    ) -> None:
        """See interface.Upstreams."""
        rows = [
            {
                "folder_id": folder_id,
                "remote_uid": uid,
                "flags": int(now.system),
                "keywords": words(now.keywords),
            }
            for uid, now in flags.items()
        ]

        async def work(transaction: Transaction) -> None:
            await transaction.many(_SET_FLAGS, rows)
            await transaction.many(_FORGET, [{"folder_id": folder_id, "remote_uid": uid} for uid in gone])
            await transaction.run(
                _SETTLE, folder_id=folder_id, remote_modseq=remote_modseq, local_modseq=local_modseq
            )

        await self._database.write(work)


def _record(row: Row) -> UpstreamRecord:
    return UpstreamRecord(
        id=as_uuid(row[0]),
        user_id=as_uuid(row[1]),
        name=row[2],
        config=row[3],
        created_at=as_datetime(row[4]),
        last_sync_at=as_datetime_or_none(row[5]),
        state=row[6],
        said=row[7],
    )
