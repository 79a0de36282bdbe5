"""Who has tried to send before. Part of the store's contract."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Greylist(Protocol):
    """Remembers attempts by what they have in common. All hosts share it."""

    async def admits(self, attempt: bytes, now: datetime, delay: timedelta) -> bool:
        """True if the same attempt was made at least `delay` ago; the first one is remembered.

        `attempt` is a digest, at most 32 octets.
        """

    async def prune(self, before: datetime, most: int) -> int:
        """Forget at most `most` that were not let in since that moment. How many they were."""
