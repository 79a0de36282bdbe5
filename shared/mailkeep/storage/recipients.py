"""The recipient policy, and the memory that makes asking for it cheap.

Every RCPT asks. Hosted domains and addresses that were asked for lately are remembered until the feed
says that the directory changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from mailkeep.errors import InvalidName
from mailkeep.model.address import Address
from mailkeep.model.directory import DmarcPolicy, Domain, DomainPolicy, Recipient, RecipientKind
from mailkeep.storage.database import Database, Row
from mailkeep.storage.feed import Hub
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime

REMEMBERED_ADDRESSES = 20_000
MEMBERS_LIMIT = 500  # whom one alias may lead to, through others: a list, not a mailing
POSTMASTER = "postmaster"  # RFC 5321 section 4.5.1: every domain takes mail for it

T = TypeVar("T")

_DOMAIN = "SELECT name, policy, catch_all, created_at, dmarc, greylists FROM domain"
DOMAINS = Query(f"{_DOMAIN} ORDER BY name")
DOMAIN = Query(f"{_DOMAIN} WHERE name = :name")
ALIASES = Query("SELECT alias, target FROM alias ORDER BY alias, target")
_IS_CLAIMED = Query(
    "SELECT account.user_id IS NOT NULL FROM address JOIN account ON account.id = address.account_id"
    " WHERE address.address = :address"
)


Aliases = Mapping[str, Sequence[str]]

_REFUSED = Recipient(RecipientKind.REFUSED, None)


def grouped(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Targets by alias, from rows of ALIASES."""
    found: dict[str, list[str]] = {}
    for alias, target in rows:
        found.setdefault(alias, []).append(target)
    return found


class Recipients:
    """What the directory says of addresses, as of the last change that the feed told of."""

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._domains: dict[str, Domain] | None = None
        self._aliases: Aliases | None = None
        self._claimed: dict[str, bool] = {}
        self._generation = 0
        hub.watch(Topic(TopicKind.DIRECTORY), self._forget)

    async def domain(self, name: str) -> Domain | None:
        """A hosted domain."""
        return (await self._hosted()).get(name)

    async def recipient(self, address: Address) -> Recipient:
        """See interface.Directory."""
        domain = await self.domain(address.domain)
        if domain is None:
            return Recipient(RecipientKind.NOT_LOCAL, None)
        base = address.without_tag()
        candidates = dict.fromkeys((address, base))
        for candidate in candidates:
            if await self._is_claimed(candidate):
                return Recipient(RecipientKind.CLAIMED, str(candidate))
        aliases = await self._known_aliases()
        for candidate in candidates:
            if candidate.key in aliases:
                return await self._members(candidate.key, aliases)
        return await self._unclaimed(domain, base)

    async def _members(self, alias: str, aliases: Aliases) -> Recipient:
        """Aliases of aliases are followed, each once, so that a circle ends; of what is refused nothing is
        left."""
        found: dict[str, None] = {}
        outside: dict[str, None] = {}
        waiting, seen = deque(aliases[alias]), {alias}
        while waiting and len(found) + len(outside) < MEMBERS_LIMIT:
            target = Address.parse(waiting.popleft())
            if target.key in seen:
                continue
            seen.add(target.key)
            if target.key in aliases and not await self._is_claimed(target):
                waiting.extend(aliases[target.key])
                continue
            answer = await self._direct(target)
            if answer.deliver_to is not None:
                found[answer.deliver_to] = None
            elif answer.kind is RecipientKind.NOT_LOCAL:
                outside[str(target)] = None
        if not found and not outside:
            return _REFUSED
        return Recipient(RecipientKind.ALIAS, None, tuple(found), tuple(outside))

    async def _direct(self, address: Address) -> Recipient:
        """What the policy says of an alias's target, where an alias without its tag counts no more."""
        domain, base = await self.domain(address.domain), address.without_tag()
        if domain is None:
            return Recipient(RecipientKind.NOT_LOCAL, None)
        for candidate in dict.fromkeys((address, base)):
            if await self._is_claimed(candidate):
                return Recipient(RecipientKind.CLAIMED, str(candidate))
        return await self._unclaimed(domain, base)

    async def _known_aliases(self) -> Aliases:
        known = self._aliases
        if known is None:
            rows, current = await self._as_of_now(lambda: self._database.read(lambda c: c.all(ALIASES)))
            known = grouped(rows)
            if current:
                self._aliases = known
        return known

    async def _unclaimed(self, domain: Domain, base: Address) -> Recipient:
        if domain.policy is DomainPolicy.CATCH_ALL and domain.catch_all is not None:
            taker = Address.parse(domain.catch_all)
            claimed = await self._is_claimed(taker)
            return Recipient(RecipientKind.CLAIMED if claimed else RecipientKind.UNCLAIMED, str(taker))
        is_postmaster = base.local.casefold() == POSTMASTER
        if domain.policy is DomainPolicy.REJECT_UNKNOWN and not is_postmaster:
            return Recipient(RecipientKind.REFUSED, None)
        return Recipient(RecipientKind.UNCLAIMED, str(base))

    async def _hosted(self) -> dict[str, Domain]:
        known = self._domains
        if known is None:
            rows = await self._as_of_now(lambda: self._database.read(lambda c: c.all(DOMAINS)))
            known = {row[0]: as_domain(row) for row in rows[0]}
            if rows[1]:
                self._domains = known
        return known

    async def _is_claimed(self, address: Address) -> bool:
        known = self._claimed.get(address.key)
        if known is not None:
            return known
        row, current = await self._as_of_now(
            lambda: self._database.read(lambda c: c.one(_IS_CLAIMED, address=address.key))
        )
        claimed = row is not None and bool(row[0])
        if current:
            if len(self._claimed) >= REMEMBERED_ADDRESSES:
                del self._claimed[next(iter(self._claimed))]
            self._claimed[address.key] = claimed
        return claimed

    async def _as_of_now(self, read: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """What was read, and whether it may be remembered: not if the directory changed meanwhile."""
        generation = self._generation
        found = await read()
        return found, generation == self._generation

    def _forget(self) -> None:
        self._generation += 1
        self._domains = None
        self._aliases = None
        self._claimed.clear()


def as_domain(row: Row) -> Domain:
    """A row of DOMAINS."""
    return Domain(
        name=row[0],
        policy=DomainPolicy(row[1]),
        catch_all=row[2],
        created_at=as_datetime(row[3]),
        dmarc=DmarcPolicy(row[4]),
        greylists=bool(row[5]),
    )


def check_catch_all(policy: DomainPolicy, catch_all: Address | None) -> str | None:
    """The catch-all as stored. Raises InvalidName if the policy needs one and there is none."""
    if policy is DomainPolicy.CATCH_ALL and catch_all is None:
        raise InvalidName("A catch-all domain needs the address that takes its mail.")
    return None if catch_all is None else str(catch_all)
