"""Making, listing, changing and revoking API keys: what the CLI, the API and `mailkeep up` use.

The secret exists once, in the answer of `create` or `rotate`. Who may make a key for whom is the caller's to
decide; that a key makes sense is decided here, and that it never opens more than when it was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from mailkeep.auth import apikeys
from mailkeep.auth.rules import networks_within, normal_networks
from mailkeep.errors import AlreadyExists, InUse, InvalidName, NotFound
from mailkeep.model.scope import USER_SCOPES, Scope
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store, StoredKey

NAME_LIMIT = 100
"""Characters of a key's name."""

PREFIX_TRIES = 5  # a clash of 53 random bits once is luck; five times is a broken random source

CHANGE_TRIES = 5

OVERLAP = timedelta(days=7)
"""How long a rotated key works beside its successor, unless somebody says otherwise."""

OVERLAP_LIMIT = timedelta(days=90)

EXPIRY_LIMIT = timedelta(days=100 * 366)

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
class KeyLimits:
    """What a key is to be limited to; None leaves it as it is."""

    scopes: frozenset[Scope] | None = None
    networks: tuple[str, ...] | None = None
    expires_at: datetime | None = None


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
        return await self._add(facts, self._store.keys.add)

    async def rotate(self, key_id: UUID, overlap: timedelta = OVERLAP) -> CreatedKey:
        """A new key that opens what this one opens, which ends when the overlap is over.

        If the former one had an end, the new one lives as long as it was made for. Raises NotFound for a
        key that works no more, InvalidName for an overlap that cannot be.
        """
        if not timedelta(0) <= overlap <= OVERLAP_LIMIT:
            raise InvalidName(f"A key and its successor overlap for at most {OVERLAP_LIMIT.days} days.")
        former, now = await self._usable(key_id), datetime.now(UTC)
        facts = replace(
            former,
            id=uuid4(),
            created_at=now,
            last_used_at=None,
            expires_at=_life_again(former, now),
        )
        return await self._add(facts, partial(self._store.keys.replace, key_id, now + overlap))

    async def rename(self, key_id: UUID, name: str) -> KeyInfo:
        """Give a key another name. Raises NotFound for a key that works no more, InvalidName."""
        name = _checked_name(name)
        return await self._change(key_id, lambda stored: replace(stored, name=name))

    async def restrict(self, key_id: UUID, limits: KeyLimits) -> KeyInfo:
        """Let a key open less. Sessions that it would not open any more end within a second.

        Raises NotFound for a key that works no more, InvalidName for what would let it open more: scopes
        that it lacks, networks outside of its own, a later end.
        """
        return await self._change(key_id, lambda stored: _limited(stored, limits))

    async def list(self, user_id: UUID | None = None) -> Sequence[KeyInfo]:
        """Keys of one user, or all, newest first; revoked and expired ones included."""
        return [_info(key) for key in await self._store.keys.list(user_id)]

    async def get(self, key_id: UUID) -> KeyInfo:
        """One key. Raises NotFound."""
        return _info(await self._stored(key_id))

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

    async def _stored(self, key_id: UUID) -> StoredKey:
        stored = await self._store.keys.get(key_id)
        if stored is None:
            raise NotFound("There is no such key.")
        return stored

    async def _usable(self, key_id: UUID) -> StoredKey:
        stored = await self._stored(key_id)
        if not _info(stored).is_usable(datetime.now(UTC)):
            raise NotFound("That key opens nothing any more.")
        return stored

    async def _change(self, key_id: UUID, changed: Callable[[StoredKey], StoredKey]) -> KeyInfo:
        """Read, change and write, from the start if somebody else was faster."""
        for _ in range(CHANGE_TRIES):
            stored = await self._usable(key_id)
            key = changed(stored)
            if await self._store.keys.change(stored, key):
                return _info(key)
        raise InUse("The key is being changed by others; try again.")

    async def _add(self, facts: StoredKey, keep: Callable[[StoredKey], Awaitable[None]]) -> CreatedKey:
        for _ in range(PREFIX_TRIES):
            api_key = apikeys.generate()
            hashed = await asyncio.to_thread(apikeys.hash_key, api_key, self._cost)
            key = replace(facts, prefix=apikeys.prefix_of(api_key), hash=hashed)
            try:
                await keep(key)
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
    if expires_at > datetime.now(UTC) + EXPIRY_LIMIT:
        raise InvalidName("The expiry is more than a hundred years away.")
    return expires_at.astimezone(UTC)


def _life_again(former: StoredKey, now: datetime) -> datetime | None:
    if former.expires_at is None or former.created_at is None:
        return former.expires_at
    return now + (former.expires_at - former.created_at)


def _limited(stored: StoredKey, limits: KeyLimits) -> StoredKey:
    return replace(
        stored,
        scopes=_fewer_scopes(stored, limits.scopes),
        networks=_narrower_networks(stored, limits.networks),
        expires_at=_earlier_end(stored, limits.expires_at),
    )


def _fewer_scopes(stored: StoredKey, wanted: frozenset[Scope] | None) -> frozenset[Scope]:
    if wanted is None:
        return stored.scopes
    if not wanted:
        raise InvalidName("A key without a scope opens nothing; revoke it instead.")
    if wanted - stored.scopes:
        raise InvalidName("A key gets no scope that it does not have; make another one.")
    return wanted


def _narrower_networks(stored: StoredKey, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    if wanted is None:
        return stored.networks
    networks = normal_networks(wanted)
    if not networks:
        raise InvalidName("Name the networks that the key is to work from.")
    if not networks_within(networks, stored.networks):
        raise InvalidName("A key gets no network outside of those that it has; make another one.")
    return networks


def _earlier_end(stored: StoredKey, wanted: datetime | None) -> datetime | None:
    end = _checked_expiry(wanted)
    if end is None:
        return stored.expires_at
    if stored.expires_at is not None and end > stored.expires_at:
        raise InvalidName("A key's end does not move to a later time; make another key.")
    return end


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
