"""Grants in their table. Account 0 stands for every user of the owner's domains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mailkeep.errors import MailboxNotFound, NotFound, OverQuota, PermissionRefused
from mailkeep.model.address import Address
from mailkeep.model.rights import ALL, ANYONE, LOOKUP, NONE, Rights, RightsChange, parse_rights, rights_text
from mailkeep.storage.database import Connection, Database, Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.interface.sharing import Grant, SharedMailbox
from mailkeep.storage.mailboxes import as_mailbox, get_mailbox
from mailkeep.storage.query import Query

GRANTS_PER_MAILBOX = 100

_EVERYBODY = 0  # in an account id's place

_SAME_DOMAIN = (
    "EXISTS (SELECT 1 FROM address mine JOIN address theirs ON theirs.domain = mine.domain"
    " WHERE mine.account_id = :account_id AND theirs.account_id = m.account_id)"
)
# Whoever leaves the domain has nothing of it any more, whatever was granted by name.
_HELD = f"(g.account_id IN (0, :account_id) AND {_SAME_DOMAIN})"
_OWNER = Query(
    "SELECT m.account_id, a.address FROM mailbox m JOIN address a ON a.account_id = m.account_id"
    " AND a.is_primary WHERE m.id = :id"
)
_LOCK = Query("UPDATE account SET uidvalidity = uidvalidity WHERE id = :id")
_GRANTS = Query(
    "SELECT coalesce(a.address, ''), g.rights FROM acl g LEFT JOIN address a ON a.account_id = g.account_id"
    " AND a.is_primary WHERE g.mailbox_id = :id ORDER BY coalesce(a.address, '')"
)
_ACCOUNT_OF = Query(
    "SELECT account.id FROM address JOIN account ON account.id = address.account_id"
    " WHERE address.address = :address AND account.user_id IS NOT NULL"
)
_ARE_NEIGHBOURS = Query(f"SELECT 1 FROM mailbox m WHERE m.id = :mailbox_id AND {_SAME_DOMAIN}")
_GRANT = Query("SELECT rights FROM acl WHERE mailbox_id = :mailbox_id AND account_id = :account_id")
_COUNT = Query("SELECT count(*) FROM acl WHERE mailbox_id = :mailbox_id")
_PUT = Query(
    "INSERT INTO acl (mailbox_id, account_id, rights) VALUES (:mailbox_id, :account_id, :rights)"
    " ON CONFLICT (mailbox_id, account_id) DO UPDATE SET rights = excluded.rights"
)
_REMOVE = Query("DELETE FROM acl WHERE mailbox_id = :mailbox_id AND account_id = :account_id")
_RIGHTS = Query(
    "SELECT m.account_id = :account_id, g.rights FROM mailbox m LEFT JOIN acl g ON g.mailbox_id = m.id"
    f" AND {_HELD} WHERE m.id = :mailbox_id"
)
_ANY_GRANT = Query("SELECT 1 FROM acl WHERE account_id IN (0, :account_id) LIMIT 1")
_SHARED = Query(
    "SELECT m.id, m.account_id, m.name, m.uidvalidity, m.uidnext, m.highestmodseq, m.object_id,"
    " m.special_use, false, m.selectable, m.messages, m.unseen, m.deleted, m.size, owner.address, g.rights"
    " FROM acl g JOIN mailbox m ON m.id = g.mailbox_id"
    " JOIN address owner ON owner.account_id = m.account_id AND owner.is_primary"
    f" WHERE g.account_id IN (0, :account_id) AND m.account_id <> :account_id AND {_HELD}"
    " ORDER BY owner.address, m.name"
)
_OWNER_ACCOUNT = Query(
    "SELECT address.account_id, address.address FROM address JOIN account ON account.id = address.account_id"
    " WHERE address.address = :address AND address.is_primary AND account.user_id IS NOT NULL"
)


class StoredSharing:
    """See interface.Sharing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grants(self, mailbox_id: int) -> tuple[str, Sequence[Grant]]:
        """See interface.Sharing."""

        async def work(connection: Connection) -> tuple[Row | None, Sequence[Row]]:
            return await connection.one(_OWNER, id=mailbox_id), await connection.all(_GRANTS, id=mailbox_id)

        owner, rows = await self._database.read(work)
        if owner is None:
            raise MailboxNotFound("The mailbox does not exist.")
        return owner[1], [Grant(row[0] or ANYONE, parse_rights(row[1])) for row in rows]

    async def change(self, mailbox_id: int, grantee: Address | None, change: RightsChange) -> None:
        """See interface.Sharing."""

        async def work(transaction: Transaction) -> None:
            owner = await transaction.one(_OWNER, id=mailbox_id)
            if owner is None or not await transaction.run(_LOCK, id=owner[0]):
                raise MailboxNotFound("The mailbox does not exist.")
            if await transaction.one(_OWNER, id=mailbox_id) is None:  # deleted while we waited
                raise MailboxNotFound("The mailbox does not exist.")
            account_id = await _grantee(transaction, mailbox_id, grantee, change)
            if account_id == owner[0]:
                if change.apply(ALL) != ALL:
                    raise PermissionRefused("The owner of a mailbox has every right in it, always.")
                return
            await _write(transaction, mailbox_id, account_id, change)
            changed(transaction, TopicKind.ACCESS, mailbox_id)
            changed(transaction, TopicKind.SHARED, account_id)

        await self._database.write(work)

    async def rights(self, mailbox_id: int, account_id: int) -> Rights:
        """See interface.Sharing."""
        return await self._database.read(lambda c: _rights(c, mailbox_id, account_id))

    async def shared_with(self, account_id: int) -> Sequence[SharedMailbox]:
        """See interface.Sharing."""

        async def work(connection: Connection) -> Sequence[Row]:
            if await connection.one(_ANY_GRANT, account_id=account_id) is None:  # as for most users
                return ()
            return await connection.all(_SHARED, account_id=account_id)

        rows = await self._database.read(work)
        found: dict[int, SharedMailbox] = {}
        for row in rows:  # one for each grant that counts
            mailbox, owner = as_mailbox(row), row[14]
            known = found.get(mailbox.id)
            rights = _union([row[15]], NONE if known is None else known.rights)
            found[mailbox.id] = SharedMailbox(owner, mailbox, rights)
        return [shared for shared in found.values() if LOOKUP in shared.rights]

    async def find(self, account_id: int, owner: Address, name: str) -> SharedMailbox:
        """See interface.Sharing."""

        async def work(connection: Connection) -> SharedMailbox:
            row = await connection.one(_OWNER_ACCOUNT, address=owner.key)
            if row is None:
                raise MailboxNotFound("There is no mailbox of that name.")
            mailbox = await get_mailbox(connection, row[0], name)
            rights = await _rights(connection, mailbox.id, account_id)
            if LOOKUP not in rights:
                raise MailboxNotFound("There is no mailbox of that name.")
            return SharedMailbox(row[1], mailbox, rights)

        return await self._database.read(work)


async def _rights(connection: Connection, mailbox_id: int, account_id: int) -> Rights:
    rows = await connection.all(_RIGHTS, mailbox_id=mailbox_id, account_id=account_id)
    if any(row[0] for row in rows):
        return ALL
    return _union(row[1] for row in rows if row[1] is not None)


def _union(texts: Iterable[str], known: Rights = NONE) -> Rights:
    return Rights(known.union(*map(parse_rights, texts)))


async def _grantee(
    transaction: Transaction, mailbox_id: int, grantee: Address | None, change: RightsChange
) -> int:
    """The account that is meant. Who is not of the domain, or not any more, can only lose rights."""
    if grantee is None:
        return _EVERYBODY
    row = await transaction.one(_ACCOUNT_OF, address=grantee.key)
    account_id: int | None = None if row is None else row[0]
    place = {"mailbox_id": mailbox_id, "account_id": account_id}
    if account_id is not None and (
        await transaction.one(_ARE_NEIGHBOURS, **place)
        or (not change.apply(ALL) and await transaction.one(_GRANT, **place))
    ):
        return account_id
    raise NotFound(f"No user of this domain has the address {grantee}.")


async def _write(transaction: Transaction, mailbox_id: int, account_id: int, change: RightsChange) -> None:
    place = {"mailbox_id": mailbox_id, "account_id": account_id}
    row = await transaction.one(_GRANT, **place)
    after = change.apply(NONE if row is None else parse_rights(row[0]))
    if not after:
        await transaction.run(_REMOVE, **place)
        return
    await transaction.run(_PUT, **place, rights=rights_text(after))
    counted = await transaction.one(_COUNT, mailbox_id=mailbox_id)
    if counted is not None and counted[0] > GRANTS_PER_MAILBOX:
        raise OverQuota(f"A mailbox is shared with at most {GRANTS_PER_MAILBOX} others.")
