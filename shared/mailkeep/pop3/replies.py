"""Replies as octets (RFC 1939 section 3), with the response codes of RFC 2449 section 8 and RFC 3206.

The text of a reply is ours alone: whatever comes in is cut to one line of printable ASCII within the limit,
so that no domain sentence, however it came about, can break the framing.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

from mailkeep.pop3.limits import REPLY_LINE_LIMIT

END = b".\r\n"
"""The termination octet and CRLF (RFC 1939 section 3)."""

LISTING_BATCH = 1000
"""Lines of a multi-line reply that are rendered at a time."""


class Code(StrEnum):
    """Response codes, with where each is defined."""

    AUTH = "AUTH"  # RFC 3206 section 5
    IN_USE = "IN-USE"  # RFC 2449 section 8.1.2
    LOGIN_DELAY = "LOGIN-DELAY"  # RFC 2449 section 8.1.1
    SYS_TEMP = "SYS/TEMP"  # RFC 3206 section 4
    SYS_PERM = "SYS/PERM"  # RFC 3206 section 4


def ok(text: str = "") -> bytes:
    """A positive status indicator."""
    return _line(f"+OK {text}" if text else "+OK")


def err(text: str, code: Code | None = None) -> bytes:
    """A negative status indicator. Text that would read as a response code is kept from its place."""
    if code is not None:
        return _line(f"-ERR [{code}] {text}")
    return _line(f"-ERR {text.lstrip('[')}")


def challenge(octets: bytes) -> bytes:
    """A SASL challenge (RFC 5034 section 4)."""
    return b"+ " + binascii.b2a_base64(octets, newline=False) + b"\r\n"


def multi_line(head: str, lines: Iterable[str]) -> bytes:
    """A whole multi-line reply of few lines, none of which begins with a dot."""
    return b"".join(listing(head, lines))


def listing(head: str, lines: Iterable[str]) -> Iterator[bytes]:
    """A multi-line reply of any length, in pieces of LISTING_BATCH lines."""
    remaining = iter(lines)
    piece = ok(head)
    while batch := list(islice(remaining, LISTING_BATCH)):
        yield piece + "\r\n".join(batch).encode("ascii") + b"\r\n"
        piece = b""
    yield piece + END


def _line(text: str) -> bytes:
    printable = "".join(char if " " <= char <= "~" else "?" for char in text)
    return printable[: REPLY_LINE_LIMIT - 2].encode("ascii") + b"\r\n"
