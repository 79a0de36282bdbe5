"""How an address, with the mail that waits for it, comes to a user.

A new user gets the account that the mail is in: one field is set, however much mail there is. A user
who has an account already gets the entries moved into its INBOX, in one transaction, with new UIDs.
"""

from __future__ import annotations

from uuid import UUID

from mailkeep.errors import AlreadyExists
from mailkeep.model.address import Address
from mailkeep.model.directory import User
from mailkeep.model.mailbox import INBOX
from mailkeep.storage import accounts, change_log, locked
from mailkeep.storage.database import Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.query import Query
from mailkeep.storage.values import now

_CLAIM = Query("UPDATE account SET user_id = :user_id WHERE id = :id AND user_id IS NULL")
_HOLD_UNCLAIMED = Query("UPDATE account SET user_id = NULL WHERE id = :id AND user_id IS NULL")
_SET_PRIMARY = Query("UPDATE address SET is_primary = :is_primary WHERE address = :address")
_POINT = Query("UPDATE address SET account_id = :account_id WHERE account_id = :former_id")
_END_PROOFS = Query("DELETE FROM address_proof WHERE address = :address")
_MAILBOX_IDS = Query("SELECT id FROM mailbox WHERE account_id = :account_id")
_INBOX_ID = Query("SELECT id FROM mailbox WHERE account_id = :account_id AND name = :name")
_MOVE = Query(
    "UPDATE entry SET mailbox_id = :target_id, uid = numbered.uid, modseq = :modseq, save_date = :save_date"
    " FROM (SELECT e.mailbox_id, e.uid AS former, :first_uid - 1"
    " + row_number() OVER (ORDER BY e.internal_date, e.mailbox_id, e.uid) AS uid"
    " FROM entry e JOIN mailbox m ON m.id = e.mailbox_id WHERE m.account_id = :former_id"
    " ORDER BY e.internal_date, e.mailbox_id, e.uid LIMIT :most) numbered"
    " WHERE entry.mailbox_id = numbered.mailbox_id AND entry.uid = numbered.former"
)
_MOVED = Query(
    "SELECT uid, message_id, flags, keywords, size, internal_date FROM entry"
    " WHERE mailbox_id = :mailbox_id AND uid >= :first_uid ORDER BY uid"
)
_DROP = (
    Query("DELETE FROM acl WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = :id)"),
    Query("DELETE FROM annotation WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = :id)"),
    Query("DELETE FROM change WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = :id)"),
    Query("DELETE FROM saved_snapshot WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = :id)"),
    Query("DELETE FROM mailbox WHERE account_id = :id"),
    Query("DELETE FROM subscription WHERE account_id = :id"),
    Query("DELETE FROM account WHERE id = :id"),
)


MOVED_AT_ONCE = 50_000
"""Entries that one statement moves: it must end well within the time that a statement may take."""


async def claim(transaction: Transaction, address: Address, user_id: UUID) -> None:
    """Make the address the primary one of a user without an account. Raises AlreadyExists."""
    owner = (await accounts.resolve(transaction, [address.key])).get(address.key)
    account_id = None if owner is None else owner.account_id
    if account_id is None:
        account_id = await accounts.create(transaction, address, user_id, primary=True)
        if account_id is None:  # a delivery has just made it
            await claim(transaction, address, user_id)
            return
    elif not await transaction.run(_CLAIM, id=account_id, user_id=user_id):
        raise AlreadyExists(f"The address {address} belongs to a user already.")
    await transaction.run(_SET_PRIMARY, address=address.key, is_primary=True)
    await transaction.run(_END_PROOFS, address=address.key)
    await _tell(transaction, account_id)


async def join(transaction: Transaction, address: Address, user: User) -> None:
    """Add the address to a user's account, with the mail that waits for it. Raises AlreadyExists."""
    owner = (await accounts.resolve(transaction, [address.key])).get(address.key)
    if owner is None:
        if not await accounts.add_address(transaction, address, user.account_id, primary=False):
            await join(transaction, address, user)
            return
    elif not await hold_unclaimed(transaction, owner.account_id):
        raise AlreadyExists(f"The address {address} belongs to a user already.")
    else:
        await _move_mail(transaction, owner.account_id, user.account_id)
    await transaction.run(_END_PROOFS, address=address.key)
    await _tell(transaction, user.account_id)
    changed(transaction, TopicKind.USER, user.id)


async def _move_mail(transaction: Transaction, former_id: int, account_id: int) -> None:
    former = [row[0] for row in await transaction.all(_MAILBOX_IDS, account_id=former_id)]
    row = await transaction.one(_INBOX_ID, account_id=account_id, name=INBOX)
    assert row is not None
    mailboxes = await locked.lock(transaction, [*former, row[0]])
    target = mailboxes.pop(row[0])
    waiting = sum(mailbox.messages for mailbox in mailboxes.values())
    if waiting:
        await _move_entries(transaction, former_id, target, waiting)
        for mailbox in mailboxes.values():
            target.messages += mailbox.messages
            target.unseen += mailbox.unseen
            target.deleted += mailbox.deleted
            target.size += mailbox.size
        await locked.store(transaction, [target])
    await transaction.run(_POINT, account_id=account_id, former_id=former_id)
    await drop(transaction, former_id)
    for mailbox_id in former:
        changed(transaction, TopicKind.MAILBOX, mailbox_id)


async def hold_unclaimed(transaction: Transaction, account_id: int) -> bool:
    """Hold an account so that nobody claims it before the commit. False if it is claimed, or gone."""
    return await transaction.run(_HOLD_UNCLAIMED, id=account_id) == 1


async def drop(transaction: Transaction, account_id: int) -> None:
    """Remove an account that has neither addresses nor entries."""
    for query in _DROP:
        await transaction.run(query, id=account_id)


async def _move_entries(
    transaction: Transaction, former_id: int, target: LockedMailbox, waiting: int
) -> None:
    first_uid = target.take_uids(waiting)[0]
    written = waiting <= change_log.APPENDED_LIMIT
    modseq = target.highestmodseq + 1
    facts = {"target_id": target.id, "modseq": modseq, "save_date": now(), "former_id": former_id}
    moved = 0
    while piece := await transaction.run(_MOVE, first_uid=first_uid + moved, most=MOVED_AT_ONCE, **facts):
        moved += piece
    if not written:
        target.skip_modseq()
        return
    rows = await transaction.all(_MOVED, mailbox_id=target.id, first_uid=first_uid)
    target.new_change().appended = [tuple(row) for row in rows]


async def _tell(transaction: Transaction, account_id: int) -> None:
    changed(transaction, TopicKind.DIRECTORY)
    changed(transaction, TopicKind.ACCOUNT, account_id)
    for row in await transaction.all(_MAILBOX_IDS, account_id=account_id):
        changed(transaction, TopicKind.MAILBOX, row[0])
