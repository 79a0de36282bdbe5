"""A user's further addresses, each proven by a code that was mailed there and comes back.

Writing an address into a profile gives nobody anything: no mail, no right to send, no name to log in with.
Only the code does, and it goes where mail for the address goes. A code has 50 random bits, is kept as its
digest alone, is good for a day and five attempts, and no more than a few go to one address or for one user in
a day, so that nobody is mailed at by strangers. Sending is somebody else's business, behind `CodeCourier`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.errors import CodeRefused, InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import AddressRecord
from mailkeep.model.proof import AddressProof, ProofLimits
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: no I, L, O, U
CODE_LENGTH = 10
TYPED_LIMIT = 64  # characters of what comes back, with all that people put between
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CodeLetter:
    """What is to be mailed: to whom, which code, until when it is good, and the address of who asks."""

    to: Address
    code: str = field(repr=False)
    expires_at: datetime
    asked_by: str


class CodeCourier(Protocol):
    """Mails codes."""

    async def check(self, address: Address) -> None:
        """Raises RelayDenied or RecipientRefused if no mail can go there."""

    async def send(self, letter: CodeLetter) -> None:
        """Returns when the letter is in a mailbox or a queue, durably. Raises StoreUnavailable."""


class AddressProofs:
    """Holds no state; one may live as long as the store."""

    def __init__(self, store: Store, courier: CodeCourier, limits: ProofLimits | None = None) -> None:
        self._store = store
        self._courier = courier
        self._limits = limits or ProofLimits()

    async def ask(self, user_id: UUID, address: Address) -> AddressProof:
        """Mail a code to the address; asking again mails another, and the former is good no more.

        Raises AlreadyExists if the address is somebody's, RelayDenied or RecipientRefused if no mail can go
        there, Throttled after too many, NotFound for a user who is not there, StoreUnavailable.
        """
        user = await self._store.directory.user(user_id)
        if user is None:
            raise NotFound("There is no such user.")
        await self._courier.check(address)
        code = new_code()
        proof = await self._store.proofs.begin(user_id, address, digest_of(code), self._limits)
        await self._courier.send(CodeLetter(address, code, proof.expires_at, user.primary_address))
        log.info("a code was mailed to prove an address", user_id=str(user_id), proof_id=str(proof.id))
        return proof

    async def prove(self, user_id: UUID, proof_id: UUID, code: str) -> AddressRecord:
        """The address is the user's, with the mail that waits for it.

        Raises CodeRefused, NotFound if the user has not asked for it, AlreadyExists if somebody else was
        faster, StoreUnavailable.
        """
        if len(code) > TYPED_LIMIT:
            raise CodeRefused("That is not the code.")
        found = await self._store.proofs.finish(user_id, proof_id, digest_of(code), self._limits)
        if found is None:
            raise CodeRefused("The code is wrong, too old, or was tried too often; ask for another one.")
        log.info("a user has proven an address", user_id=str(user_id), proof_id=str(proof_id))
        return found

    async def waiting(self, user_id: UUID) -> Sequence[AddressProof]:
        """What the user has asked for and not proven, by address."""
        return await self._store.proofs.of_user(user_id)

    async def withdraw(self, user_id: UUID, proof_id: UUID) -> None:
        """The user does not want the address any more. Raises NotFound."""
        await self._store.proofs.withdraw(user_id, proof_id)


def new_code() -> str:
    """A code as it is mailed: two groups of five."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return f"{drawn[:5]}-{drawn[5:]}"


def digest_of(code: str) -> bytes:
    """What is kept of a code, however it was typed."""
    return hashlib.sha256(code.upper().translate(_READ_AS).encode("utf-8", "replace")).digest()


def wanted_address(text: str) -> Address:
    """An address as people write it, a display name before it allowed. Raises InvalidName."""
    text = text.strip()
    if text.endswith(">"):
        text = text[:-1].rpartition("<")[2]
    if not text:
        raise InvalidName("An address has the form name@domain.")
    return Address.parse(text.strip())
