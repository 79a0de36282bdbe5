"""IMAP's ENVELOPE, rendered once at delivery (RFC 9051 section 7.5.2; RFC 3501 section 7.4.2).

Values are as in the header, unfolded: nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from mailkeep.mime import addresses
from mailkeep.mime.addresses import Mailbox
from mailkeep.mime.wire import NIL, nstring

REMEMBERED_LENGTH = 256  # octets of a field that is remembered


def render(fields: Mapping[bytes, bytes]) -> bytes:
    """ENVELOPE of a header, given as `headers.index` gives it."""
    sender = _list(fields.get(b"from"))
    members = (
        nstring(fields.get(b"date")),
        nstring(fields.get(b"subject")),
        sender,
        # A missing or empty Sender or Reply-To is what From is.
        _list(fields.get(b"sender"), sender),
        _list(fields.get(b"reply-to"), sender),
        _list(fields.get(b"to")),
        _list(fields.get(b"cc")),
        _list(fields.get(b"bcc")),
        nstring(fields.get(b"in-reply-to")),
        nstring(fields.get(b"message-id")),
    )
    return b"(" + b" ".join(members) + b")"


def _list(value: bytes | None, default: bytes = NIL) -> bytes:
    if not value:
        return default
    return (_remembered(value) if len(value) <= REMEMBERED_LENGTH else _rendered(value)) or default


def _rendered(value: bytes) -> bytes:
    """b"" where there is no address."""
    found = addresses.parse(value)
    return b"(" + b"".join([_address(address) for address in found]) + b")" if found else b""


# The next message is often from the same author to the same people.
_remembered = lru_cache(maxsize=1024)(_rendered)


def _address(address: Mailbox) -> bytes:
    return b"(%b %b %b %b)" % (
        nstring(address.name),
        nstring(address.route),
        nstring(address.mailbox),
        nstring(address.host),
    )
