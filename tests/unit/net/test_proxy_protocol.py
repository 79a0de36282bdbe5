"""The PROXY protocol's header, however it arrives, and everything that is none."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailkeep.net.proxy_protocol import ProxyHeader, ProxySyntax, Source

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
FOLLOWING = b"\x16\x03\x01 what follows\r\n"


def v2(source: str, port: int, *, command: int = 0x21, tlvs: bytes = b"") -> bytes:
    """A version 2 header as a balancer writes it."""
    address = ipaddress.ip_address(source)
    other = ipaddress.ip_address("192.0.2.9" if address.version == 4 else "2001:db8::9")
    body = address.packed + other.packed + struct.pack("!HH", port, 993) + tlvs
    family = 0x11 if address.version == 4 else 0x21
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


def read(octets: bytes) -> ProxyHeader:
    header = ProxyHeader()
    header.feed(octets)
    return header


HEADERS = [
    (b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 993\r\n", Source("192.0.2.1", 56324)),
    (b"PROXY TCP6 2001:DB8::1 2001:db8::9 1 993\r\n", Source("2001:db8::1", 1)),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.9 1 993\r\n", Source("192.0.2.1", 1)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    (v2("192.0.2.1", 56324), Source("192.0.2.1", 56324)),
    (v2("2001:db8::1", 65535), Source("2001:db8::1", 65535)),
    (v2("::ffff:192.0.2.1", 1), Source("192.0.2.1", 1)),
    (v2("192.0.2.1", 1, tlvs=b"\x04\x00\x05hello"), Source("192.0.2.1", 1)),
    (v2("192.0.2.1", 1, command=0x20), None),
    (SIGNATURE + b"\x20\x00\x00\x00", None),
    (SIGNATURE + b"\x21\x00\x00\x00", None),
]


@pytest.mark.parametrize(("octets", "source"), HEADERS)
def test_headers(octets: bytes, source: Source | None) -> None:
    header = read(octets + FOLLOWING)
    assert header.finished
    assert (header.source, header.rest) == (source, FOLLOWING)


@pytest.mark.parametrize(("octets", "source"), HEADERS)
def test_headers_octet_by_octet(octets: bytes, source: Source | None) -> None:
    header = ProxyHeader()
    for at in range(len(octets)):
        assert not header.finished
        header.feed(octets[at : at + 1])
    assert header.finished
    assert (header.source, header.rest) == (source, b"")


@pytest.mark.parametrize(("octets", "source"), HEADERS)
def test_whoever_reads_what_is_wanted_reads_nothing_of_what_follows(
    octets: bytes, source: Source | None
) -> None:
    header, stream = ProxyHeader(), octets + FOLLOWING
    while not header.finished:
        wanted = header.wanted
        assert wanted > 0
        header.feed(stream[:wanted])
        stream = stream[wanted:]
    assert (header.source, header.rest, stream) == (source, b"", FOLLOWING)


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.test\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 56324 993\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 56324\r\n",
        b"PROXY TCP4 192.0.2.256 192.0.2.9 56324 993\r\n",
        b"PROXY TCP4 2001:db8::1 2001:db8::9 56324 993\r\n",
        b"PROXY TCP6 192.0.2.1 192.0.2.9 56324 993\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.9 65536 993\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.9 56324 993\r\n",
        b"PROXY UNKNOWN " + b"x" * 120,
        b"proxy TCP4 192.0.2.1 192.0.2.9 56324 993\r\n",
        SIGNATURE + b"\x31\x11\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x22\x11\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x21\x12\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x21\x31\x00\xd8" + b"\0" * 216,
        SIGNATURE + b"\x21\x11\x00\x0b" + b"\0" * 11,
        SIGNATURE + b"\x21\x21\x00\x0c" + b"\0" * 12,
        SIGNATURE + b"\x21\x11\xff\xff",
        SIGNATURE[:-1] + b"X" + b"\x21\x11\x00\x0c" + b"\0" * 12,
    ],
)
def test_what_is_no_header(octets: bytes) -> None:
    with pytest.raises(ProxySyntax):
        read(octets)


@pytest.mark.parametrize("octets", [b"GET", b"\r\n\r\n\x01", b"PROXI", b"P\r"])
def test_what_cannot_become_one_is_known_early(octets: bytes) -> None:
    with pytest.raises(ProxySyntax):
        read(octets)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=60).map(lambda more: SIGNATURE + more)))
@example(b"")
def test_any_octets_are_a_header_more_to_come_or_none(octets: bytes) -> None:
    try:
        header = read(octets)
    except ProxySyntax:
        return
    assert header.finished or header.wanted > 0
