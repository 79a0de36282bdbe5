"""How many connections may be open: over all, and from one network.

An IPv4 address is a network of its own; IPv6 addresses are counted by /64, the smallest block that one
customer is given (RFC 6177 section 2). Counting costs one dictionary entry per network that is connected,
so it needs no limit of its own beyond `total`.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from mailkeep.errors import TooManyConnections
from mailkeep.observe import metrics

REMEMBERED = 4096  # hosts whose network is known


@lru_cache(maxsize=REMEMBERED)
def network_of(host: str) -> str:
    """The network that a peer is counted under: IPv4 as it is, IPv6 as its /64, anything else as given."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)


class ConnectionLimiter:
    """Counts open connections. Used from one event loop; not for threads."""

    def __init__(self, total: int, per_network: int) -> None:
        self._total = total
        self._per_network = per_network
        self._open: Counter[str] = Counter()
        self._count = 0

    @property
    def count(self) -> int:
        """Connections open now."""
        return self._count

    def admit(self, host: str) -> Callable[[], None]:
        """Count one connection; the function that comes back takes it off again, once however often called.

        Raises TooManyConnections.
        """
        network = network_of(host)
        if self._count >= self._total:
            metrics.TURNED_AWAY.labels("total").inc()
            raise TooManyConnections("Too many connections to this server; try again later.")
        if self._open[network] >= self._per_network:
            metrics.TURNED_AWAY.labels("network").inc()
            raise TooManyConnections("Too many connections from your network; try again later.")
        metrics.CONNECTED.inc()
        self._count += 1
        self._open[network] += 1
        return _Place(self._leave, network)

    def _leave(self, network: str) -> None:
        self._count -= 1
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]


class _Place:
    """Is given back when it is called. Each connection has one: a function within a function would be five
    times as large."""

    __slots__ = ("_leave", "_network")

    def __init__(self, leave: Callable[[str], None], network: str) -> None:
        self._leave: Callable[[str], None] | None = leave
        self._network = network

    def __call__(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave(self._network)
