"""How much one network does in a time: rates that fill up again, and patience that runs out and comes back.

Memory is bounded by REMEMBERED networks, of which those that were quiet the longest are forgotten first. An
IPv6 network is a /64, as for connections. Used from one event loop; every process counts for itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from mailkeep.net.limits import network_of

REMEMBERED = 20_000
PATIENCE_SECONDS = 600.0  # until half of what a network did wrong is forgotten
DELAY_STEP = 0.5  # seconds for each refusal past the limit


class Rate:
    """At most `per_minute` in a minute for each network, and as many at once; 0 is no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, host: str) -> bool:
        """Count one, unless there is none left."""
        return self.take_of(network_of(host)) if self._limit else True

    def take_of(self, network: str) -> bool:
        """The same for whoever goes by that name."""
        if not self._limit:
            return True
        now = self._clock()
        left, at = self._left.pop(network, (self._limit, now))
        left = min(self._limit, left + (now - at) * self._limit / 60)
        allowed = left >= 1
        self._left[network] = (left - 1 if allowed else left, now)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return allowed


class Patience:
    """Refusals by network. Past `limit` of them each answer is due later, up to `longest` seconds."""

    def __init__(self, limit: int, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._longest = longest
        self._clock = clock
        self._refused: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def refused(self, host: str) -> None:
        """The network was refused something once more."""
        network, now = network_of(host), self._clock()
        self._refused[network] = (self._weight(network, now) + 1, now)
        self._refused.move_to_end(network)
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)

    def forgive(self, host: str) -> None:
        """It sends real mail."""
        if self._refused:
            self._refused.pop(network_of(host), None)

    def delay(self, host: str) -> float:
        """Seconds to wait before the next answer to it."""
        if not self._refused:
            return 0.0
        past = self._weight(network_of(host), self._clock()) - self._limit
        return min(self._longest, max(0.0, past) * DELAY_STEP)

    def _weight(self, network: str, now: float) -> float:
        weight, at = self._refused.get(network, (0.0, now))
        return float(weight * 0.5 ** ((now - at) / PATIENCE_SECONDS))
