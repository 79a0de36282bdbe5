"""A user as they see themselves."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from mailkeep.model.directory import AddressRecord, User
from mailkeep_api.schemas import Instant, Shape

DISPLAY_NAME_LIMIT = 500  # characters


class ProfileAddress(Shape):
    """An address besides the primary one. One that is not verified gets no mail yet."""

    id: UUID
    address: str
    is_verified: bool
    added_at: Instant


class Profile(Shape):
    """The user, their primary address as `email`, and the others."""

    id: UUID
    email: str
    display_name: str | None
    created_at: Instant
    last_login_at: Instant | None
    additional_addresses: list[ProfileAddress]

    @classmethod
    def of(cls, user: User, addresses: list[AddressRecord]) -> Profile:
        """The profile of a user with all their addresses."""
        return cls(
            id=user.id,
            email=user.primary_address,
            display_name=user.name or None,
            created_at=user.created_at,
            last_login_at=user.last_login_at,
            additional_addresses=[
                ProfileAddress(
                    id=record.id,
                    address=record.address,
                    is_verified=record.verified,
                    added_at=record.created_at,
                )
                for record in addresses
                if not record.primary
            ],
        )


class ProfileChange(Shape):
    """What is absent or null stays; an empty name takes the name away."""

    display_name: str | None = Field(None, max_length=DISPLAY_NAME_LIMIT)
