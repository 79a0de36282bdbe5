"""IMAP's strings: how a value stands in ENVELOPE and BODYSTRUCTURE (RFC 9051 section 4.3).

What any client of IMAP4rev1 can take: no 8-bit octets in quoted strings, and never a NUL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

STRING_LIMIT = 16 * 1024  # octets of one value; what is longer is cut, since all of these are kept in a row
QUOTED_LIMIT = 1_000  # octets; longer values go as literals, which spares clients a long line

NIL = b"NIL"
_is_plain = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-!#-\[\]-\x7f]*\Z").match
_NEEDS_LITERAL = re.compile(rb"[\r\n\x80-\xff]")


def string(value: bytes) -> bytes:
    """A quoted string where one is allowed, else a literal. NUL becomes "?"."""
    if len(value) <= QUOTED_LIMIT:
        if _is_plain(value):
            return b'"' + value + b'"'
        value = value.replace(b"\0", b"?")
        if not _NEEDS_LITERAL.search(value):
            return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    value = value[:STRING_LIMIT].replace(b"\0", b"?")
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """`string`, or NIL for None."""
    if value is None:
        return NIL
    if len(value) <= QUOTED_LIMIT and _is_plain(value):
        return b'"%b"' % value
    return string(value)


def listed(items: Iterable[bytes]) -> bytes:
    """Ready items in parentheses."""
    return b"(" + b" ".join(items) + b")"
