"""The key table. Import rule: mailkeep.auth is its only reader. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from mailkeep.model.directory import User
from mailkeep.model.scope import Scope


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key as kept: never the secret. Read by mailkeep.auth alone."""

    id: UUID
    user_id: UUID | None
    name: str
    prefix: str
    hash: bytes = field(repr=False)
    scopes: frozenset[Scope] = frozenset()
    networks: tuple[str, ...] = ()
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyHash(NamedTuple):
    """What a secret is compared with. No more of a key is read before it was right: decoding the rest would
    tell by its time that there is a key of that prefix."""

    id: UUID
    user_id: UUID | None
    hash: bytes


class Keys(Protocol):
    """The key table. Import rule: mailkeep.auth is its only reader."""

    async def add(self, key: StoredKey) -> None:
        """Keep a new key. Raises AlreadyExists if its prefix is taken."""

    async def by_prefix(self, prefix: str) -> StoredKey | None:
        """The key with this prefix, revoked and expired ones included."""

    async def hash_of(self, prefix: str) -> KeyHash | None:
        """That of the key with this prefix, revoked and expired ones included."""

    async def get(self, key_id: UUID) -> StoredKey | None:
        """One key by id."""

    async def with_user(self, key_id: UUID) -> tuple[StoredKey, User | None] | None:
        """One key by id, and its user, of one moment."""

    async def list(self, user_id: UUID | None = None) -> Sequence[StoredKey]:
        """Keys of one user, or all; newest first."""

    async def costs(self) -> Mapping[int, int]:
        """How many keys have a hash of each bcrypt cost."""

    async def change(self, former: StoredKey, key: StoredKey) -> bool:
        """Write a key's name, scopes, networks and expiry; the feed names the key. False, and nothing
        written, if these are not what `former` says any more, or the key is revoked or gone."""

    async def replace(self, former: UUID, until: datetime, key: StoredKey) -> None:
        """Keep a new key and let the former one end at `until`, or earlier if it does so already, in one
        transaction; the feed names both. Raises NotFound if the former is not there or revoked,
        AlreadyExists if the new one's prefix is taken."""

    async def revoke(self, key_id: UUID, at: datetime) -> None:
        """Mark it revoked; the feed names the key. Raises NotFound."""

    async def touch(self, used: Sequence[tuple[UUID, datetime]]) -> None:
        """Set last_used_at for many keys at once; never moves it back."""
