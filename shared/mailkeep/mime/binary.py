"""Messages with binary parts, made fit for those who read lines (RFC 3516 section 4.4).

A client may append a message whose parts hold NUL octets. BODY[] has to give the same message without them
(RFC 9051 section 4.3.1), and everything here serves stored octets unchanged; so such parts are encoded in
base64 once, when they come, and their fields say so. BINARY gives their octets back as they were sent. Only
leaves with NUL octets are touched; NUL anywhere else is refused, because nothing could hold it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence

from mailkeep.errors import PeerError
from mailkeep.mime import headers, transfer
from mailkeep.mime.media import Kind
from mailkeep.mime.octets import Octets, find, piece
from mailkeep.mime.scan import Entity, scan

CHUNK = 57 * 4096  # octets encoded at a time: whole lines of 76 characters
_COPIED = 256 * 1024  # octets copied at a time
_ENCODING = b"content-transfer-encoding"


class NulOutsideParts(PeerError):
    """NUL octets in a header, between parts, or in a part that says it is encoded already."""


def without_nul(octets: Octets) -> Iterator[bytes]:
    """The message in pieces, its binary parts in base64. Raises NulOutsideParts, before or between pieces."""
    at = 0
    for entity in _with_nul(octets, scan(octets)):
        if transfer.normal_name(entity.fields.get(_ENCODING)) not in transfer.IDENTITY:
            raise NulOutsideParts("An encoded part holds a NUL octet.")
        yield from _copied(octets, at, entity.header_start)
        yield _header(_free_of_nul(octets, entity.header_start, entity.body_start))
        for start in range(entity.body_start, entity.body_end, CHUNK):
            yield base64_lines(piece(octets, start, min(start + CHUNK, entity.body_end)))
        at = entity.body_end
    yield from _copied(octets, at, len(octets))


def _with_nul(octets: Octets, entities: Sequence[Entity]) -> Iterator[Entity]:
    for entity in entities:
        if entity.kind is Kind.LEAF and find(octets, b"\0", entity.body_start, entity.body_end) >= 0:
            yield entity


def _copied(octets: Octets, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _COPIED):
        yield _free_of_nul(octets, at, min(at + _COPIED, end))


def _free_of_nul(octets: Octets, start: int, end: int) -> bytes:
    copy = piece(octets, start, end)
    if b"\0" in copy:
        raise NulOutsideParts("A NUL octet stands outside the message's parts.")
    return copy


def _header(header: bytes) -> bytes:
    kept = [raw for name, raw in headers.fields(header) if name.lower() != _ENCODING]
    if kept and not kept[-1].endswith(b"\n"):
        kept.append(b"\r\n")
    return b"".join([*kept, b"Content-Transfer-Encoding: base64\r\n\r\n"])


def base64_lines(octets: bytes) -> bytes:
    """In lines of 76 characters, all ended."""
    digits = b64encode(octets)
    return b"".join(digits[at : at + 76] + b"\r\n" for at in range(0, len(digits), 76))
