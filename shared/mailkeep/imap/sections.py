"""Where a section lies in a message (RFC 9051 section 6.4.5.1), by the part index alone.

Every section but HEADER.FIELDS is one run of the message's octets: it is cut out, never put together.
"""

from __future__ import annotations

from typing import Literal

from mailkeep.imap.commands.fetch import Section, SectionText
from mailkeep.mime import headers
from mailkeep.mime.parts import Part, PartIndex

Run = tuple[int, int]  # octets [start, end)


def locate(section: Section, index: PartIndex, size: int) -> Run | None:
    """The run of octets of a section; for HEADER.FIELDS that of the whole header. None: no such part."""
    if not section.part and section.text is None:
        return 0, size
    part = index.find(section.part)
    if part is None:
        return None
    if not section.part:
        return _of_message(part, section.text)
    if section.text is None:
        return part.body_start, part.body_end
    if section.text is SectionText.MIME:
        return part.header_start, part.body_start
    return None if part.embedded is None else _of_message(part.embedded, section.text)


def _of_message(message: Part, text: SectionText | None) -> Run:
    if text is SectionText.TEXT:
        return message.body_start, message.body_end
    return message.header_start, message.body_start


def selected_fields(section: Section, header: bytes) -> bytes:
    """HEADER.FIELDS or HEADER.FIELDS.NOT of a header section."""
    matching: Literal["only", "not"] = "only" if section.text is SectionText.HEADER_FIELDS else "not"
    return headers.select(header, section.fields, matching)
