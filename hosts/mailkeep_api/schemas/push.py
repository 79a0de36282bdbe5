"""Push subscriptions on the wire."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from mailkeep.storage.interface import PushSubscription
from mailkeep_api.pushing.endpoints import ENDPOINT_LIMIT, KEY_LIMIT
from mailkeep_api.schemas import Instant, Shape


class NewSubscription(Shape):
    """What a browser's PushManager gives, its keys in base64url."""

    endpoint: str = Field(min_length=1, max_length=ENDPOINT_LIMIT, repr=False)
    p256dh_key: str = Field(alias="p256dhKey", min_length=1, max_length=KEY_LIMIT)
    auth_key: str = Field(min_length=1, max_length=KEY_LIMIT, repr=False)


class ShownSubscription(Shape):
    """One browser of the caller's."""

    id: UUID
    endpoint: str = Field(repr=False)
    created_at: Instant
    last_used_at: Instant | None

    @classmethod
    def of(cls, one: PushSubscription) -> ShownSubscription:
        """A stored one."""
        return cls(id=one.id, endpoint=one.endpoint, created_at=one.created_at, last_used_at=one.last_used_at)


class PublicKey(Shape):
    """What a browser subscribes with."""

    public_key: str
