"""What several responses are made of."""

from __future__ import annotations

from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.model.uids import UidSet


def uid_set(cursor: Cursor) -> UidSet:
    """A set in an answer: finite, so without `*`."""
    ranges = cursor.sequence_set().ranges
    if not ranges or any(not low or not high for low, high in ranges):
        raise ImapSyntaxError("A set in a response has no '*'.")
    return UidSet.of_ranges((min(pair), max(pair)) for pair in ranges)


def ascii_text(octets: bytes) -> str:
    """US-ASCII, or UTF-8 that an IMAP4rev2 server may send as text."""
    return octets.decode("utf-8", "replace")
