"""The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): who is behind a balancer, as a machine
without IO.

Only those may say it whom an operator trusts, and they must: a balancer that forgets the header would lend
its own address to all its clients. What else a version 2 header holds (TLVs) is passed over.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass

from mailkeep.errors import PeerError

V1_LIMIT = 107  # octets with CRLF, section 2.1
V2_LIMIT = 2048  # octets after the first sixteen; TLVs of balancers have some hundred
SHORTEST = 12  # octets of either version's header at least

_V2_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V1 = re.compile(
    rb"PROXY (?:TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5})|UNKNOWN[^\r\n]*)\r\n\Z"
)
_V2_ADDRESSES = {0x11: (4, 12), 0x21: (16, 36)}  # TCP over IPv4 and IPv6: octets of an address, of all of it
_LOCAL, _PROXY = 0x20, 0x21


class ProxySyntax(PeerError):
    """What came is not a PROXY header. Nothing can be answered: the connection is closed."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a connection really comes from."""

    host: str
    port: int


class ProxyHeader:
    """Feed it octets until `finished`; `source` is None for the balancer's own connections, `rest` what
    follows."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self.finished = False
        self.source: Source | None = None
        self.rest = b""

    @property
    def wanted(self) -> int:
        """Octets that belong to the header for certain, at least one until it is finished: for those who must
        not read past it."""
        have = len(self._octets)
        if have < SHORTEST:
            return SHORTEST - have
        if not self._octets.startswith(_V2_SIGNATURE):
            return 1
        return 16 - have if have < 16 else self._v2_size() - have

    def feed(self, octets: bytes) -> None:
        """Raises ProxySyntax."""
        self._octets += octets
        if len(self._octets) < SHORTEST:
            self._require(_V2_SIGNATURE.startswith(self._octets) or b"PROXY ".startswith(self._octets[:6]))
        elif self._octets.startswith(_V2_SIGNATURE):
            self._take_v2()
        else:
            self._take_v1()

    def _take_v1(self) -> None:
        end = self._octets.find(b"\r\n", 0, V1_LIMIT) + 2
        self._require(self._octets.startswith(b"PROXY ") and (end > 1 or len(self._octets) < V1_LIMIT))
        if end == 1:
            return
        found = _V1.match(bytes(self._octets[:end]))
        self._require(found)
        assert found is not None
        if found.group(1):
            version, address, _, port, _ = (group.decode("ascii") for group in found.groups())
            self.source = _source(address, int(port))
            self._require(("." in address and ":" not in address) is (version == "4"))
        self._finish(end)

    def _take_v2(self) -> None:
        if len(self._octets) < 16:
            return
        size = self._v2_size()
        self._require(size <= 16 + V2_LIMIT)
        command, family = self._octets[12], self._octets[13]
        self._require(command in {_LOCAL, _PROXY})
        if len(self._octets) < size:
            return
        if command == _PROXY and family:
            self._require(family in _V2_ADDRESSES)
            octets, least = _V2_ADDRESSES[family]
            self._require(size >= 16 + least)
            address = ipaddress.ip_address(bytes(self._octets[16 : 16 + octets]))
            (port,) = struct.unpack_from("!H", self._octets, 16 + 2 * octets)
            self.source = _source(str(address), port)
        self._finish(size)

    def _v2_size(self) -> int:
        (length,) = struct.unpack_from("!H", self._octets, 14)
        return 16 + int(length)

    def _finish(self, size: int) -> None:
        self.rest = bytes(self._octets[size:])
        self.finished = True

    @staticmethod
    def _require(condition: object) -> None:
        if not condition:
            raise ProxySyntax("A trusted proxy sent no PROXY header.")


def _source(text: str, port: int) -> Source:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ProxySyntax("A PROXY header holds no IP address.") from None
    if port > 65535:
        raise ProxySyntax("A PROXY header holds no port.")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return Source(str(mapped or address), port)
