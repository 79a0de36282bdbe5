"""One file out of a message, decoded as it is sent, with memory for a piece of it at a time.

The part index that was made at delivery says where it lies, so that the rest of the message is not read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from concurrent.futures import TimeoutError as ReadTimeout
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from mailkeep.errors import NotFound, StoreUnavailable
from mailkeep.mime import attachments, parts, transfer
from mailkeep.mime.octets import Octets
from mailkeep.mime.scan import scan
from mailkeep.storage.interface import Body, Column, EmailRow, Store
from mailkeep_api.opened import NO_NAME, attachment_id_of

HEADER_LIMIT = 256 * 1024  # octets of a part's header that its name is looked for in
READ_SECONDS = 60.0

_CHARSET = re.compile(r"[A-Za-z0-9_.:-]+\Z")


@dataclass(frozen=True, slots=True)
class File:
    """Where a file lies in its message, what it is called and what its sender says it is."""

    name: str
    content_type: str
    encoding: str
    start: int
    end: int
    body: Body


async def find(store: Store, row: EmailRow, wanted: UUID) -> File:
    """The file with this id. Raises NotFound."""
    part = _part(await _index(store, row), row.email_id, wanted)
    body = await store.messages.body(row.message_id)
    length = min(part.body_start - part.header_start, HEADER_LIMIT)
    described = attachments.attachments(scan(await body.read(part.header_start, length)))
    if not described:
        raise NotFound("There is no such attachment.")
    name = described[0].file_name or NO_NAME
    await body.reach(part.body_start, part.body_end - part.body_start)  # while there can be another status
    return File(name, _content_type(part), part.encoding, part.body_start, part.body_end, body)


def _content_type(part: parts.Part) -> str:
    """The sender's; only a text's charset goes with it, and only if it can stand in a header field."""
    said = part.media_type.startswith("text/") and _CHARSET.match(part.charset)
    return f"{part.media_type}; charset={part.charset}" if said else part.media_type


async def _index(store: Store, row: EmailRow) -> parts.PartIndex:
    async for batch in store.messages.rows([row.message_id], [Column.PARTS]):
        for _, packed in batch:
            return parts.unpack(packed)
    raise NotFound("There is no such message.")


def _part(index: parts.PartIndex, email_id: UUID, wanted: UUID) -> parts.Part:
    for number, part in enumerate(index.walk()):
        if attachment_id_of(email_id, number) == wanted:
            return part
    raise NotFound("There is no such attachment.")


async def decoded(file: File) -> AsyncIterator[bytes]:
    """The file's octets. Decoding runs in a thread, which asks for the encoded ones as it goes."""
    source = cast(Octets, _Remote(file.body, asyncio.get_running_loop()))
    pieces = transfer.decoded_chunks(source, file.start, file.end, file.encoding)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


class _Remote:
    """A stored message as octets that a thread may slice; the event loop reads them."""

    def __init__(self, body: Body, loop: asyncio.AbstractEventLoop) -> None:
        self._body = body
        self._loop = loop

    def __getitem__(self, asked: slice) -> bytes:
        reading = asyncio.run_coroutine_threadsafe(
            self._body.read(asked.start, asked.stop - asked.start), self._loop
        )
        try:
            return reading.result(READ_SECONDS)
        except ReadTimeout:
            reading.cancel()
            raise StoreUnavailable("The store did not answer in time.") from None
