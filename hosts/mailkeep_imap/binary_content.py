"""Messages with NUL octets on their way in: read from one spool, encoded in a thread, put into another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from mailkeep.delivery.prepare import mapped
from mailkeep.delivery.spool import Spool
from mailkeep.errors import SpoolUnavailable
from mailkeep.mime.binary import NulOutsideParts, without_nul
from mailkeep.model.message import SpooledContent
from mailkeep_imap.codes import UnknownEncoding


async def copy_without_nul(content: bytes | SpooledContent, target: Spool) -> None:
    """Append the message to `target`, its binary parts encoded. Raises UnknownEncoding (RFC 3516 section
    4.4), SpoolUnavailable."""
    pieces = _pieces(content)  # closed with its last reference: a thread may still be in it
    while True:
        try:
            piece = await asyncio.to_thread(next, pieces, None)
        except NulOutsideParts as error:
            raise UnknownEncoding(str(error)) from None
        if piece is None:
            return
        await target.append(piece)


def _pieces(content: bytes | SpooledContent) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from without_nul(content)
        return
    try:
        with mapped(content) as octets:
            yield from without_nul(octets)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error
