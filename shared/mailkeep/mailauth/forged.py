"""Authentication-Results that claim to be ours and came from elsewhere (RFC 8601 section 5).

Whoever reads such a field believes it for the name in it, so no message is kept with one that we did not
write.
"""

from __future__ import annotations

import re

from mailkeep.mime import headers

NAME = b"authentication-results"

_COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_COMMENTS_DEPTH = 20
_IDENTIFIER = re.compile(rb'[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t;"]+))')


def without_forged(header: bytes, identifier: str) -> bytes:
    """A header section without the fields that claim to be ours (section 5). The same octets if there is
    none.
    """
    if NAME not in header.lower():
        return header
    kept, size, removed = [], 0, False
    for name, raw in headers.fields(header):
        size += len(raw)
        if name.lower() == NAME and claims(raw, identifier):
            removed = True
        else:
            kept.append(raw)
    return b"".join(kept) + header[size:] if removed else header


def claims(raw: bytes, identifier: str) -> bool:
    """True if a field gives this authserv-id, or cannot be read and names it somewhere."""
    value = headers.unfold(raw.partition(b":")[2])
    for _ in range(_COMMENTS_DEPTH):  # from the innermost out
        shorter = _COMMENT.sub(b" ", value)
        if shorter == value:
            break
        value = shorter
    wanted = identifier.lower().encode("ascii")
    found = _IDENTIFIER.match(value)
    if found is None:
        return wanted in value.lower()
    quoted, plain = found.groups()
    given = re.sub(rb"\\(.)", rb"\1", quoted) if quoted is not None else plain
    return given.lower().rstrip(b".") == wanted
