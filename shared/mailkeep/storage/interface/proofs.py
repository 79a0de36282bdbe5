"""Addresses that users say they have, until a mailed code comes back. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord
from mailkeep.model.proof import AddressProof, ProofLimits


class Proofs(Protocol):
    """Codes are kept as digests alone. An address that comes to belong to somebody ends all proofs of it."""

    async def begin(
        self, user_id: UUID, address: Address, digest: bytes, limits: ProofLimits
    ) -> AddressProof:
        """Count a mail to the address and keep its code's digest in place of any former one.

        Raises NotFound for a user who is not there, AlreadyExists if the address is somebody's, Throttled
        past a limit: then nothing may be mailed.
        """

    async def of_user(self, user_id: UUID) -> Sequence[AddressProof]:
        """What the user has asked for and not proven, by address."""

    async def finish(
        self, user_id: UUID, proof_id: UUID, digest: bytes, limits: ProofLimits
    ) -> AddressRecord | None:
        """Count an attempt; if it is the right code, in time, the address is the user's, with the mail that
        waits for it, in the same transaction. None if it is not.

        Raises NotFound if the user has no such proof, AlreadyExists if the address is somebody's by now.
        """

    async def withdraw(self, user_id: UUID, proof_id: UUID) -> None:
        """The user does not want it any more; its mails still count. Raises NotFound."""
