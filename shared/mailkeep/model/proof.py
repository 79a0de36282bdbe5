"""The proof that an address is a user's: a code that was mailed there and comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AddressProof:
    """A user says that they have an address and has not proven it yet. Nothing follows from it."""

    id: UUID
    user_id: UUID
    address: str
    created_at: datetime
    expires_at: datetime  # of the code that was mailed last


@dataclass(frozen=True, slots=True)
class ProofLimits:
    """What one may try. Mails are counted over a day: to a stranger's address nobody shall send many."""

    attempts: int = 5  # at one code
    mails_to_address: int = 3  # whoever asks for them
    mails_for_user: int = 10
    open_for_user: int = 20
    lifetime: timedelta = field(default=timedelta(hours=24))
