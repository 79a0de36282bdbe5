"""Keys that were verified lately, so that a warm login costs no bcrypt and no query.

A key is remembered under an HMAC with a secret of this process: memory holds nothing that can be tried
offline without that secret, and a lookup's timing tells nothing about keys. An entry is forgotten the
moment the feed names its key or its user, after its time, and when newer ones need the room. It holds
facts, not a verdict: expiry, network, identity and scope are judged at every login.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from mailkeep.model.directory import User
from mailkeep.model.scope import Scope
from mailkeep.storage.interface import Feed, StoredKey, Topic, TopicKind

VERIFIED_LIMIT = 20_000
"""Entries; about 2 KiB each."""

ADDRESSES_PER_ENTRY = 16
"""Addresses remembered as the user's own: the few that clients log in with."""


NO_ADDRESSES: frozenset[str] = frozenset()
"""One for all: an empty set of its own would be a tenth of an entry."""


class VerifiedKey:
    """Facts about a key whose secret was right, and about its user."""

    __slots__ = ("addresses", "current", "generation", "key", "stops", "until", "user")

    def __init__(self, key: StoredKey, user: User | None) -> None:
        self.key = key
        self.user = user
        self.current = True  # False from the moment that the feed names the key or the user
        self.until = 0.0
        self.addresses = NO_ADDRESSES
        self.generation = 0
        self.stops: list[Callable[[], None]] = []

    @property
    def key_id(self) -> UUID:
        """The key's id."""
        return self.key.id

    @property
    def user_id(self) -> UUID | None:
        """Whose key it is; None for a service's."""
        return self.key.user_id

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it opens."""
        return self.key.scopes

    @property
    def issued_at(self) -> None:
        """That is a token's: a key is ended by itself."""
        return None

    @property
    def ends_at(self) -> datetime | None:
        """When sessions that it opened must be over."""
        return self.key.expires_at


class VerifiedKeys:
    """A bounded memory, most recently used last."""

    def __init__(
        self,
        feed: Feed,
        seconds: float,
        limit: int = VERIFIED_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed = feed
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, VerifiedKey] = OrderedDict()
        self._by_key_id: dict[UUID, bytes] = {}
        self.generation = 0  # of the directory: addresses remembered under an older one count no more
        self._stop = feed.watch(Topic(TopicKind.DIRECTORY), self._directory_changed)

    def __len__(self) -> int:
        return len(self._entries)

    def digest(self, api_key: str) -> bytes:
        """The name under which a key is remembered."""
        return hmac.digest(self._secret, api_key.encode("ascii"), hashlib.sha256)

    def get(self, digest: bytes) -> VerifiedKey | None:
        """The entry, if there is one that still counts."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if entry.until < self._clock():
            self.forget(digest)
            return None
        self._entries.move_to_end(digest)
        return entry

    def vouches_for(self, key_id: UUID) -> bool:
        """True while the feed would have told of a revocation since the key was last read."""
        return key_id in self._by_key_id

    def follow(self, digest: bytes, stored: StoredKey) -> VerifiedKey:
        """Watch a key and its user from now on, without remembering it yet.

        The caller then reads both again and calls `remember`: what changes in between makes the entry
        not current, and it is not kept.
        """
        entry = VerifiedKey(stored, None)

        changed = partial(self._changed, digest, entry)
        entry.stops.append(self._feed.watch(Topic(TopicKind.KEY, str(stored.id)), changed))
        if stored.user_id is not None:
            entry.stops.append(self._feed.watch(Topic(TopicKind.USER, str(stored.user_id)), changed))
        return entry

    def _changed(self, digest: bytes, entry: VerifiedKey) -> None:
        entry.current = False
        if self._entries.get(digest) is entry:
            self.forget(digest)

    def remember(self, digest: bytes, entry: VerifiedKey) -> None:
        """Keep the entry, unless something was said about it meanwhile."""
        if not entry.current or self._seconds <= 0:
            self.unfollow(entry)
            return
        self.forget(digest)
        entry.until = self._clock() + self._seconds
        self._entries[digest] = entry
        self._by_key_id[entry.key.id] = digest
        while len(self._entries) > self._limit:
            self.forget(next(iter(self._entries)))

    def forget(self, digest: bytes) -> None:
        """Drop the entry, if there is one."""
        entry = self._entries.pop(digest, None)
        if entry is not None:
            self._by_key_id.pop(entry.key.id, None)
            self.unfollow(entry)

    def unfollow(self, entry: VerifiedKey) -> None:
        """Stop the entry's watches."""
        entry.current = False
        for stop in entry.stops:
            stop()
        entry.stops.clear()

    def close(self) -> None:
        """Forget all."""
        self._stop()
        for digest in tuple(self._entries):
            self.forget(digest)

    def _directory_changed(self) -> None:
        self.generation += 1
