"""Failures are answered ever more slowly; a right key is never held back by somebody else's wrong ones.

A key holds 256 random bits, so nobody guesses one: what failures cost is bcrypt, log lines and patience.
Hence nothing is ever banned. Failures are counted by network (IPv6 by /64), by address and by key
prefix; each count halves in a minute. Past a few, refusals come late; past a few more from one network or
for one prefix, verifications take the narrow lane. Success is not delayed, and a key verified lately
passes by all this. Memory is bounded: the longest unseen counts go first.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache

from mailkeep.auth.rules import parse_host
from mailkeep.net.networks import Networks

FREE_FAILURES = 3.0
"""Refusals that come at once: a typo, and a client that tries each mechanism."""

FIRST_DELAY_SECONDS = 0.25
DELAY_LIMIT_SECONDS = 5.0  # well under every client's timeout: slow, not broken
NARROW_FAILURES = 8.0
HALF_LIFE_SECONDS = 60.0
COUNTS_LIMIT = 50_000
"""Counts kept; at most about 15 MiB."""

NAME_LIMIT = 256
"""Characters of a counted name: what comes from the wire is cut."""


@lru_cache(maxsize=1024)  # asked at every login, and at every request of the API
def network_of(host: str) -> str:
    """What one customer of a provider has: an IPv4 address, or an IPv6 /64.

    "" for loopback: behind it stands a proxy or webmail of our own, and says nothing of who is there.
    """
    address = parse_host(host)
    if address is not None and address.is_loopback:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return host if address is None else str(address)


class Throttle:
    """Counts of failures, in this process. `clock` is in seconds and only moves forward; `proxies` are the
    networks of those who are trusted to speak for others."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        limit: int = COUNTS_LIMIT,
        proxies: Iterable[str] = (),
    ) -> None:
        self._proxies = Networks(tuple(proxies))
        self._clock = clock
        self._limit = limit
        self._counts: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def is_narrow(self, host: str, prefix: str) -> bool:
        """True if this network or this prefix has failed so often that it must not crowd out others."""
        return max(self._count("n", self._network(host)), self._count("p", prefix)) >= NARROW_FAILURES

    def failed(self, host: str, address: str, prefix: str) -> float:
        """Count a failure; returns for how many seconds its answer is to be held back."""
        named = (("n", self._network(host)), ("a", address), ("p", prefix))
        over = max((self._add(kind, name) for kind, name in named if name), default=0.0) - FREE_FAILURES
        if over <= 0:
            return 0.0
        return float(min(DELAY_LIMIT_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(over, 16.0)))

    def succeeded(self, address: str, prefix: str) -> None:
        """The owner has proven to be one: earlier failures in their name are forgotten. Those of the
        network stay, or one good key would hide a flood of bad ones."""
        self._counts.pop(("a", address[:NAME_LIMIT]), None)
        self._counts.pop(("p", prefix[:NAME_LIMIT]), None)

    def _network(self, host: str) -> str:
        """A trusted proxy is no network either: whoever it speaks for, it is not to blame."""
        return "" if host in self._proxies else network_of(host)

    def _count(self, kind: str, name: str) -> float:
        count, at = self._counts.get((kind, name[:NAME_LIMIT]), (0.0, 0.0))
        return count * float(0.5 ** ((self._clock() - at) / HALF_LIFE_SECONDS)) if count else 0.0

    def _add(self, kind: str, name: str) -> float:
        count = self._count(kind, name) + 1.0
        place = (kind, name[:NAME_LIMIT])
        self._counts[place] = (count, self._clock())
        self._counts.move_to_end(place)
        while len(self._counts) > self._limit:
            self._counts.popitem(last=False)
        return count
