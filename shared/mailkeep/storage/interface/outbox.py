"""Notifications that the API has not acknowledged. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.model.message import NO_ORIGIN, Origin


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A notification that the API has not acknowledged. `id` is unique for ever: the receiver drops
    one that it has seen."""

    id: UUID
    user_id: UUID
    email_id: UUID
    created_at: datetime
    from_address: str
    from_name: str
    subject: str
    has_attachments: bool
    origin: Origin = NO_ORIGIN


class Outbox(Protocol):
    """Notifications wait here from their message's commit until the API acknowledges them."""

    async def claim(
        self, limit: int, lease_seconds: float, waited_seconds: float = 0.0
    ) -> Sequence[OutboxItem]:
        """Take up to `limit` of the oldest free ones that have waited so long; nobody else gets them until
        the lease ends."""

    async def count(self) -> int:
        """How many wait."""

    async def finish(self, ids: Sequence[UUID]) -> None:
        """Acknowledged: remove them."""

    async def release(self, ids: Sequence[UUID]) -> None:
        """Not delivered: free them at once."""
