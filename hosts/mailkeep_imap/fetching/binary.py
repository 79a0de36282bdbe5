"""BINARY and BINARY.SIZE: parts without their transfer encoding (RFC 3516, RFC 9051 section 6.4.5).

Only leaves are decoded: composite parts have no encoding but the identity (RFC 2045 section 6.4), and the
whole message is taken as such a part. An encoding that is unknown fails the command; what is damaged gives
what can be saved of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from mailkeep.imap.commands.fetch import BinarySection, BinarySize, Section
from mailkeep.imap.render import cut, window
from mailkeep.mime import parts, transfer
from mailkeep.mime.media import Kind
from mailkeep.mime.parts import Part, PartIndex
from mailkeep.storage.interface import Body
from mailkeep_imap.codes import UnknownEncoding
from mailkeep_imap.fetching.plan import Item


def of_batch(item: Item, indexes: Sequence[bytes], octets: Sequence[bytes]) -> Iterable[bytes]:
    """Values of an item for messages in memory. `indexes` may be empty for the message as a whole. Raises
    UnknownEncoding."""
    assert item.section is not None
    if item.section.part:
        pairs = zip(indexes, octets, strict=True)
        found = [_decoded(item.section, parts.unpack(index), content) for index, content in pairs]
    else:
        found = list(octets)
    return [_value(item, content) for content in found]


def _decoded(section: Section, index: PartIndex, octets: bytes) -> bytes | None:
    part = index.find(section.part)
    if part is None:
        return None
    return transfer.decode(octets[part.body_start : part.body_end], encoding_of(part))


def _value(item: Item, content: bytes | None) -> bytes:
    if isinstance(item.attribute, BinarySize):
        return b"%d" % len(content or b"")  # the grammar has no NIL there: no such part is no octets
    if content is None:
        return b"NIL"
    content = cut(content, item.partial)
    tilde = b"~" if b"\0" in content else b""  # RFC 9051 section 4.3.1
    return b"%b{%d}\r\n%b" % (tilde, len(content), content)


def encoding_of(part: Part) -> str:
    """What a part has to be decoded from. Raises UnknownEncoding."""
    if part.kind is not Kind.LEAF:
        return "binary"
    if not transfer.is_known(part.encoding):
        raise UnknownEncoding("That content transfer encoding is not known here.")
    return part.encoding


def require_known(items: Iterable[Item], index: PartIndex) -> None:
    """Raises UnknownEncoding if one of the items cannot be decoded: before the first octet is sent."""
    for item in items:
        if isinstance(item.attribute, BinarySection | BinarySize) and item.attribute.part:
            part = index.find(item.attribute.part)
            if part is not None:
                encoding_of(part)


class LargePart:
    """A part of a large message, decoded while it is read: once for its size, once more to send it."""

    __slots__ = ("_body", "_encoding", "_end", "_start")

    def __init__(self, body: Body, part: Part | None) -> None:
        """None is the whole message."""
        self._body = body
        self._encoding = "binary" if part is None else encoding_of(part)
        self._start, self._end = (0, body.size) if part is None else (part.body_start, part.body_end)

    async def size(self) -> int:
        """Octets of the decoded part."""
        if transfer.normal_name(self._encoding) in transfer.IDENTITY:
            return self._end - self._start
        counted = 0
        async for piece in self._decoded():
            counted += len(piece)
        return counted

    async def window(self, item: Item) -> tuple[int, int]:
        """(offset, length) of what is asked for."""
        return window(await self.size(), item.partial)

    async def pieces(self, offset: int, length: int) -> AsyncIterator[bytes]:
        """Decoded octets [offset, offset + length)."""
        end, at = offset + length, 0
        async for piece in self._decoded():
            wanted = piece[max(offset - at, 0) : max(end - at, 0)]
            at += len(piece)
            if wanted:
                yield wanted
            if at >= end:
                return

    async def _decoded(self) -> AsyncIterator[bytes]:
        decoder = transfer.Decoder(self._encoding)
        if self._end > self._start:
            async for piece in self._body.chunks(self._start, self._end - self._start):
                yield decoder.feed(piece)
        yield decoder.finish()
