"""Which parts of a message are offered as files, under what name.

One rule for everybody: the count that lists show, and the files that a reader is given. What lies inside an
embedded message is that message's; the embedded message itself may be a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.mime import charset, params, transfer
from mailkeep.mime.scan import Entity, Kind

FILE_NAME_LIMIT = 255  # characters, as file systems have it
_NOT_SAID = params.Parameterised(b"")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file. `number` counts the entities of the message from 0 and names the part for good; octets
    [start, end) of the message hold it in its transfer encoding. `file_name` is "" if it has none."""

    number: int
    file_name: str
    media_type: str
    encoding: str
    start: int
    end: int


def attachments(entities: Sequence[Entity]) -> list[Attachment]:
    """The files of a scanned message, in its order."""
    return [
        _attachment(number, entities[number])
        for number in top_leaves(entities)
        if is_attachment(entities[number])
    ]


def top_leaves(entities: Sequence[Entity]) -> Sequence[int]:
    """Places of the parts that are the message's own: no multiparts, nothing out of embedded messages."""
    if len(entities) == 1:
        return (0,) if entities[0].kind is not Kind.MULTIPART else ()
    leaves: list[int] = []
    embedded: set[int] = set()
    for at, entity in enumerate(entities):
        parent = entity.parent
        if parent >= 0 and (parent in embedded or entities[parent].kind is Kind.MESSAGE):
            embedded.add(at)
        elif entity.kind is not Kind.MULTIPART:
            leaves.append(at)
    return leaves


def disposition(entity: Entity) -> params.Parameterised:
    """The Content-Disposition (RFC 2183) of a part."""
    value = entity.fields.get(b"content-disposition")
    return params.parse(value) if value else _NOT_SAID


def is_attachment(entity: Entity) -> bool:
    """Said to be one, or a named part that is neither text nor meant to be shown in place."""
    if entity.media.is_text and b"content-disposition" not in entity.fields:
        return False
    said = disposition(entity)
    kind = said.token.lower()
    if kind == b"attachment":
        return True
    if kind == b"inline" or entity.type.lower() == b"text":
        return False
    named = (said.get(b"filename"), said.get(b"filename*"))
    typed = (entity.content_type.get(b"name"), entity.content_type.get(b"name*"))
    return any(named) or any(typed)


def _attachment(number: int, entity: Entity) -> Attachment:
    named = disposition(entity).decoded(b"filename") or entity.content_type.decoded(b"name") or ""
    return Attachment(
        number,
        file_name=safe_name(named),
        media_type=f"{entity.type.decode('latin-1')}/{entity.subtype.decode('latin-1')}".lower(),
        encoding=transfer.normal_name(entity.fields.get(b"content-transfer-encoding")),
        start=entity.body_start,
        end=entity.body_end,
    )


def safe_name(name: str) -> str:
    """The last component of what a sender wrote, without control characters (RFC 2183 section 5)."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if char.isprintable()).strip(" .")
    return charset.storable(shown, FILE_NAME_LIMIT)
