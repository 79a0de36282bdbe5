"""When keys were last used and users last logged in, gathered in memory and written in batches.

Only the newest time of each is kept, so memory is bounded by the number of keys. A clean stop writes
what is left; a crash loses the last few seconds, and nothing depends on those.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

from mailkeep.auth.periodic import PeriodicFlush
from mailkeep.storage.interface import Store

BATCH_LIMIT = 1000

Write = Callable[[Sequence[tuple[UUID, datetime]]], Awaitable[None]]


class LastUsed:
    """`note` costs two dictionary entries."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._keys: dict[UUID, datetime] = {}
        self._users: dict[UUID, datetime] = {}
        self._periodic = PeriodicFlush("last used", self.flush, seconds)

    def start(self) -> None:
        """Begin to write."""
        self._periodic.start()

    async def close(self) -> None:
        """Write what waits, and stop."""
        await self._periodic.close()

    def note(self, key_id: UUID | None, user_id: UUID | None, at: datetime) -> None:
        """The key was used, and its user seen, at this time."""
        if key_id is not None:
            self._keys[key_id] = at
        if user_id is not None:
            self._users[user_id] = at

    async def flush(self) -> None:
        """Write all that waits. Raises StoreUnavailable; what was not written stays."""
        await _drain(self._keys, self._store.keys.touch)
        await _drain(self._users, self._store.directory.touch_logins)


async def _drain(waiting: dict[UUID, datetime], write: Write) -> None:
    # In one order, so that two processes that touch the same rows cannot wait for each other.
    rows = sorted(waiting.items(), key=lambda item: item[0])
    for start in range(0, len(rows), BATCH_LIMIT):
        batch = rows[start : start + BATCH_LIMIT]
        await write(batch)
        for place, at in batch:
            if waiting.get(place) == at:  # not used again meanwhile
                del waiting[place]
