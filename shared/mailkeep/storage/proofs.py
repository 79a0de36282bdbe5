"""Proofs of addresses: see interface.Proofs. What counts against limits stays for a day, withdrawn or not."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from mailkeep.errors import AlreadyExists, NotFound, Throttled
from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord
from mailkeep.model.proof import AddressProof, ProofLimits
from mailkeep.storage import accounts, claiming, directory
from mailkeep.storage.database import Database, Row, Transaction
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_uuid, new_uuid, now

DAY = timedelta(days=1) // timedelta(microseconds=1)

# Whoever asks for a user holds this row: limits are counted by one at a time.
_HOLD_USER = Query(
    'SELECT 1 FROM "user" WHERE id = :user_id FOR UPDATE', sqlite='SELECT 1 FROM "user" WHERE id = :user_id'
)
_FORGET = Query(
    "DELETE FROM address_proof WHERE user_id = :user_id AND NOT is_open AND counted_since <= :yesterday"
)
_MAILS_FOR_USER = Query(
    "SELECT coalesce(sum(mails), 0) FROM address_proof"
    " WHERE user_id = :user_id AND counted_since > :yesterday"
)
_MAILS_TO_ADDRESS = Query(
    "SELECT coalesce(sum(mails), 0) FROM address_proof"
    " WHERE address = :address AND counted_since > :yesterday"
)
_OPEN_FOR_USER = Query(
    "SELECT count(*) FROM address_proof WHERE user_id = :user_id AND is_open AND address <> :address"
)
_BEGIN = Query(
    "INSERT INTO address_proof AS p (id, user_id, address, digest, attempts, mails, counted_since,"
    " created_at, expires_at, is_open)"
    " VALUES (:id, :user_id, :address, :digest, 0, 1, :at, :at, :expires_at, true)"
    " ON CONFLICT (user_id, address) DO UPDATE SET digest = excluded.digest, attempts = 0,"
    " mails = CASE WHEN p.counted_since > :yesterday THEN p.mails + 1 ELSE 1 END,"
    " counted_since = CASE WHEN p.counted_since > :yesterday THEN p.counted_since ELSE excluded.counted_since"
    " END, created_at = CASE WHEN p.is_open THEN p.created_at ELSE excluded.created_at END,"
    " expires_at = excluded.expires_at, is_open = true"
    " RETURNING id, user_id, address, created_at, expires_at"
)
_OF_USER = Query(
    "SELECT id, user_id, address, created_at, expires_at FROM address_proof"
    " WHERE user_id = :user_id AND is_open ORDER BY address"
)
_ATTEMPT = Query(
    "UPDATE address_proof SET attempts = attempts + 1 WHERE id = :id AND user_id = :user_id AND is_open"
    " RETURNING address, digest, attempts, expires_at"
)
_WITHDRAW = Query(
    "UPDATE address_proof SET is_open = false WHERE id = :id AND user_id = :user_id AND is_open"
)


class StoredProofs:
    """See interface.Proofs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, user_id: UUID, address: Address, digest: bytes, limits: ProofLimits
    ) -> AddressProof:
        """See interface.Proofs."""

        async def work(transaction: Transaction) -> AddressProof:
            if not await transaction.one(_HOLD_USER, user_id=user_id):
                raise NotFound("There is no such user.")
            owner = (await accounts.resolve(transaction, [address.key])).get(address.key)
            if owner is not None and owner.user_id is not None:
                raise AlreadyExists(f"The address {address} belongs to a user already.")
            at = now()
            await _check_limits(transaction, user_id, address, limits, at - DAY)
            row = await transaction.one(
                _BEGIN,
                id=new_uuid(),
                user_id=user_id,
                address=address.key,
                digest=digest,
                at=at,
                yesterday=at - DAY,
                expires_at=at + limits.lifetime // timedelta(microseconds=1),
            )
            assert row is not None
            return _proof(row)

        return await self._database.write(work)

    async def of_user(self, user_id: UUID) -> Sequence[AddressProof]:
        """See interface.Proofs."""
        rows = await self._database.read(lambda connection: connection.all(_OF_USER, user_id=user_id))
        return [_proof(row) for row in rows]

    async def finish(
        self, user_id: UUID, proof_id: UUID, digest: bytes, limits: ProofLimits
    ) -> AddressRecord | None:
        """See interface.Proofs."""

        async def work(transaction: Transaction) -> AddressRecord | None:
            row = await transaction.one(_ATTEMPT, id=proof_id, user_id=user_id)
            if row is None:
                raise NotFound("There is no such address.")
            address, expected, attempts, expires_at = row
            if attempts > limits.attempts or expires_at <= now() or not hmac.compare_digest(expected, digest):
                return None  # and the attempt is committed
            user = await directory.user_in(transaction, user_id)
            await claiming.join(transaction, Address.parse(address), user)
            return await directory.address_in(transaction, address)

        return await self._database.write(work)

    async def withdraw(self, user_id: UUID, proof_id: UUID) -> None:
        """See interface.Proofs."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_WITHDRAW, id=proof_id, user_id=user_id):
                raise NotFound("There is no such address.")

        await self._database.write(work)


async def _check_limits(
    transaction: Transaction, user_id: UUID, address: Address, limits: ProofLimits, yesterday: int
) -> None:
    await transaction.run(_FORGET, user_id=user_id, yesterday=yesterday)
    counts = (
        (_MAILS_FOR_USER, {"user_id": user_id, "yesterday": yesterday}, limits.mails_for_user),
        (_MAILS_TO_ADDRESS, {"address": address.key, "yesterday": yesterday}, limits.mails_to_address),
        (_OPEN_FOR_USER, {"user_id": user_id, "address": address.key}, limits.open_for_user),
    )
    for query, parameters, limit in counts:
        row = await transaction.one(query, **parameters)
        assert row is not None
        if row[0] >= limit:
            raise Throttled("Too many codes were mailed; try again tomorrow.")


def _proof(row: Row) -> AddressProof:
    return AddressProof(as_uuid(row[0]), as_uuid(row[1]), row[2], as_datetime(row[3]), as_datetime(row[4]))
