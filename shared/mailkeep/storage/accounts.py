"""Accounts: who is behind an address at this moment, and making what is not there yet.

Used inside transactions by deliveries and by the directory, so that both agree on what an account is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.mailbox import DEFAULT_MAILBOXES, SpecialUse
from mailkeep.storage import tables
from mailkeep.storage.database import Connection
from mailkeep.storage.query import BulkInsert, Expected, Query
from mailkeep.storage.values import as_uuid_or_none, new_uuid, now


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose mail an address takes."""

    account_id: int
    user_id: UUID | None
    has_filters: bool = False


_OWNERS = (
    "SELECT address.address, account.id, account.user_id, account.has_filters FROM address"
    " JOIN account ON account.id = address.account_id WHERE address.address"
)
_RESOLVE = Query(
    f"{_OWNERS} = ANY(:addresses)", sqlite=f"{_OWNERS} IN (SELECT value FROM json_each(:addresses))"
)
# Shared, so that no address goes to another account before the commit.
EXPECTED_OWNERS = Expected(
    f"{_OWNERS} {{keys}} ORDER BY address.address FOR SHARE OF address",
    among="= ANY({array})",
    address="text",
    account_id="bigint",
    user_id="uuid",
    has_filters="boolean",
)
_ADD_ACCOUNT = Query(
    "INSERT INTO account (user_id, uidvalidity, created_at) VALUES (:user_id, :uidvalidity, :created_at)"
    " RETURNING id"
)
_DROP_ACCOUNT = Query("DELETE FROM account WHERE id = :id")
_ADD_ADDRESS = Query(
    "INSERT INTO address (id, address, domain, account_id, is_primary, created_at)"
    " VALUES (:id, :address, :domain, :account_id, :is_primary, :created_at) ON CONFLICT (address) DO NOTHING"
)
_ADD_MAILBOXES = BulkInsert(
    tables.mailbox,
    *(column.name for column in tables.mailbox.columns if column.name != "id"),
)
_ADD_SUBSCRIPTIONS = BulkInsert(tables.subscription, conflict="DO NOTHING")
_TAKE_UIDVALIDITY = Query(
    "UPDATE account SET uidvalidity = greatest(uidvalidity, :now) + :count WHERE id = :id"
    " RETURNING uidvalidity",
    sqlite="UPDATE account SET uidvalidity = max(uidvalidity, :now) + :count WHERE id = :id"
    " RETURNING uidvalidity",
)


async def resolve(connection: Connection, addresses: Collection[str]) -> dict[str, Owner]:
    """The owners of those addresses (in their stored form) that have an account."""
    if not addresses:
        return {}
    rows = await connection.all(_RESOLVE, addresses=list(addresses))
    return {row[0]: Owner(row[1], as_uuid_or_none(row[2]), bool(row[3])) for row in rows}


async def create(
    connection: Connection, address: Address, user_id: UUID | None = None, *, primary: bool = False
) -> int | None:
    """An account with the default mailboxes for an address that nobody had; its id.

    None if another process was faster: then nothing was made.
    """
    created_at = now()
    row = await connection.one(
        _ADD_ACCOUNT, user_id=user_id, uidvalidity=created_at // 1_000_000, created_at=created_at
    )
    assert row is not None
    account_id: int = row[0]
    if not await add_address(connection, address, account_id, primary=primary):
        await connection.run(_DROP_ACCOUNT, id=account_id)
        return None
    names = [name for name, _ in DEFAULT_MAILBOXES]
    await add_mailboxes(connection, account_id, DEFAULT_MAILBOXES, subscribed=names)
    return account_id


async def add_address(connection: Connection, address: Address, account_id: int, *, primary: bool) -> bool:
    """Point an address to an account. False if it is taken."""
    added = await connection.run(
        _ADD_ADDRESS,
        id=new_uuid(),
        address=address.key,
        domain=address.domain,
        account_id=account_id,
        is_primary=primary,
        created_at=now(),
    )
    return added == 1


async def add_mailboxes(
    connection: Connection,
    account_id: int,
    mailboxes: Iterable[tuple[str, SpecialUse | None]],
    subscribed: Iterable[str] = (),
) -> None:
    """Make empty mailboxes whose names are free, with UIDVALIDITYs that none ever had. A client that
    creates one subscribes it itself, if its user wants that (RFC 9051 section 6.3.7)."""
    wanted = list(mailboxes)
    first = await _take_uidvalidities(connection, account_id, len(wanted))
    rows = [
        # account, name, object id, use, selectable, UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, counters
        (account_id, name, str(new_uuid()), use and use.value, True, first + place, 1, 1, 0, 0, 0, 0)
        for place, (name, use) in enumerate(wanted)
    ]
    subscriptions = [(account_id, name) for name in subscribed]
    await connection.insert((_ADD_MAILBOXES, rows), (_ADD_SUBSCRIPTIONS, subscriptions))


async def _take_uidvalidities(connection: Connection, account_id: int, count: int) -> int:
    """The first of `count` numbers above all that mailboxes of the account ever had."""
    row = await connection.one(_TAKE_UIDVALIDITY, id=account_id, now=now() // 1_000_000, count=count)
    assert row is not None
    return int(row[0]) - count + 1
