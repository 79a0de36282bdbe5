"""A whole message from one spool into another in the form that is wanted: in a thread, a piece at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from mailkeep.delivery.prepare import mapped
from mailkeep.delivery.spool import Spool
from mailkeep.errors import SpoolUnavailable
from mailkeep.mime.recode import Form, recoded
from mailkeep.model.message import SpooledContent


async def copy_recoded(content: bytes | SpooledContent, target: Spool, form: Form) -> None:
    """Append the message to `target`. Raises CannotRecode, SpoolUnavailable."""
    pieces = _pieces(content, form)  # closed with its last reference: a thread may still be in it
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        await target.append(piece)


def _pieces(content: bytes | SpooledContent, form: Form) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from recoded(content, form)
        return
    try:
        with mapped(content) as octets:
            yield from recoded(octets, form)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error
