"""IMAP's BODY and BODYSTRUCTURE, rendered once at delivery (RFC 9051 section 7.5.2).

Both come from one walk over the scanned entities, from the last to the first, so that every part finds its
children rendered and nothing recurses.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.mime import envelope, params
from mailkeep.mime.media import wire_parameters
from mailkeep.mime.scan import Entity, Kind
from mailkeep.mime.wire import NIL, listed, nstring, string

LANGUAGE_LIMIT = 32  # languages of one part

_NIL4 = b" NIL NIL NIL NIL"  # where a part has none of these
_EXTENSION_FIELDS = (b"content-md5", b"content-disposition", b"content-language", b"content-location")


def render(entities: Sequence[Entity]) -> tuple[bytes, bytes]:
    """(BODY, BODYSTRUCTURE) of a message."""
    if len(entities) == 1:
        return _single(entities[0], [], entities, 0)
    children: list[list[tuple[bytes, bytes]]] = [[] for _ in entities]
    rendered = (b"", b"")
    for at in range(len(entities) - 1, -1, -1):
        entity = entities[at]
        within = children[at]
        within.reverse()
        rendered = (
            _multipart(entity, within)
            if entity.kind is Kind.MULTIPART
            else _single(entity, within, entities, at)
        )
        if entity.parent >= 0:
            children[entity.parent].append(rendered)
    return rendered


def _multipart(entity: Entity, children: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    subtype = string(entity.subtype)
    body = b"(%b %b)" % (b"".join([child[0] for child in children]), subtype)
    structure = b"(%b %b %b %b)" % (
        b"".join([child[1] for child in children]),
        subtype,
        wire_parameters(entity.content_type),
        _extension(entity),
    )
    return body, structure


def _single(
    entity: Entity, children: list[tuple[bytes, bytes]], entities: Sequence[Entity], at: int
) -> tuple[bytes, bytes]:
    fields = entity.fields
    basic = b"%b %b %b %b %d" % (
        entity.media.wire,
        nstring(fields.get(b"content-id")),
        nstring(fields.get(b"content-description")),
        _encoding(fields.get(b"content-transfer-encoding")),
        entity.body_end - entity.body_start,
    )
    if entity.kind is Kind.MESSAGE:
        wrapped = envelope.render(entities[at + 1].fields)
        body = b"%b %b %b %d" % (basic, wrapped, children[0][0], entity.lines)
        structure = b"%b %b %b %d" % (basic, wrapped, children[0][1], entity.lines)
    elif entity.media.is_text:
        body = structure = b"%b %d" % (basic, entity.lines)
    else:
        body = structure = basic
    if fields.keys().isdisjoint(_EXTENSION_FIELDS):
        return b"(%b)" % body, b"(%b%b)" % (structure, _NIL4)
    digest = nstring(fields.get(b"content-md5"))
    return b"(%b)" % body, b"(%b %b %b)" % (structure, digest, _extension(entity))


def _extension(entity: Entity) -> bytes:
    """Disposition, language and location: what both kinds of part end with."""
    fields = entity.fields
    return b"%b %b %b" % (
        _disposition(fields.get(b"content-disposition")),
        _language(fields.get(b"content-language")),
        nstring(fields.get(b"content-location")),
    )


def _encoding(value: bytes | None) -> bytes:
    """RFC 2045 section 6.1: 7bit where nothing else is said."""
    if value is None:
        return b'"7bit"'
    if b"(" in value:
        value = params.strip_comments(value)
    return string(value.strip(b' \t;"') or b"7bit")


def _disposition(value: bytes | None) -> bytes:
    if not value:
        return NIL
    parsed = params.parse(value)
    if not parsed.token:
        return NIL
    return b"(%b %b)" % (string(parsed.token), wire_parameters(parsed))


def _language(value: bytes | None) -> bytes:
    """RFC 3282: one language or a list; a list in parentheses only where there are several."""
    if not value:
        return NIL
    tags = [tag.strip() for tag in params.strip_comments(value).split(b",")]
    tags = [tag for tag in tags if tag][:LANGUAGE_LIMIT]
    if not tags:
        return NIL
    return string(tags[0]) if len(tags) == 1 else listed(map(string, tags))
