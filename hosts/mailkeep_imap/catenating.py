"""CATENATE (RFC 4469): messages put together from octets that were sent and parts that are here already."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailkeep.delivery.url_content import UrlContent, content_of
from mailkeep.errors import NotFound, SpoolUnavailable, TooLarge
from mailkeep.imap.commands.append import AppendMessage, CatPart, CatUrl, StreamedLiteral
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.urls import MessageUrl, UrlInvalid, parse_url
from mailkeep.model.message import SpooledContent
from mailkeep_imap.codes import BadUrl
from mailkeep_imap.commands.mailbox import selectable
from mailkeep_imap.signed_urls import opened
from mailkeep_imap.upload import Upload

if TYPE_CHECKING:
    from mailkeep_imap.session import Session

PARTS_LIMIT = 1000  # of one command; each may cost a few queries
COPIED = 256 * 1024  # octets at a time


async def put_together(session: Session, upload: Upload, messages: Sequence[AppendMessage]) -> list[int]:
    """The place in `upload` of each message. Raises BadUrl, TooLarge, SpoolUnavailable, and ImapSyntaxError
    for what did not come as a literal."""
    if sum(len(message.content) for message in messages if isinstance(message.content, tuple)) > PARTS_LIMIT:
        raise TooLarge(f"A command takes at most {PARTS_LIMIT} parts of messages.")
    room = _Room(session)
    return [await _message(session, upload, message, room) for message in messages]


class _Room:
    """Octets that may still be copied for this command."""

    def __init__(self, session: Session) -> None:
        self.of_message = session.host.imap.max_append_size
        self._left = 4 * self.of_message

    def take(self, size: int) -> None:
        """Raises TooLarge."""
        self._left -= size
        if self._left < 0:
            raise TooLarge("All messages of one command together are too large.")


async def _message(session: Session, upload: Upload, message: AppendMessage, room: _Room) -> int:
    content = message.content
    if isinstance(content, StreamedLiteral):
        return content.index
    if isinstance(content, bytes):
        raise ImapSyntaxError("A message is sent as a literal.")
    place = upload.open()
    for part in content:
        size, pieces = await _opened(session, upload, part)
        room.take(size)
        if upload.spools[place].size + size > room.of_message:  # RFC 4469 section 4.2
            raise TooLarge("The message is too large.")
        async for piece in pieces:
            await upload.append(place, piece)
    if not upload.spools[place].size:
        raise ImapSyntaxError("There is no empty message.")
    return place


async def _opened(session: Session, upload: Upload, part: CatPart) -> tuple[int, AsyncIterator[bytes]]:
    if isinstance(part, CatUrl):
        content = await _content(session, part.url)
        return content.size, content.chunks()
    if not isinstance(part.content, StreamedLiteral):
        raise ImapSyntaxError("A message is sent as a literal.")
    index = part.content.index
    return upload.spools[index].size, _pieces(await upload.content(index))


async def _pieces(content: bytes | SpooledContent) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    for offset in range(0, content.size, COPIED):
        yield await asyncio.to_thread(_read, content, offset)


def _read(content: SpooledContent, offset: int) -> bytes:
    try:
        with Path(content.path).open("rb") as file:
            file.seek(content.offset + offset)
            return file.read(min(COPIED, content.size - offset))
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error


async def _content(session: Session, text: str) -> UrlContent:
    """An absolute URL leads to somebody's message if it is signed (RFC 4469 section 3, RFC 4467). Raises
    BadUrl."""
    if not text.lower().startswith("imap://"):
        return await own_content(session, text)
    content = await opened(session, text)
    if content is None:
        raise BadUrl(text)
    return content


async def own_content(session: Session, text: str) -> UrlContent:
    """What a relative URL leads to in this session (RFC 4469 section 3). Raises BadUrl."""
    try:
        url = parse_url(text)
        if not url.is_relative or url.rest or (url.mailbox is None and session.selected is None):
            raise BadUrl(text)
        return await content_of(session.host.store.messages, await _mailbox_of(session, url), url)
    except (UrlInvalid, NotFound):
        raise BadUrl(text) from None


async def _mailbox_of(session: Session, url: MessageUrl) -> int:
    """A URL without a mailbox means the selected one, whatever its name is by now. Raises NotFound."""
    if url.mailbox is None:
        return session.view.mailbox_id
    return (await selectable(session, url.mailbox)).id
