"""FETCH responses from ready octets: one call a message, one bytes object out (RFC 9051 section 7.5.2).

Nothing is computed here that could be computed at delivery. ENVELOPE and BODYSTRUCTURE come from the store
as they go to the wire; labels are made once a command by `commands.fetch.label`.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailkeep.imap.commands.fetch import Partial


def fetch(number: int, items: Iterable[bytes]) -> bytes:
    """The response for message sequence number `number`; items are `label SP value`."""
    return b"* %d FETCH (%b)\r\n" % (number, b" ".join(items))


def fetch_start(number: int, items: Iterable[bytes]) -> bytes:
    """A response as far as a literal that is streamed behind it: `literal_start` is the last item."""
    return b"* %d FETCH (%b" % (number, b" ".join(items))


FETCH_END = b")\r\n"
"""Closes what `fetch_start` opened."""


def literal_start(label: bytes, size: int) -> bytes:
    """An item whose `size` octets follow."""
    return b"%b {%d}\r\n" % (label, size)


def section(label: bytes, octets: bytes | None) -> bytes:
    """A body section: always a literal, which may hold any octet but NUL; None (no such part) is NIL."""
    if octets is None:
        return label + b" NIL"
    return b"%b {%d}\r\n%b" % (label, len(octets), octets)


def binary(label: bytes, octets: bytes | None) -> bytes:
    """A decoded section: literal8 where a NUL octet asks for it (RFC 9051 section 4.3.3)."""
    if octets is None:
        return label + b" NIL"
    tilde = b"~" if b"\0" in octets else b""
    return b"%b %b{%d}\r\n%b" % (label, tilde, len(octets), octets)


def cut(octets: bytes, partial: Partial | None) -> bytes:
    """The octets that a partial asks for. Beyond the end it is the empty string (section 6.4.5)."""
    if partial is None:
        return octets
    return octets[partial.origin : partial.origin + partial.length]


def window(size: int, partial: Partial | None) -> tuple[int, int]:
    """The same as (offset, length) within `size` octets, for content that is read in pieces."""
    if partial is None:
        return 0, size
    offset = min(partial.origin, size)
    return offset, min(partial.length, size - offset)
