"""Push subscriptions of browsers. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

SUBSCRIPTIONS_LIMIT = 20  # of one user: the one that was made first gives way


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """Where a browser's push service takes messages, and the keys that only the browser can undo."""

    id: UUID
    user_id: UUID
    endpoint: str = field(repr=False)  # who knows it may send
    p256dh: str
    auth: str = field(repr=False)
    created_at: datetime
    last_used_at: datetime | None


class PushSubscriptions(Protocol):
    """By user and endpoint."""

    async def add(
        self, user_id: UUID, endpoint: str, p256dh: str, auth: str
    ) -> tuple[PushSubscription, bool]:
        """(the subscription, whether it is new). A known endpoint gets the keys anew."""

    async def remove(self, user_id: UUID, subscription_id: UUID) -> None:
        """Raises NotFound, also for what is another's."""

    async def forget(self, subscription_ids: Collection[UUID]) -> None:
        """The push service knows them no more."""

    async def touch(self, subscription_ids: Collection[UUID]) -> None:
        """They were used just now."""

    async def of_user(self, user_id: UUID) -> Sequence[PushSubscription]:
        """A user's, none if they are disabled."""

    async def claim(self, news_id: UUID) -> bool:
        """True for the one who may push this news: the first, of all processes, who asks."""

    async def forget_claims(self, older_than_seconds: float) -> None:
        """Their news comes no more."""

    async def users(self) -> Collection[UUID]:
        """Who has any."""
