"""Sets of networks, as settings name them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REMEMBERED = 4096


class Networks:
    """Networks in CIDR notation, or single addresses. Raises ValueError for what is neither."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._networks = tuple(parse_network(text) for text in texts)
        self._lookup = lru_cache(maxsize=REMEMBERED)(self._contains)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, host: str) -> bool:
        """True for an IP address in one of them, an IPv4 address mapped into IPv6 included."""
        return bool(self._networks) and self._lookup(host)

    def _contains(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def parse_network(text: str) -> Network:
    """Raises ValueError with a sentence that holds the text."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a network, as in 192.0.2.0/24") from None
