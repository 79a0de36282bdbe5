"""From octets to a message ready for the store: everything that is rendered once, at delivery."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.mime import downgrade, envelope, parts, structure, summary
from mailkeep.mime.headers import CRLF
from mailkeep.mime.octets import Octets, piece
from mailkeep.mime.scan import Entity, Kind, scan, scan_within
from mailkeep.model.message import HEADER_KEPT, PreparedMessage, SentSizes, SpooledContent

EFFORT = 24 * 1024
"""What `prepare_swiftly` looks at, as effort.py counts. Headers of large providers' mail are 6 to 12 KB."""

LISTS_EFFORT = 2 * 1024
"""Octets of those fields whose values are taken apart, which costs most: two microseconds an address."""

_TAKEN_APART = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"subject", b"references")


def prepare(octets: Octets, spool: SpooledContent | None = None) -> PreparedMessage:
    """Scan a whole message and render what IMAP and the API will ask for. Never raises on any octets.

    `octets` is the whole message. A large one lies in a file: then `spool` names the range that holds its
    last `spool.size` octets (all of them, or what follows a header put before it), `octets` is best a
    memory map, and the body is not copied.
    """
    return _rendered(octets, scan(octets), spool)


def prepare_swiftly(octets: bytes) -> PreparedMessage | None:
    """The same for an event loop: None, and little done, if header fields or parts would take long.

    An ordinary message of 128 KiB takes 0.1 to 0.4 ms, and none that is not refused more than about 3.
    """
    entities = scan_within(octets, EFFORT)
    if entities is None:
        return None
    headers = [one.fields for one in entities if one.parent < 0 or entities[one.parent].kind is Kind.MESSAGE]
    if sum(len(fields.get(name, b"")) for fields in headers for name in _TAKEN_APART) > LISTS_EFFORT:
        return None
    return _rendered(octets, entities, None)


def _rendered(octets: Octets, entities: Sequence[Entity], spool: SpooledContent | None) -> PreparedMessage:
    header = piece(octets, 0, min(entities[0].body_start, HEADER_KEPT))
    body, body_structure = structure.render(entities)
    return PreparedMessage(
        header=header,
        content=_content(octets, len(header), spool),
        size=len(octets),
        envelope=envelope.render(entities[0].fields),
        body=body,
        body_structure=body_structure,
        parts=parts.pack(entities),
        summary=summary.summarise(octets, entities),
        sent_sizes=_sent_sizes(octets, entities),
    )


def _sent_sizes(octets: Octets, entities: Sequence[Entity]) -> SentSizes | None:
    """None for nearly every message."""
    size = len(octets)
    more = downgrade.growth(entities, octets)
    ends = size == 0 or piece(octets, max(size - 2, 0), size) == CRLF
    if ends and more is None:
        return None
    whole = size if ends else size + len(CRLF)
    return SentSizes(whole, whole + (more or 0))


def _content(octets: Octets, start: int, spool: SpooledContent | None) -> bytes | SpooledContent:
    """What follows the header, in the spool if all of it lies there."""
    size = len(octets) - start
    if spool is None or spool.size < size:
        return piece(octets, start, len(octets))
    return SpooledContent(spool.path, spool.offset + spool.size - size, size)
