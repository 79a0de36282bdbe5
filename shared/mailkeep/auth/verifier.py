"""From the text of an API key to what is known of it, by the cheapest way that is safe.

Form and checksum cost nothing; a key verified lately costs a hash; the rest one query and one bcrypt, of
a dummy if no key has that prefix. Nothing is judged here but the secret itself.
"""

from __future__ import annotations

from mailkeep.auth import apikeys
from mailkeep.auth.bcrypt_pool import BcryptPool
from mailkeep.auth.dummies import Dummies
from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.verified import ADDRESSES_PER_ENTRY, NO_ADDRESSES, VerifiedKey, VerifiedKeys
from mailkeep.model.address import Address
from mailkeep.net.singleflight import SingleFlight
from mailkeep.settings import AuthSettings
from mailkeep.storage.interface import Store, StoredKey


class KeyVerifier:
    """Make one a process. `close` when no verification is under way any more."""

    def __init__(self, store: Store, settings: AuthSettings) -> None:
        cost = apikeys.check_cost(settings.bcrypt_cost)
        self._store = store
        self._dummies = Dummies(cost) if settings.dummy_verifications else None
        self.remembered = VerifiedKeys(store.feed, settings.verified_key_seconds)
        self.pool = BcryptPool()
        self._flights: SingleFlight[bytes, VerifiedKey | Refused] = SingleFlight()

    async def start(self) -> None:
        """Look at the store for what the first login needs."""
        if self._dummies is not None:
            await self._dummies.load(self._store)

    async def verify(self, api_key: str, *, narrow: bool = False) -> VerifiedKey:
        """What is known of the key. Raises Refused if it is none or its secret is wrong; Throttled;
        StoreUnavailable. `narrow` is the slow lane, see BcryptPool."""
        if not apikeys.looks_like_key(api_key):
            raise Refused(Reason.NOT_A_KEY)
        if not apikeys.is_whole(api_key):
            raise Refused(Reason.CHECKSUM)
        digest = self.remembered.digest(api_key)
        known = self.remembered.get(digest)
        if known is not None:
            return known
        outcome = await self._flights.run(digest, lambda: self._look_up(api_key, digest, narrow=narrow))
        if isinstance(outcome, Refused):  # a value until here: one exception object must not be raised twice
            raise Refused(outcome.reason, outcome.key_id, outcome.user_id)
        return outcome

    async def owns(self, verified: VerifiedKey, address: Address) -> bool:
        """True if the address is a verified one of the key's user. Raises StoreUnavailable."""
        if verified.user is None:
            return False
        generation = self.remembered.generation
        if verified.generation != generation:
            verified.addresses = NO_ADDRESSES
            verified.generation = generation
        if address.key in verified.addresses:
            return True
        owned = await self._store.directory.owns(verified.user.id, address)
        unchanged = generation == self.remembered.generation
        if owned and unchanged and len(verified.addresses) < ADDRESSES_PER_ENTRY:
            verified.addresses |= {address.key}
        return owned

    def close(self) -> None:
        """Forget every key."""
        self.remembered.close()
        self.pool.close()

    async def _look_up(self, api_key: str, digest: bytes, *, narrow: bool) -> VerifiedKey | Refused:
        prefix = apikeys.prefix_of(api_key)
        found = await self._store.keys.hash_of(prefix)
        if found is None:
            if self._dummies is not None:
                await self.pool.verify(api_key, self._dummies.for_prefix(prefix), narrow=narrow)
            return Refused(Reason.UNKNOWN_PREFIX)
        if not await self.pool.verify(api_key, found.hash, narrow=narrow):
            return Refused(Reason.WRONG_SECRET, found.id, found.user_id)
        known = StoredKey(
            found.id, found.user_id, "", prefix, found.hash
        )  # the rest is read when it is followed
        return await self._remember(self.remembered.follow(digest, known), digest)

    async def _remember(self, entry: VerifiedKey, digest: bytes) -> VerifiedKey | Refused:
        """Read key and user again now that the feed is heard: bcrypt took its time, and they may have
        changed since the lookup."""
        generation = self.remembered.generation
        try:
            found = await self._store.keys.with_user(entry.key_id)
        except BaseException:
            self.remembered.unfollow(entry)
            raise
        if found is None:
            self.remembered.unfollow(entry)
            return Refused(Reason.REVOKED, entry.key_id, entry.user_id)
        entry.key, entry.user = found
        if entry.user is not None:  # whose primary address is always a verified one
            entry.addresses, entry.generation = frozenset((entry.user.primary_address,)), generation
        self.remembered.remember(digest, entry)
        return entry
