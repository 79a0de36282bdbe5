"""Aliases and small lists."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.errors import InUse, LimitExceeded, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import Alias
from mailkeep.storage.database import Database, Transaction, changed
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.recipients import ALIASES, grouped
from mailkeep.storage.values import now

TARGETS_LIMIT = 200  # of one alias

_ADD = Query(
    "INSERT INTO alias (alias, target, created_at) VALUES (:alias, :target, :at)"
    " ON CONFLICT (alias, target) DO NOTHING"
)
_TARGETS = Query("SELECT alias, target FROM alias WHERE alias = :alias ORDER BY target")
_REMOVE = Query("DELETE FROM alias WHERE alias = :alias AND target IN (:target, :text)")
_REMOVE_ALL = Query("DELETE FROM alias WHERE alias = :alias")
_HAS_DOMAIN = Query("SELECT 1 FROM domain WHERE name = :name")
_IS_CLAIMED = Query(
    "SELECT 1 FROM address JOIN account ON account.id = address.account_id"
    " WHERE address.address = :address AND account.user_id IS NOT NULL"
)


class StoredAliases:
    """See interface.Aliases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, alias: Address, targets: Sequence[Address]) -> Alias:
        """See interface.Aliases."""
        at = now()

        async def work(transaction: Transaction) -> Alias:
            if not await transaction.one(_HAS_DOMAIN, name=alias.domain):
                raise NotFound(f"The domain {alias.domain} is not hosted here.")
            if await transaction.one(_IS_CLAIMED, address=alias.key):
                raise InUse(f"The address {alias} belongs to a user.")
            for target in targets:
                await transaction.run(_ADD, alias=alias.key, target=await _stored(transaction, target), at=at)
            rows = await transaction.all(_TARGETS, alias=alias.key)
            if len(rows) > TARGETS_LIMIT:
                raise LimitExceeded(f"An alias has at most {TARGETS_LIMIT} targets.")
            changed(transaction, TopicKind.DIRECTORY)
            return Alias(alias.key, tuple(row[1] for row in rows))

        return await self._database.write(work)

    async def remove(self, alias: Address, targets: Sequence[Address] = ()) -> None:
        """See interface.Aliases."""

        async def work(transaction: Transaction) -> None:
            if not targets and not await transaction.run(_REMOVE_ALL, alias=alias.key):
                raise NotFound(f"There is no alias {alias}.")
            for target in targets:
                if not await transaction.run(_REMOVE, alias=alias.key, target=target.key, text=str(target)):
                    raise NotFound(f"The alias {alias} does not go to {target}.")
            changed(transaction, TopicKind.DIRECTORY)

        await self._database.write(work)

    async def list(self) -> Sequence[Alias]:
        """See interface.Aliases."""
        rows = await self._database.read(lambda connection: connection.all(ALIASES))
        return [Alias(alias, tuple(targets)) for alias, targets in grouped(rows).items()]


async def _stored(transaction: Transaction, target: Address) -> str:
    """Elsewhere a local part is the receiver's to interpret (RFC 5321 section 2.4)."""
    hosted = await transaction.one(_HAS_DOMAIN, name=target.domain)
    return target.key if hosted else str(target)
