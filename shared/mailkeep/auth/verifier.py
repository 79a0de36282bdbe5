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
from mailkeep.storage.interface import Store


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
        heard, generation = self.remembered.heard, self.remembered.generation
        found = await self._store.keys.with_user_by_prefix(apikeys.prefix_of(api_key))
        if found is None:
            if self._dummies is not None:
                dummy = self._dummies.for_prefix(apikeys.prefix_of(api_key))
                await self.pool.verify(api_key, dummy, narrow=narrow)
            return Refused(Reason.UNKNOWN_PREFIX)
        stored, user = found
        if not await self.pool.verify(api_key, stored.hash, narrow=narrow):
            return Refused(Reason.WRONG_SECRET, stored.id, stored.user_id)
        entry = self.remembered.follow(digest, stored, user)
        if heard != self.remembered.heard:
            generation = self.remembered.generation
            if not await self._read_again(entry):
                return Refused(Reason.REVOKED, entry.key_id, entry.user_id)
        if entry.user is not None:  # whose primary address is always a verified one
            entry.addresses, entry.generation = frozenset((entry.user.primary_address,)), generation
        self.remembered.remember(digest, entry)
        return entry

    async def _read_again(self, entry: VerifiedKey) -> bool:
        """Key and user as they are, now that the feed is heard: it spoke of some while bcrypt took its time.
        False if the key is gone."""
        try:
            found = await self._store.keys.with_user(entry.key_id)
        except BaseException:
            self.remembered.unfollow(entry)
            raise
        if found is None:
            self.remembered.unfollow(entry)
            return False
        entry.key, entry.user = found
        return True
