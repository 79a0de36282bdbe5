"""Secrets that sign URLs into mailboxes, one row each."""

from __future__ import annotations

import secrets

from mailkeep.errors import MailboxNotFound
from mailkeep.storage.database import Connection, Database, Transaction
from mailkeep.storage.query import Query

SECRET_OCTETS = 32

_FIND = Query("SELECT secret FROM url_secret WHERE mailbox_id = :id")
_ADD = Query(
    "INSERT INTO url_secret (mailbox_id, secret) SELECT id, :secret FROM mailbox WHERE id = :id"
    " ON CONFLICT (mailbox_id) DO NOTHING"
)
_RESET_ALL = Query(
    "DELETE FROM url_secret WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = :account_id)"
)
DROP_URL_SECRET = Query("DELETE FROM url_secret WHERE mailbox_id = :id")


class StoredUrlSecrets:
    """See interface.UrlSecrets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, mailbox_id: int) -> bytes:
        """See interface.UrlSecrets."""
        found = await self.find(mailbox_id)
        if found is not None:
            return found

        async def work(transaction: Transaction) -> bytes | None:
            await transaction.run(_ADD, id=mailbox_id, secret=secrets.token_bytes(SECRET_OCTETS))
            return await _find(transaction, mailbox_id)  # somebody else's, if they were faster

        made = await self._database.write(work)
        if made is None:
            raise MailboxNotFound("The mailbox does not exist.")
        return made

    async def find(self, mailbox_id: int) -> bytes | None:
        """See interface.UrlSecrets."""
        return await self._database.read(lambda connection: _find(connection, mailbox_id))

    async def reset(self, mailbox_id: int) -> None:
        """See interface.UrlSecrets."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(DROP_URL_SECRET, id=mailbox_id)

        await self._database.write(work)

    async def reset_all(self, account_id: int) -> None:
        """See interface.UrlSecrets."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(_RESET_ALL, account_id=account_id)

        await self._database.write(work)


async def _find(connection: Connection, mailbox_id: int) -> bytes | None:
    row = await connection.one(_FIND, id=mailbox_id)
    return None if row is None else bytes(row[0])
