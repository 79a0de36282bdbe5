"""IMAP's ENVELOPE, rendered once at delivery (RFC 9051 section 7.5.2; RFC 3501 section 7.4.2).

Values are as in the header, unfolded: nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailkeep.mime import addresses
from mailkeep.mime.addresses import Mailbox
from mailkeep.mime.wire import NIL, nstring


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
    found = addresses.parse(value)
    if not found:
        return default
    return b"(" + b"".join([_address(address) for address in found]) + b")"


def _address(address: Mailbox) -> bytes:
    return b"(%b %b %b %b)" % (
        nstring(address.name),
        nstring(address.route),
        nstring(address.mailbox),
        nstring(address.host),
    )
