"""Settings of name resolution: whom to ask, and for how long."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

import msgspec

DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """Name servers are addresses or "address:port"; an empty list is what /etc/resolv.conf names."""

    nameservers: tuple[str, ...] = ()
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0)] = 5.0  # one question, with its repetitions
    message_seconds: Annotated[float, msgspec.Meta(gt=0)] = 20.0  # RFC 7208 section 4.6.4: at least 20
    cache_answers: Annotated[int, msgspec.Meta(ge=1)] = 20_000
    # The servers validate DNSSEC and nobody can alter what they say on its way: DANE rests on this.
    validating: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence that names the setting."""
        for place in self.nameservers:
            parse_nameserver(place)


def parse_nameserver(place: str) -> tuple[str, int]:
    """An address and a port, from `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises ValueError.
    """
    address, port = place, DNS_PORT
    head, colon, tail = place.rpartition(":")
    if colon and (":" not in head or head.endswith("]")):
        address, port = head, int(tail) if tail.isascii() and tail.isdigit() else 0
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    try:
        host = str(ipaddress.ip_address(bare))
    except ValueError:
        host = ""
    if not host or not 0 < port < 65536:
        raise ValueError(f"nameservers: '{place}' is not an IP address, or one with a port")
    return host, port
