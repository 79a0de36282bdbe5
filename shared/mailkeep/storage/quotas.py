"""Quotas: limits from the account or the settings, usage from the counters of its mailboxes.

No row counts a whole account, so no two writers meet at one. A check within a transaction adds the committed
counters of the account's other mailboxes to those of the locked ones. Two processes that fill two mailboxes
of one account in the same moment may so pass the limit by what they were writing, and not further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.model.quota import DefaultLimits, Quota
from mailkeep.storage.database import Database, Row, Transaction, changed
from mailkeep.storage.feed import Hub
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep.storage.locked import LockedMailbox
from mailkeep.storage.query import Query

if TYPE_CHECKING:
    from mailkeep.storage.operations.batch import Batch

REMEMBERED_UNLIMITED = 20_000  # addresses known to have no limit

_SUMS = "CAST(coalesce(sum(m.size), 0) AS bigint), CAST(coalesce(sum(m.messages), 0) AS bigint)"
_QUOTA = (
    f"SELECT {_SUMS}, a.user_id IS NOT NULL, a.quota_storage, a.quota_messages FROM account a"
    " LEFT JOIN mailbox m ON m.account_id = a.id"
)
_GROUP = "GROUP BY a.id, a.user_id, a.quota_storage, a.quota_messages"
_OF_ACCOUNT = Query(f"{_QUOTA} WHERE a.id = :account_id {_GROUP}")
_OF_ADDRESS = Query(
    f"{_QUOTA} WHERE a.id = (SELECT account_id FROM address WHERE address = :address) {_GROUP}"
)
_ELSEWHERE = Query(
    f"SELECT {_SUMS} FROM mailbox m WHERE m.account_id = :account_id AND NOT m.id = ANY(:locked)",
    sqlite=f"SELECT {_SUMS} FROM mailbox m WHERE m.account_id = :account_id"
    " AND m.id NOT IN (SELECT value FROM json_each(:locked))",
)
_OWN = Query("SELECT quota_storage, quota_messages FROM account WHERE user_id = :user_id")
_SET = Query(
    "UPDATE account SET quota_storage = :storage, quota_messages = :messages WHERE user_id = :user_id"
)


class StoredQuotas:
    """See interface.Quotas."""

    def __init__(self, database: Database, hub: Hub, defaults: DefaultLimits) -> None:
        self._database = database
        self._defaults = defaults
        self._unlimited: dict[str, None] = {}
        self._generation = 0
        hub.watch(Topic(TopicKind.DIRECTORY), self._forget)

    async def of(self, account_id: int) -> Quota:
        """See interface.Quotas."""
        row = await self._database.read(lambda c: c.one(_OF_ACCOUNT, account_id=account_id))
        if row is None:
            raise NotFound("The account does not exist.")
        return self._quota(row)

    async def own_limits(self, user_id: UUID) -> tuple[int | None, int | None]:
        """See interface.Quotas."""
        row = await self._database.read(lambda c: c.one(_OWN, user_id=user_id))
        if row is None:
            raise NotFound("There is no such user.")
        return row[0], row[1]

    async def set_limits(self, user_id: UUID, storage: int | None, messages: int | None) -> None:
        """See interface.Quotas."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_SET, user_id=user_id, storage=storage, messages=messages):
                raise NotFound("There is no such user.")
            changed(transaction, TopicKind.DIRECTORY)

        await self._database.write(work)

    async def require_room(self, address: Address, octets: int = 0) -> None:
        """See interface.Quotas."""
        if address.key in self._unlimited:
            return
        generation = self._generation
        row = await self._database.read(lambda c: c.one(_OF_ADDRESS, address=address.key))
        quota = self._quota((0, 0, False, None, None) if row is None else row)
        if not quota.limits and generation == self._generation:
            if len(self._unlimited) >= REMEMBERED_UNLIMITED:
                del self._unlimited[next(iter(self._unlimited))]
            self._unlimited[address.key] = None
        quota.require(octets)

    def _quota(self, row: Row) -> Quota:
        storage, messages, claimed, own_storage, own_messages = row
        limits = self._defaults.of(claimed=bool(claimed), storage=own_storage, messages=own_messages)
        return Quota(storage, messages, limits)

    def _forget(self) -> None:
        self._generation += 1
        self._unlimited.clear()


async def require_room(batch: Batch, target: LockedMailbox, sizes: Sequence[int]) -> None:
    """Within a transaction, before messages of these sizes are added. Raises OverQuota, NeverFits."""
    limits = batch.defaults.of(
        claimed=target.claimed, storage=target.quota_storage, messages=target.quota_messages
    )
    if not limits:
        return
    locked = [mailbox for mailbox in batch.mailboxes.values() if mailbox.account_id == target.account_id]
    elsewhere = batch.elsewhere.get(target.account_id)
    if elsewhere is None:
        row = await batch.transaction.one(
            _ELSEWHERE, account_id=target.account_id, locked=[mailbox.id for mailbox in locked]
        )
        assert row is not None
        elsewhere = batch.elsewhere[target.account_id] = (row[0], row[1])
    storage = elsewhere[0] + sum(mailbox.size for mailbox in locked)
    messages = elsewhere[1] + sum(mailbox.messages for mailbox in locked)
    Quota(storage, messages, limits).require(sum(sizes), len(sizes))
