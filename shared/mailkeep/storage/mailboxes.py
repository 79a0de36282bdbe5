"""The tree of mailboxes of an account.

Changes to one account's tree take turns: each begins by locking the account's row.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.errors import AlreadyExists, InUse, InvalidName, MailboxNotFound, OverQuota, PermissionRefused
from mailkeep.model.flags import SystemFlag
from mailkeep.model.mailbox import HIERARCHY_DELIMITER, INBOX, Mailbox, SpecialUse
from mailkeep.model.uids import UID_MAX, UidSet
from mailkeep.storage import accounts, locked, saved_snapshots, texts
from mailkeep.storage.annotations import COPY_ANNOTATIONS, DROP_ANNOTATIONS
from mailkeep.storage.database import Connection, Database, Row, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.mailbox_names import lookup_name, normal_name, parents
from mailkeep.storage.operations.batch import Batch
from mailkeep.storage.operations.copying import Move
from mailkeep.storage.query import Query
from mailkeep.storage.url_secrets import DROP_URL_SECRET

MAILBOXES_PER_ACCOUNT = 5000
SUBSCRIPTIONS_PER_ACCOUNT = 10_000

_SELECT = (
    "SELECT m.id, m.account_id, m.name, m.uidvalidity, m.uidnext, m.highestmodseq, m.object_id,"
    " m.special_use, s.name IS NOT NULL, m.selectable, m.messages, m.unseen, m.deleted, m.size FROM mailbox m"
    " LEFT JOIN subscription s ON s.account_id = m.account_id AND s.name = m.name"
    " WHERE m.account_id = :account_id"
)
_ALL = Query(_SELECT)
_ONE = Query(f"{_SELECT} AND m.name = :name")
_DELETED_SIZE = Query(
    "SELECT CAST(coalesce(sum(size), 0) AS bigint) FROM entry"
    f" WHERE mailbox_id = :id AND (flags & {int(SystemFlag.DELETED)}) <> 0"
)
_LOCK_ACCOUNT = Query("UPDATE account SET uidvalidity = uidvalidity WHERE id = :id")
_COUNT = Query("SELECT count(*) FROM mailbox WHERE account_id = :account_id")
_BELOW = "substr(name, 1, length(:prefix)) = :prefix"
_CHILDREN = Query(f"SELECT name FROM mailbox WHERE account_id = :account_id AND {_BELOW}")
_RENAME = Query(
    "UPDATE mailbox SET name = :new_name || substr(name, length(:name) + 1)"
    f" WHERE account_id = :account_id AND (name = :name OR {_BELOW})"
)
_LOCK_ROW = Query(
    "SELECT id FROM mailbox WHERE id = :id FOR UPDATE", sqlite="SELECT id FROM mailbox WHERE id = :id"
)
_EMPTY = (
    Query("DELETE FROM entry WHERE mailbox_id = :id"),
    Query("DELETE FROM change WHERE mailbox_id = :id"),
    Query("DELETE FROM acl WHERE mailbox_id = :id"),
    texts.DROP,
    saved_snapshots.DROP,
    DROP_ANNOTATIONS,
    DROP_URL_SECRET,
)
# RFC 4314 section 3 leaves it to the server: who may look into a mailbox may look into what is made below.
_INHERIT = Query(
    "INSERT INTO acl (mailbox_id, account_id, rights) SELECT made.id, g.account_id, g.rights"
    " FROM mailbox made JOIN mailbox parent ON parent.account_id = made.account_id AND parent.name = :parent"
    " JOIN acl g ON g.mailbox_id = parent.id WHERE made.account_id = :account_id AND made.name = :name"
)
_DELETE = Query("DELETE FROM mailbox WHERE id = :id")
_KEEP_NAME = Query(
    "UPDATE mailbox SET selectable = false, special_use = NULL, messages = 0, unseen = 0, deleted = 0,"
    " size = 0 WHERE id = :id"
)
_SUBSCRIBE = Query(
    "INSERT INTO subscription (account_id, name) VALUES (:account_id, :name) ON CONFLICT DO NOTHING"
)
_UNSUBSCRIBE = Query("DELETE FROM subscription WHERE account_id = :account_id AND name = :name")
_SUBSCRIPTIONS = Query("SELECT name FROM subscription WHERE account_id = :account_id")


class StoredMailboxes:
    """See interface.Mailboxes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, account_id: int) -> Sequence[Mailbox]:
        """See interface.Mailboxes."""
        rows = await self._database.read(lambda connection: connection.all(_ALL, account_id=account_id))
        return sorted(map(as_mailbox, rows), key=lambda mailbox: (mailbox.name != INBOX, mailbox.name))

    async def get(self, account_id: int, name: str) -> Mailbox:
        """See interface.Mailboxes."""
        return await self._database.read(lambda connection: get_mailbox(connection, account_id, name))

    async def deleted_size(self, mailbox_id: int) -> int:
        """See interface.Mailboxes."""
        row = await self._database.read(lambda connection: connection.one(_DELETED_SIZE, id=mailbox_id))
        assert row is not None
        return int(row[0])

    async def create(self, account_id: int, name: str, special_use: SpecialUse | None = None) -> Mailbox:
        """See interface.Mailboxes. Raises OverQuota past MAILBOXES_PER_ACCOUNT as well."""
        normal = normal_name(name)

        async def work(transaction: Transaction) -> Mailbox:
            await _lock_account(transaction, account_id)
            await _create(transaction, account_id, normal, special_use)
            changed(transaction, TopicKind.ACCOUNT, account_id)
            return await get_mailbox(transaction, account_id, normal)

        return await self._database.write(work)

    async def delete(self, account_id: int, name: str) -> None:
        """See interface.Mailboxes."""

        async def work(transaction: Transaction) -> None:
            await _lock_account(transaction, account_id)
            mailbox = await get_mailbox(transaction, account_id, name)
            if mailbox.name == INBOX:
                raise PermissionRefused("INBOX cannot be deleted.")
            children = await transaction.all(_CHILDREN, account_id=account_id, prefix=_prefix(mailbox.name))
            if children and not mailbox.selectable:
                raise InUse("The name stays for the mailboxes below it.")
            await _delete(transaction, mailbox, keep_name=bool(children))
            await _drop_empty_names(transaction, account_id, mailbox.name)

        await self._database.write(work)

    async def rename(self, account_id: int, name: str, new_name: str) -> None:
        """See interface.Mailboxes."""
        new = normal_name(new_name)

        async def work(transaction: Transaction) -> None:
            await _lock_account(transaction, account_id)
            mailbox = await get_mailbox(transaction, account_id, name)
            if await transaction.one(_ONE, account_id=account_id, name=new):
                raise AlreadyExists(f"There is a mailbox {new} already.")
            if mailbox.name == INBOX:
                await _rename_inbox(transaction, mailbox, new)
            else:
                await _rename(transaction, mailbox, new)
                await _drop_empty_names(transaction, account_id, mailbox.name)
            changed(transaction, TopicKind.ACCOUNT, account_id)

        await self._database.write(work)

    # --- subscriptions --------------------------------------------------------------------------

    async def subscribe(self, account_id: int, name: str) -> None:
        """See interface.Mailboxes. Raises InvalidName, OverQuota past SUBSCRIPTIONS_PER_ACCOUNT."""
        normal = normal_name(name)

        async def work(transaction: Transaction) -> None:
            kept = await transaction.all(_SUBSCRIPTIONS, account_id=account_id)
            if len(kept) >= SUBSCRIPTIONS_PER_ACCOUNT:
                raise OverQuota(f"An account holds at most {SUBSCRIPTIONS_PER_ACCOUNT} subscriptions.")
            await transaction.run(_SUBSCRIBE, account_id=account_id, name=normal)
            changed(transaction, TopicKind.ACCOUNT, account_id)

        await self._database.write(work)

    async def unsubscribe(self, account_id: int, name: str) -> None:
        """See interface.Mailboxes."""
        normal = lookup_name(name)

        async def work(transaction: Transaction) -> None:
            await transaction.run(_UNSUBSCRIBE, account_id=account_id, name=normal)
            changed(transaction, TopicKind.ACCOUNT, account_id)

        await self._database.write(work)

    async def subscriptions(self, account_id: int) -> Sequence[str]:
        """See interface.Mailboxes."""
        rows = await self._database.read(
            lambda connection: connection.all(_SUBSCRIPTIONS, account_id=account_id)
        )
        return sorted(row[0] for row in rows)


# --- within a transaction -------------------------------------------------------------------------


async def _lock_account(transaction: Transaction, account_id: int) -> None:
    if not await transaction.run(_LOCK_ACCOUNT, id=account_id):
        raise MailboxNotFound("The account does not exist.")


async def get_mailbox(connection: Connection, account_id: int, name: str) -> Mailbox:
    """The mailbox of that name. Raises MailboxNotFound."""
    normal = lookup_name(name)
    row = normal and await connection.one(_ONE, account_id=account_id, name=normal)
    if not row:
        raise MailboxNotFound("There is no mailbox of that name.")
    return as_mailbox(row)


async def _create(
    transaction: Transaction, account_id: int, name: str, special_use: SpecialUse | None
) -> None:
    present = {row[2]: as_mailbox(row) for row in await transaction.all(_ALL, account_id=account_id)}
    existing = present.get(name)
    if existing is not None and existing.selectable:
        raise AlreadyExists(f"There is a mailbox {name} already.")
    wanted: list[tuple[str, SpecialUse | None]] = [
        (above, None) for above in parents(name) if above not in present
    ]
    if len(present) + len(wanted) >= MAILBOXES_PER_ACCOUNT:
        raise OverQuota(f"An account holds at most {MAILBOXES_PER_ACCOUNT} mailboxes.")
    if existing is not None:  # a name that cannot be selected makes room for a mailbox with its own id
        for query in (*_EMPTY, _DELETE):
            await transaction.run(query, id=existing.id)
    await accounts.add_mailboxes(transaction, account_id, [*wanted, (name, special_use)])
    for made, _ in [*wanted, (name, special_use)]:
        if above := parents(made):
            inherited = await transaction.run(_INHERIT, account_id=account_id, name=made, parent=above[-1])
            if inherited:  # by several perhaps, each of whom finds out by looking
                changed(transaction, TopicKind.SHARED, 0)


async def _delete(transaction: Transaction, mailbox: Mailbox, *, keep_name: bool) -> None:
    await transaction.one(_LOCK_ROW, id=mailbox.id)
    for query in _EMPTY:
        await transaction.run(query, id=mailbox.id)
    await transaction.run(_KEEP_NAME if keep_name else _DELETE, id=mailbox.id)
    changed(transaction, TopicKind.ACCOUNT, mailbox.account_id)
    changed(transaction, TopicKind.MAILBOX, mailbox.id)
    changed(transaction, TopicKind.ACCESS, mailbox.id)


async def _drop_empty_names(transaction: Transaction, account_id: int, name: str) -> None:
    """Names above that cannot be selected stay for what lies below them, and no longer (RFC 5464 section
    4.1 speaks of servers that do so, as others do)."""
    for above in reversed(parents(name)):
        row = await transaction.one(_ONE, account_id=account_id, name=above)
        if row is None:
            continue
        mailbox = as_mailbox(row)
        below = await transaction.all(_CHILDREN, account_id=account_id, prefix=_prefix(above))
        if mailbox.selectable or below:
            return
        await _delete(transaction, mailbox, keep_name=False)


async def _rename(transaction: Transaction, mailbox: Mailbox, new: str) -> None:
    if new.startswith(_prefix(mailbox.name)):
        raise InvalidName("A mailbox cannot be moved below itself.")
    tree = {"account_id": mailbox.account_id, "prefix": _prefix(mailbox.name)}
    for row in await transaction.all(_CHILDREN, **tree):
        normal_name(new + row[0][len(mailbox.name) :])
    await _create_parents(transaction, mailbox.account_id, new)
    await transaction.run(_RENAME, name=mailbox.name, new_name=new, **tree)


async def _rename_inbox(transaction: Transaction, inbox: Mailbox, new: str) -> None:
    await _create(transaction, inbox.account_id, new, None)
    target = await get_mailbox(transaction, inbox.account_id, new)
    batch = Batch(transaction)
    await batch.lock([inbox.id, target.id], (), ())
    await Move(inbox.id, UidSet(((1, UID_MAX),)), target.id).apply(batch)
    await locked.store(transaction, batch.mailboxes.values())
    await transaction.run(COPY_ANNOTATIONS, source_id=inbox.id, target_id=target.id)


async def _create_parents(transaction: Transaction, account_id: int, name: str) -> None:
    above = parents(name)
    if above and not await transaction.one(_ONE, account_id=account_id, name=above[-1]):
        await _create(transaction, account_id, above[-1], None)


def _prefix(name: str) -> str:
    return name + HIERARCHY_DELIMITER


def as_mailbox(row: Row) -> Mailbox:
    """From the columns of `_SELECT`."""
    return Mailbox(
        id=row[0],
        account_id=row[1],
        name=row[2],
        uidvalidity=row[3],
        uidnext=row[4],
        highestmodseq=row[5],
        object_id=row[6],
        special_use=None if row[7] is None else SpecialUse(row[7]),
        subscribed=bool(row[8]),
        selectable=bool(row[9]),
        messages=row[10],
        unseen=row[11],
        deleted=row[12],
        size=row[13],
    )
