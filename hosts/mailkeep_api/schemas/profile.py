"""A user as they see themselves."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from pydantic import Field

from mailkeep.auth.addresses import TYPED_LIMIT
from mailkeep.model.directory import AddressRecord, User
from mailkeep.model.proof import AddressProof
from mailkeep_api.schemas import Instant, Shape

DISPLAY_NAME_LIMIT = 500  # characters
WRITTEN_ADDRESS_LIMIT = 600  # characters, a display name included


class ProfileAddress(Shape):
    """An address besides the primary one. One that is not verified gives nothing: it waits for its code."""

    id: UUID
    address: str
    is_verified: bool
    added_at: Instant

    @classmethod
    def of(cls, found: AddressRecord | AddressProof) -> ProfileAddress:
        """One that is the user's, or that they have asked for."""
        return cls(
            id=found.id,
            address=found.address,
            is_verified=isinstance(found, AddressRecord),
            added_at=found.created_at,
        )


class Profile(Shape):
    """The user, their primary address as `email`, and the others."""

    id: UUID
    email: str
    display_name: str | None
    created_at: Instant
    last_login_at: Instant | None
    additional_addresses: list[ProfileAddress]

    @classmethod
    def of(cls, user: User, addresses: Iterable[AddressRecord], waiting: Iterable[AddressProof]) -> Profile:
        """The profile of a user with all their addresses, and those that they have asked for."""
        additional = [ProfileAddress.of(record) for record in addresses if not record.primary]
        return cls(
            id=user.id,
            email=user.primary_address,
            display_name=user.name or None,
            created_at=user.created_at,
            last_login_at=user.last_login_at,
            additional_addresses=[*additional, *(ProfileAddress.of(proof) for proof in waiting)],
        )


class ProfileChange(Shape):
    """What is absent or null stays; an empty name takes the name away."""

    display_name: str | None = Field(None, max_length=DISPLAY_NAME_LIMIT)


class NewAddress(Shape):
    """An address as people write it: `ann@example.org` or `Ann <ann@example.org>`."""

    address: str = Field(max_length=WRITTEN_ADDRESS_LIMIT)


class Code(Shape):
    """What was mailed to the address, in any case, with or without the dash."""

    code: str = Field(max_length=TYPED_LIMIT, repr=False)
