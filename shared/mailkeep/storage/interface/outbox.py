"""Notifications that the API has not acknowledged. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """What one commit has to tell, 100 notifications at most: told, finished and released together."""

    id: UUID
    items: tuple[OutboxItem, ...]


class Outbox(Protocol):
    """Notifications wait here, by pages, from their message's commit until the API acknowledges them."""

    async def claim(
        self, limit: int, lease_seconds: float, waited_seconds: float = 0.0
    ) -> Sequence[OutboxPage]:
        """Take up to `limit` of the oldest free pages that have waited so long; nobody else gets them until
        the lease ends."""

    def hold(self, lease_seconds: float, came: Callable[[], None]) -> None:
        """From now on, what this process commits is leased to itself, for `take`; `came` is called when there
        is some. When it dies, others get it at the end of the lease."""

    def take(self, limit: int) -> Sequence[OutboxPage]:
        """Up to `limit` of the oldest pages that are held. It asks no database."""

    async def let_go(self) -> None:
        """Have no more leased to this process, and free what is held."""

    async def count(self) -> int:
        """How many wait."""

    async def finish(self, ids: Sequence[UUID]) -> None:
        """These pages are acknowledged: remove them."""

    async def release(self, ids: Sequence[UUID]) -> None:
        """These pages are not delivered: free them at once."""
