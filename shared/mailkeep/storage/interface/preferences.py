"""What users prefer. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.model.preferences import Preferences


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A user whose digest is due, with the account of their mail and their primary address. `due_at` is None
    if what they want changed since it was settled when the next one is due: at `changed_at`."""

    user_id: UUID
    account_id: int
    address: str
    frequency: str
    time_of_day: str
    due_at: datetime | None
    changed_at: datetime


class PreferenceStore(Protocol):
    """One row a user, made by the first change."""

    async def get(self, user_id: UUID) -> Preferences:
        """The user's, or the defaults with the zero id."""

    async def change(self, user_id: UUID, **changes: str | int | bool) -> Preferences:
        """Set some of the fields by their names and leave the others. Whoever changes others at the same
        time loses nothing. Raises NotFound if there is no such user."""

    async def due_digests(self, at: datetime, limit: int) -> Sequence[DueDigest]:
        """Digests that are due by then, or of which nobody knows when they are, of users who may sign in."""

    async def claim_digest(self, user_id: UUID, due_at: datetime | None, following: datetime) -> bool:
        """Settle when the digest after this one is due. False if somebody was faster, or the user changed
        their mind; the digest is not the caller's to send then."""
