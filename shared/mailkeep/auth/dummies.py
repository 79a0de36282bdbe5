"""What a key that does not exist is compared with, so that time does not tell that it does not.

Keys keep the bcrypt cost of the day on which they were made. Were unknown prefixes always compared at today's
cost, keys of another day would show by their time. So each unknown prefix has a cost of its own, always the
same one, drawn from the costs of the keys that exist by a secret that all hosts share: whoever measures a
prefix learns how often its cost is used, and no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections.abc import Mapping

from mailkeep.auth import apikeys
from mailkeep.errors import StoreUnavailable
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Store

SECRET_NAME = "dummy-costs"  # noqa: S105  under which the store keeps it

log = get_logger(__name__)


class Dummies:
    """Hashes of keys that nobody has. Of `cost` alone until `load` has looked at the store."""

    def __init__(self, cost: int) -> None:
        self._cost = cost
        self._hashes = {cost: apikeys.hash_key(apikeys.generate(), cost)}
        self._counts: Mapping[int, int] = {cost: 1}
        self._secret = b""

    async def load(self, store: Store) -> None:
        """Draw from the costs that the store's keys have. A store that is away is no reason not to start."""
        try:
            counts = dict(await store.keys.costs())
            self._secret = await store.secrets.ensure(SECRET_NAME)
        except StoreUnavailable:
            log.warning("the costs of keys cannot be read; unknown keys are compared at the set cost alone")
            return
        await self.draw_from(counts)

    async def draw_from(self, counts: Mapping[int, int]) -> None:
        """So many keys have each cost. What bcrypt cannot do is left out."""
        counts = {cost: count for cost, count in counts.items() if cost in apikeys.COST_RANGE}
        for cost in counts.keys() - self._hashes.keys():
            self._hashes[cost] = await asyncio.to_thread(apikeys.hash_key, apikeys.generate(), cost)
        self._counts = counts or {self._cost: 1}

    def for_prefix(self, prefix: str) -> bytes:
        """The hash to compare a key with this prefix with: of the cost with the largest weight over lot. So
        weighed, new keys of one cost move prefixes to that cost and to no other."""
        cost = max(self._counts, key=lambda cost: self._counts[cost] / self._lot(cost, prefix))
        return self._hashes[cost]

    def _lot(self, cost: int, prefix: str) -> float:
        """Exponentially distributed, which makes the shares come out as the weights are."""
        drawn = hmac.digest(self._secret, f"{cost} {prefix}".encode("ascii"), hashlib.sha256)
        return -math.log((int.from_bytes(drawn[:8]) + 1) / (2**64 + 1))
