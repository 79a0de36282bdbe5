"""Making, listing and revoking API keys: what the CLI, the API and `mailkeep up` use.

The secret exists once, in the answer of `create`. Who may make a key for whom is the caller's to decide;
that a key makes sense is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from mailkeep.auth import apikeys
from mailkeep.auth.rules import normal_networks
from mailkeep.errors import AlreadyExists, InvalidName, NotFound
from mailkeep.model.scope import USER_SCOPES, Scope
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store, StoredKey

NAME_LIMIT = 100
"""Characters of a key's name."""

PREFIX_TRIES = 5  # a clash of 53 random bits once is luck; five times is a broken random source

SERVICE_SCOPES = frozenset({Scope.INTERNAL})


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key as it may be shown: neither its secret nor its hash. `user_id` is None for a service's."""

    id: UUID
    user_id: UUID | None
    name: str
    prefix: str
    scopes: frozenset[Scope]
    networks: tuple[str, ...]
    created_at: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_usable(self, now: datetime) -> bool:
        """True if it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """`api_key` is the whole key; nobody can read it again."""

    id: UUID
    api_key: str = field(repr=False)
    key: KeyInfo


class KeyService:
    """Holds no state; one may live as long as the store."""

    def __init__(self, store: Store, settings: AuthSettings) -> None:
        self._store = store
        self._cost = apikeys.check_cost(settings.bcrypt_cost)

    async def create(
        self,
        user_id: UUID | None,
        name: str,
        scopes: frozenset[Scope] = frozenset(),
        networks: Iterable[str] = (),
        expires_at: datetime | None = None,
    ) -> CreatedKey:
        """A new key of a user, or of a service if `user_id` is None.

        Without scopes it gets all that its owner can have. Raises InvalidName for scopes, networks, a
        name or a time that cannot be, NotFound for a user who is not there, StoreUnavailable.
        """
        if user_id is not None and await self._store.directory.user(user_id) is None:
            raise NotFound("There is no such user.")
        facts = StoredKey(
            id=uuid4(),
            user_id=user_id,
            name=_checked_name(name),
            prefix="",
            hash=b"",
            scopes=_checked_scopes(scopes, user_id),
            networks=normal_networks(networks),
            created_at=datetime.now(UTC),
            expires_at=_checked_expiry(expires_at),
        )
        return await self._add(facts)

    async def list(self, user_id: UUID | None = None) -> Sequence[KeyInfo]:
        """Keys of one user, or all, newest first; revoked and expired ones included."""
        return [_info(key) for key in await self._store.keys.list(user_id)]

    async def get(self, key_id: UUID) -> KeyInfo:
        """One key. Raises NotFound."""
        stored = await self._store.keys.get(key_id)
        if stored is None:
            raise NotFound("There is no such key.")
        return _info(stored)

    async def by_prefix(self, prefix: str) -> KeyInfo:
        """The key with this 12-character prefix; of a whole key only that counts. Raises NotFound."""
        stored = await self._store.keys.by_prefix(apikeys.prefix_of(prefix))
        if stored is None:
            raise NotFound("There is no such key.")
        return _info(stored)

    async def revoke(self, key_id: UUID) -> KeyInfo:
        """Revoke a key for ever; its sessions on every host end within a second. Revoking it again
        changes nothing. Raises NotFound."""
        known = await self.get(key_id)
        if known.revoked_at is None:
            await self._store.keys.revoke(key_id, datetime.now(UTC))
        return await self.get(key_id)

    async def _add(self, facts: StoredKey) -> CreatedKey:
        for _ in range(PREFIX_TRIES):
            api_key = apikeys.generate()
            key = _with_secret(facts, api_key, await asyncio.to_thread(apikeys.hash_key, api_key, self._cost))
            try:
                await self._store.keys.add(key)
            except AlreadyExists:
                continue
            return CreatedKey(key.id, api_key, _info(key))
        raise AlreadyExists("No free key prefix was found.")


def _checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise InvalidName(f"A key's name has at most {NAME_LIMIT} characters, all of them printable.")
    return name


def _checked_scopes(scopes: frozenset[Scope], user_id: UUID | None) -> frozenset[Scope]:
    if user_id is None:
        if scopes - SERVICE_SCOPES:
            raise InvalidName("A service's key has the scope internal and no other.")
        return SERVICE_SCOPES
    if Scope.INTERNAL in scopes:
        raise InvalidName("The scope internal is for services, not for users.")
    return scopes or USER_SCOPES


def _checked_expiry(expires_at: datetime | None) -> datetime | None:
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise InvalidName("The expiry needs a time zone.")
    if expires_at <= datetime.now(UTC):
        raise InvalidName("The expiry lies in the past.")
    return expires_at.astimezone(UTC)


def _with_secret(facts: StoredKey, api_key: str, hashed: bytes) -> StoredKey:
    return StoredKey(
        id=facts.id,
        user_id=facts.user_id,
        name=facts.name,
        prefix=apikeys.prefix_of(api_key),
        hash=hashed,
        scopes=facts.scopes,
        networks=facts.networks,
        created_at=facts.created_at,
        expires_at=facts.expires_at,
    )


def _info(key: StoredKey) -> KeyInfo:
    return KeyInfo(
        id=key.id,
        user_id=key.user_id,
        name=key.name,
        prefix=key.prefix,
        scopes=key.scopes,
        networks=key.networks,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
    )
