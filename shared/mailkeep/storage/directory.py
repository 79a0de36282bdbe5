"""Domains, users and addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from mailkeep.errors import AlreadyExists, InUse, NotFound
from mailkeep.model.address import Address, normal_domain
from mailkeep.model.directory import (
    LOCAL_ISSUER,
    AddressRecord,
    DmarcPolicy,
    Domain,
    DomainPolicy,
    Recipient,
    User,
)
from mailkeep.storage import accounts, claiming
from mailkeep.storage.database import Connection, Database, Row, Transaction, changed
from mailkeep.storage.failures import Rejected
from mailkeep.storage.interface import TopicKind
from mailkeep.storage.query import Query
from mailkeep.storage.recipients import DOMAIN, DOMAINS, Recipients, as_domain, check_catch_all
from mailkeep.storage.values import (
    as_datetime,
    as_datetime_or_none,
    as_uuid,
    as_uuid_or_none,
    clean,
    moment,
    new_uuid,
    now,
)

_ADD_DOMAIN = Query(
    "INSERT INTO domain (name, policy, catch_all, created_at)"
    " VALUES (:name, :policy, :catch_all, :created_at) ON CONFLICT (name) DO NOTHING"
)
_SET_RECEPTION = Query("UPDATE domain SET dmarc = :dmarc, greylists = :greylists WHERE name = :name")
_REMOVE_DOMAIN = Query("DELETE FROM domain WHERE name = :name")
_HAS_DOMAIN = Query("SELECT 1 FROM domain WHERE name = :name")
_CLAIMED_IN_DOMAIN = Query(
    "SELECT 1 FROM address JOIN account ON account.id = address.account_id"
    " WHERE address.domain = :name AND account.user_id IS NOT NULL LIMIT 1"
)
_ADD_USER = Query(
    'INSERT INTO "user" (id, issuer, subject, name, disabled, created_at)'
    " VALUES (:id, :issuer, :subject, :name, false, :created_at) ON CONFLICT (issuer, subject) DO NOTHING"
)
_ADOPT = Query(
    'UPDATE "user" SET issuer = :issuer, subject = :subject WHERE id = :id AND issuer = :local_issuer'
)
USER_COLUMNS = (
    "u.id, account.id, u.issuer, u.subject, u.name, address.address, u.disabled, u.created_at,"
    " u.last_login_at, u.sign_ins_from"
)
"""Of `user u` and its account and primary address: a row for `user_of`."""

_USERS = (
    f'SELECT {USER_COLUMNS} FROM "user" u JOIN account ON account.user_id = u.id'
    " JOIN address ON address.account_id = account.id AND address.is_primary"
)
_ALL_USERS = Query(f"{_USERS} ORDER BY address.address")
_USER_BY_ID = Query(f"{_USERS} WHERE u.id = :id")
_USER_BY_SUBJECT = Query(f"{_USERS} WHERE u.issuer = :issuer AND u.subject = :subject")
_USER_BY_ADDRESS = Query(
    f"{_USERS} WHERE account.id = (SELECT account_id FROM address WHERE address = :address)"
)
_SET_NAME = Query('UPDATE "user" SET name = :name WHERE id = :id')
_SET_DISABLED = Query('UPDATE "user" SET disabled = :disabled WHERE id = :id')
_END_SIGN_INS = Query('UPDATE "user" SET sign_ins_from = :at WHERE id = :id')
_TOUCH_LOGIN = Query(
    'UPDATE "user" SET last_login_at = :at WHERE id = :id AND (last_login_at IS NULL OR last_login_at < :at)'
)
_ADDRESSES = (
    "SELECT a.id, a.address, a.account_id, account.user_id, a.is_primary,"
    " account.user_id IS NOT NULL, a.created_at FROM address a JOIN account ON account.id = a.account_id"
)
_ALL_ADDRESSES = Query(f"{_ADDRESSES} ORDER BY a.address")
_ADDRESSES_OF = Query(f"{_ADDRESSES} WHERE account.user_id = :user_id ORDER BY a.address")
_ADDRESS = Query(f"{_ADDRESSES} WHERE a.address = :address")
_REMOVE_ADDRESS = Query("DELETE FROM address WHERE id = :id")


class StoredDirectory:
    """See interface.Directory."""

    def __init__(self, database: Database, recipients: Recipients) -> None:
        self._database = database
        self._recipients = recipients

    # --- domains --------------------------------------------------------------------------------

    async def add_domain(
        self, name: str, policy: DomainPolicy = DomainPolicy.STORE_UNLINKED, catch_all: Address | None = None
    ) -> Domain:
        """See interface.Directory."""
        domain, taker, created_at = normal_domain(name), check_catch_all(policy, catch_all), now()

        async def work(transaction: Transaction) -> None:
            added = await transaction.run(
                _ADD_DOMAIN, name=domain, policy=policy.value, catch_all=taker, created_at=created_at
            )
            if not added:
                raise AlreadyExists(f"The domain {domain} is hosted already.")
            changed(transaction, TopicKind.DIRECTORY)

        await self._database.write(work)
        return Domain(domain, policy, taker, as_datetime(created_at))

    async def remove_domain(self, name: str) -> None:
        """See interface.Directory."""
        domain = normal_domain(name)

        async def work(transaction: Transaction) -> None:
            if await transaction.one(_CLAIMED_IN_DOMAIN, name=domain):
                raise InUse(f"Users have addresses in {domain}; take those away first.")
            if not await transaction.run(_REMOVE_DOMAIN, name=domain):
                raise NotFound(f"The domain {domain} is not hosted here.")
            changed(transaction, TopicKind.DIRECTORY)

        await self._database.write(work)

    async def set_reception(
        self, name: str, dmarc: DmarcPolicy | None = None, greylists: bool | None = None
    ) -> Domain:
        """See interface.Directory."""
        domain = normal_domain(name)

        async def work(transaction: Transaction) -> Domain:
            row = await transaction.one(DOMAIN, name=domain)
            if row is None:
                raise NotFound(f"The domain {domain} is not hosted here.")
            found = as_domain(row)
            changed_to = replace(
                found,
                dmarc=found.dmarc if dmarc is None else dmarc,
                greylists=found.greylists if greylists is None else greylists,
            )
            await transaction.run(
                _SET_RECEPTION, name=domain, dmarc=changed_to.dmarc.value, greylists=changed_to.greylists
            )
            changed(transaction, TopicKind.DIRECTORY)
            return changed_to

        return await self._database.write(work)

    async def domains(self) -> Sequence[Domain]:
        """See interface.Directory."""
        rows = await self._database.read(lambda connection: connection.all(DOMAINS))
        return [as_domain(row) for row in rows]

    async def domain(self, name: str) -> Domain | None:
        """See interface.Directory."""
        return await self._recipients.domain(name)

    async def recipient(self, address: Address) -> Recipient:
        """See interface.Directory."""
        return await self._recipients.recipient(address)

    # --- users ----------------------------------------------------------------------------------

    async def add_user(self, address: Address, name: str = "", issuer: str = "", subject: str = "") -> User:
        """See interface.Directory."""
        user_id = new_uuid()
        known_as = {"issuer": issuer or LOCAL_ISSUER, "subject": clean(subject) or address.key}

        async def work(transaction: Transaction) -> User:
            await _require_domain(transaction, address)
            added = await transaction.run(
                _ADD_USER, id=user_id, name=clean(name), created_at=now(), **known_as
            )
            if not added:
                raise AlreadyExists(_taken(address, issuer))
            await claiming.claim(transaction, address, user_id)
            changed(transaction, TopicKind.USER, user_id)
            row = await transaction.one(_USER_BY_ID, id=user_id)
            assert row is not None
            return user_of(row)

        return await self._database.write(work)

    async def adopt_subject(self, user_id: UUID, issuer: str, subject: str) -> User:
        """See interface.Directory."""
        known_as = {"issuer": issuer, "subject": clean(subject)}

        async def work(transaction: Transaction) -> User:
            if not await transaction.run(_ADOPT, id=user_id, local_issuer=LOCAL_ISSUER, **known_as):
                raise NotFound("There is no such user whom no issuer knows.")
            changed(transaction, TopicKind.USER, user_id)
            row = await transaction.one(_USER_BY_ID, id=user_id)
            assert row is not None
            return user_of(row)

        try:
            return await self._database.write(work)
        except Rejected:  # the unique index: others may take the subject while this transaction runs
            raise AlreadyExists("The issuer's subject has a user already.") from None

    async def users(self) -> Sequence[User]:
        """See interface.Directory."""
        return [
            user_of(row) for row in await self._database.read(lambda connection: connection.all(_ALL_USERS))
        ]

    async def user(self, user_id: UUID) -> User | None:
        """See interface.Directory."""
        return await self._user(_USER_BY_ID, id=user_id)

    async def user_by_address(self, address: Address) -> User | None:
        """See interface.Directory."""
        return await self._user(_USER_BY_ADDRESS, address=address.key)

    async def user_by_subject(self, issuer: str, subject: str) -> User | None:
        """See interface.Directory."""
        return await self._user(_USER_BY_SUBJECT, issuer=issuer, subject=clean(subject))

    async def set_name(self, user_id: UUID, name: str) -> None:
        """See interface.Directory."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_SET_NAME, id=user_id, name=clean(name)):
                raise NotFound("There is no such user.")
            changed(transaction, TopicKind.USER, user_id)

        await self._database.write(work)

    async def set_disabled(self, user_id: UUID, disabled: bool) -> None:
        """See interface.Directory."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_SET_DISABLED, id=user_id, disabled=disabled):
                raise NotFound("There is no such user.")
            changed(transaction, TopicKind.USER, user_id)

        await self._database.write(work)

    async def end_sign_ins(self, user_id: UUID) -> None:
        """See interface.Directory."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_END_SIGN_INS, id=user_id, at=now()):
                raise NotFound("There is no such user.")
            changed(transaction, TopicKind.USER, user_id)

        await self._database.write(work)

    async def touch_logins(self, seen: Sequence[tuple[UUID, datetime]]) -> None:
        """See interface.Directory."""
        rows = [{"id": user_id, "at": moment(at)} for user_id, at in sorted(seen)]
        await self._database.write(lambda transaction: transaction.many(_TOUCH_LOGIN, rows))

    async def _user(self, query: Query, **parameters: object) -> User | None:
        row = await self._database.read(lambda connection: connection.one(query, **parameters))
        return None if row is None else user_of(row)

    # --- addresses ------------------------------------------------------------------------------

    async def add_address(self, user_id: UUID, address: Address) -> AddressRecord:
        """See interface.Directory."""

        async def work(transaction: Transaction) -> AddressRecord:
            user = await user_in(transaction, user_id)
            await _require_domain(transaction, address)
            await claiming.join(transaction, address, user)
            return await address_in(transaction, address.key)

        return await self._database.write(work)

    async def remove_address(self, address: Address) -> None:
        """See interface.Directory."""

        async def work(transaction: Transaction) -> None:
            row = await transaction.one(_ADDRESS, address=address.key)
            record = None if row is None else _address(row)
            if record is None or record.user_id is None:
                raise NotFound("No user has that address.")
            if record.primary:
                raise InUse("A user's primary address cannot be taken away.")
            await transaction.run(_REMOVE_ADDRESS, id=record.id)
            changed(transaction, TopicKind.DIRECTORY)
            changed(transaction, TopicKind.USER, record.user_id)

        await self._database.write(work)

    async def addresses(self, user_id: UUID | None = None) -> Sequence[AddressRecord]:
        """See interface.Directory."""

        async def work(connection: Connection) -> Sequence[Row]:
            if user_id is None:
                return await connection.all(_ALL_ADDRESSES)
            return await connection.all(_ADDRESSES_OF, user_id=user_id)

        return [_address(row) for row in await self._database.read(work)]

    async def owns(self, user_id: UUID, address: Address) -> bool:
        """See interface.Directory."""
        candidates = {address.key, address.without_tag().key}
        owners = await self._database.read(lambda connection: accounts.resolve(connection, candidates))
        return any(owner.user_id == user_id for owner in owners.values())


async def user_in(transaction: Transaction, user_id: UUID) -> User:
    """One user, within a transaction. Raises NotFound."""
    row = await transaction.one(_USER_BY_ID, id=user_id)
    if row is None:
        raise NotFound("There is no such user.")
    return user_of(row)


async def address_in(transaction: Transaction, address: str) -> AddressRecord:
    """What the transaction knows of an address in its stored form. Raises NotFound."""
    row = await transaction.one(_ADDRESS, address=address)
    if row is None:
        raise NotFound("There is no such address.")
    return _address(row)


async def _require_domain(transaction: Transaction, address: Address) -> None:
    if not await transaction.one(_HAS_DOMAIN, name=address.domain):
        raise NotFound(f"The domain {address.domain} is not hosted here.")


def _taken(address: Address, issuer: str) -> str:
    """A local user's subject is the address itself."""
    return (
        "The issuer's subject has a user already." if issuer else f"The address {address} has a user already."
    )


def user_of(row: Row) -> User:
    """A user out of USER_COLUMNS."""
    return User(
        id=as_uuid(row[0]),
        account_id=row[1],
        issuer=row[2],
        subject=row[3],
        name=row[4],
        primary_address=row[5],
        disabled=bool(row[6]),
        created_at=as_datetime(row[7]),
        last_login_at=as_datetime_or_none(row[8]),
        sign_ins_from=as_datetime_or_none(row[9]),
    )


def _address(row: Row) -> AddressRecord:
    return AddressRecord(
        id=as_uuid(row[0]),
        address=row[1],
        account_id=row[2],
        user_id=as_uuid_or_none(row[3]),
        primary=bool(row[4]),
        verified=bool(row[5]),
        created_at=as_datetime(row[6]),
    )
