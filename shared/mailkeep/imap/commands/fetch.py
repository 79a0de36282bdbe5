"""FETCH and UID FETCH: which attributes, of which messages, on what conditions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.sequence import SequenceSet


class FetchItem(Enum):
    """Attributes without arguments. Macros (ALL, FAST, FULL) are expanded by the parser."""

    UID = "UID"
    FLAGS = "FLAGS"
    INTERNALDATE = "INTERNALDATE"
    RFC822_SIZE = "RFC822.SIZE"
    ENVELOPE = "ENVELOPE"
    BODY = "BODY"  # the non-extensible body structure
    BODYSTRUCTURE = "BODYSTRUCTURE"
    RFC822 = "RFC822"  # like BODY[]
    RFC822_HEADER = "RFC822.HEADER"  # like BODY.PEEK[HEADER]
    RFC822_TEXT = "RFC822.TEXT"  # like BODY[TEXT]
    MODSEQ = "MODSEQ"  # RFC 7162
    EMAILID = "EMAILID"  # RFC 8474
    THREADID = "THREADID"
    SAVEDATE = "SAVEDATE"  # RFC 8514
    PREVIEW = "PREVIEW"  # RFC 8970
    PREVIEW_LAZY = "PREVIEW (LAZY)"


class SectionText(Enum):
    """RFC 9051 section 6.4.5.1: what of a part; TEXT and HEADER of part () are the message's own."""

    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """`part` () and `text` None is the whole message; part (1, 2) and None is the body of part 1.2.
    `fields` are header field names as sent, for HEADER.FIELDS and HEADER.FIELDS.NOT."""

    part: tuple[int, ...] = ()
    text: SectionText | None = None
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """`<origin.length>`: at most `length` octets from `origin`. The answer names the origin alone."""

    origin: int
    length: int


@dataclass(frozen=True, slots=True)
class BodySection:
    """BODY[...] or BODY.PEEK[...]."""

    section: Section = Section()
    peek: bool = False
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class BinarySection:
    """BINARY[...] or BINARY.PEEK[...] (RFC 9051 section 6.4.5.2)."""

    part: tuple[int, ...] = ()
    peek: bool = False
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class BinarySize:
    """BINARY.SIZE[...]."""

    part: tuple[int, ...] = ()


FetchAttribute = FetchItem | BodySection | BinarySection | BinarySize


@dataclass(frozen=True, slots=True)
class PartialRange:
    """PARTIAL 1:100 or -1:-100 (RFC 9394 section 3.1): positions counted from the first, or, negative,
    from the last."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """RFC 9051 section 6.4.5. With `uid`, `messages` are UIDs and UID must be in every answer (section
    6.4.9). Attributes stand in the order asked, each once."""

    name: ClassVar[str] = "FETCH"

    messages: SequenceSet
    attributes: tuple[FetchAttribute, ...]
    uid: bool = False
    changed_since: int | None = None  # RFC 7162 section 3.1.4
    vanished: bool = False  # RFC 7162 section 3.2.6
    partial: PartialRange | None = None  # RFC 9394 section 3.3
