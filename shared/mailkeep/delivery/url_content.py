"""What the URL of a message or of a part leads to: octets, as BODY[] would give them (RFC 4469 section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from mailkeep.errors import NotFound
from mailkeep.imap.render import cut, window
from mailkeep.imap.sections import locate, selected_fields
from mailkeep.imap.urls import MessageUrl
from mailkeep.mime import parts
from mailkeep.mime.parts import PartIndex
from mailkeep.storage.interface import Body, Column, Messages


@dataclass(frozen=True, slots=True)
class UrlContent:
    """`size` octets that can be read in pieces. `octets` if they were put together rather than cut out."""

    body: Body
    offset: int
    size: int
    octets: bytes | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The octets, in pieces of at most 256 KiB."""
        if self.octets is not None:
            yield self.octets
        elif self.size:
            async for piece in self.body.chunks(self.offset, self.size):
                yield piece


async def content_of(messages: Messages, mailbox_id: int, url: MessageUrl) -> UrlContent:
    """What `url` names within its mailbox. Raises NotFound if there is no such message or part."""
    snapshot = await messages.snapshot(mailbox_id)
    if url.uidvalidity not in (None, snapshot.uidvalidity):
        raise NotFound("The mailbox has another UIDVALIDITY.")
    entry = snapshot.entry(url.uid)
    if entry is None:
        raise NotFound("There is no such message.")
    body = await messages.body(entry.message_id)
    index = await _part_index(messages, entry.message_id)
    run = None if index is None else locate(url.section, index, body.size)
    if run is None:
        raise NotFound("There is no such part.")
    start, end = run
    if url.section.fields:
        octets = cut(selected_fields(url.section, await body.read(start, end - start)), url.partial)
        return UrlContent(body, 0, len(octets), octets)
    offset, length = window(end - start, url.partial)
    return UrlContent(body, start + offset, length)


async def _part_index(messages: Messages, message_id: int) -> PartIndex | None:
    """None if the message is gone."""
    async for rows in messages.rows((message_id,), (Column.PARTS,)):
        for row in rows:
            return parts.unpack(row[1])
    return None
