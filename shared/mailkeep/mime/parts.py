"""The packed part index: which octets are which part, in a few dozen bytes beside the message.

It is written once, at delivery, and answers FETCH of sections without parsing again. The first octet is its
version: 1 has offsets of 32 bits, 2 (for octets beyond 4 GiB) of 64. Octets that are not such an index, cut
or from a later version, are refused with StoreCorrupt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mailkeep.errors import StoreCorrupt
from mailkeep.mime import transfer
from mailkeep.mime.scan import Entity, Kind

_HEAD = struct.Struct("<BI")  # version, count
_RECORDS = {1: struct.Struct("<iBIIIIBBB"), 2: struct.Struct("<iBQQQQBBB")}
_ATTACHED = 0x80  # in the octet of the kind
_WORD_LIMIT = 255  # octets of a media type, encoding or charset


@dataclass(frozen=True, slots=True)
class Part:
    """One entity. Offsets are octets from the start of the message; names are in lower case.

    A message/rfc822 part has one child, the embedded message, whose header starts at `body_start`.
    """

    kind: Kind
    header_start: int
    body_start: int
    body_end: int
    lines: int
    media_type: str
    encoding: str
    charset: str
    attached: bool = False  # disposition "attachment"
    children: tuple[Part, ...] = ()

    @property
    def size(self) -> int:
        """Octets of the encoded body."""
        return self.body_end - self.body_start

    @property
    def is_multipart(self) -> bool:
        """True if the children are body parts."""
        return self.kind is Kind.MULTIPART

    @property
    def embedded(self) -> Part | None:
        """The message within a message/rfc822 part."""
        return self.children[0] if self.kind is Kind.MESSAGE and self.children else None


@dataclass(frozen=True, slots=True)
class PartIndex:
    """All parts of a message; `root` is the message itself."""

    root: Part

    def find(self, section: tuple[int, ...]) -> Part | None:
        """The part that a section number names (RFC 9051 section 6.4.5.1), or None.

        The empty section is the message. Part 1 of a message that is not multipart is that message: its
        body is the part's body. Numbers go through message/rfc822 into the message embedded there.
        """
        part, at_message = self.root, True
        for number in section:
            if not at_message and part.kind is not Kind.MULTIPART:
                if part.embedded is None:
                    return None
                part = part.embedded
            at_message = False
            if part.is_multipart:
                if not 1 <= number <= len(part.children):
                    return None
                part = part.children[number - 1]
            elif number != 1:
                return None
        return part

    def walk(self) -> Iterator[Part]:
        """All parts in the order of the message."""
        waiting = [self.root]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def pack(entities: Sequence[Entity]) -> bytes:
    """The index of scanned entities."""
    version = 1 if entities[0].body_end < 1 << 32 else 2
    record = _RECORDS[version]
    packed = [_HEAD.pack(version, len(entities))]
    for entity in entities:
        words = _words(entity)
        packed.append(
            record.pack(
                entity.parent,
                entity.kind | (_ATTACHED if _is_attached(entity) else 0),
                entity.header_start,
                entity.body_start,
                entity.body_end,
                entity.lines,
                *map(len, words),
            )
        )
        packed += words
    return b"".join(packed)


def _is_attached(entity: Entity) -> bool:
    disposition = entity.fields.get(b"content-disposition")
    if disposition is None:
        return False
    return disposition.partition(b";")[0].strip().lower() == b"attachment"


def _words(entity: Entity) -> tuple[bytes, bytes, bytes]:
    media_type = entity.media.lower[:_WORD_LIMIT]
    encoding = transfer.normal_name(entity.fields.get(b"content-transfer-encoding"))
    charset = entity.media.charset.lower()[:_WORD_LIMIT]
    return media_type, encoding.encode("latin-1"), charset


def unpack(packed: bytes) -> PartIndex:
    """The index from its octets. Raises StoreCorrupt if they are not one."""
    try:
        return PartIndex(_build(list(_records(packed))))
    except (struct.error, KeyError, ValueError, IndexError) as error:
        raise StoreCorrupt("A part index cannot be read.") from error


def _records(packed: bytes) -> Iterator[tuple[int, Part]]:
    version, count = _HEAD.unpack_from(packed)
    record = _RECORDS[version]
    at = _HEAD.size
    for _ in range(count):
        parent, kind, header, body, end, lines, *lengths = record.unpack_from(packed, at)
        at += record.size
        words = []
        for length in lengths:
            words.append(packed[at : at + length].decode("latin-1"))
            at += length
        media_type, encoding, charset = words
        attached = bool(kind & _ATTACHED)
        made_of = Kind(kind & ~_ATTACHED)
        yield parent, Part(made_of, header, body, end, lines, media_type, encoding, charset, attached)
    if at != len(packed):
        raise ValueError("octets left over")


def _build(records: list[tuple[int, Part]]) -> Part:
    """Children stand after their parents, so that one pass from the end makes the tree."""
    children: list[list[Part]] = [[] for _ in records]
    for at in range(len(records) - 1, 0, -1):
        parent, part = records[at]
        if not 0 <= parent < at:
            raise ValueError("a part without its parent before it")
        children[parent].append(_with_children(part, children[at]))
    parent, root = records[0]
    if parent != -1:
        raise ValueError("a root within another part")
    return _with_children(root, children[0])


def _with_children(part: Part, children: list[Part]) -> Part:
    return replace(part, children=tuple(reversed(children))) if children else part
