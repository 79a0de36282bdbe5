"""Block lists in DNS (RFC 5782): is the client's address on one?

Answers outside of 127.0.0.0/8 come from a server that lies or a zone that was sold, and those in
127.255.255.0/24 are a list's own errors: neither lists anybody. A list that does not answer lists nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from mailkeep.model.dns import DnsUnavailable, Lookups, NoRecords

_LISTED = ipaddress.ip_network("127.0.0.0/8")
_ERRORS = ipaddress.ip_network("127.255.255.0/24")


async def listed_by(address: str, zones: Sequence[str], lookups: Lookups) -> str:
    """The first of the zones that lists an IP address, "" if none does."""
    reversed_address = _reversed(address)
    for zone in zones:
        try:
            found = (await lookups.a(f"{reversed_address}.{zone}")).records
        except (NoRecords, DnsUnavailable):
            continue
        if any(_is_listing(text) for text in found):
            return zone
    return ""


def _reversed(address: str) -> str:
    """Sections 2.1 and 2.4: octets or nibbles, the last first."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _is_listing(text: str) -> bool:
    answer = ipaddress.ip_address(text)
    return answer in _LISTED and answer not in _ERRORS
