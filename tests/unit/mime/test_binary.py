"""Binary parts in base64 (RFC 3516 section 4.4): what comes in comes out, and nothing else changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.mime import parts, transfer
from mailkeep.mime.binary import CHUNK, NulOutsideParts, without_nul
from mailkeep.mime.scan import scan


def encoded(octets: bytes) -> bytes:
    return b"".join(without_nul(octets))


def body_of(octets: bytes, *section: int) -> bytes:
    part = parts.unpack(parts.pack(scan(octets))).find(section)
    assert part is not None
    return transfer.decode(octets[part.body_start : part.body_end], part.encoding)


def test_only_parts_with_nul_octets_are_touched() -> None:
    octets = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
        b"--b\r\nX: 1\r\nContent-Transfer-Encoding: binary\r\n\r\nno\xffne\r\n"
        b"--b\r\ncontent-transfer-encoding : BINARY\r\nY: 2\r\n\r\na\0b\r\n--b--\r\nend"
    )
    assert encoded(octets) == octets.replace(
        b"content-transfer-encoding : BINARY\r\nY: 2\r\n\r\na\0b",
        b"Y: 2\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n",
    )


@given(st.binary(max_size=300).map(lambda octets: octets + b"\0"))
def test_the_content_comes_back(content: bytes) -> None:
    assert body_of(encoded(b"Content-Type: a/b\r\n\r\n" + content), 1) == content


def test_long_content_and_embedded_messages() -> None:
    content = bytes(range(256)) * (CHUNK // 256 + 3)
    octets = b"Content-Type: message/rfc822\r\n\r\nContent-Type: a/b\r\n\r\n" + content
    result = encoded(octets)
    assert b"\0" not in result
    assert max(map(len, result.split(b"\r\n"))) <= 76
    assert body_of(result, 1, 1) == content


@pytest.mark.parametrize(
    "octets",
    [
        b"Subject: \0\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\nx\r\n--b--\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n\0",
    ],
)
def test_elsewhere_nothing_could_hold_them(octets: bytes) -> None:
    with pytest.raises(NulOutsideParts):
        encoded(octets)
