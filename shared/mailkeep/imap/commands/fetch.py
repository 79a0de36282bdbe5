"""FETCH and UID FETCH: which attributes, of which messages, on what conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import field_name
from mailkeep.imap.names import NameForm
from mailkeep.imap.sequence import SequenceSet

T = TypeVar("T")


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

    def encode(self) -> bytes:
        """What stands between the brackets, in a command and in its answer."""
        specifier = [str(number) for number in self.part]
        if self.text is not None:
            specifier.append(self.text.value)
        octets = ".".join(specifier).encode("ascii")
        if self.fields:
            octets += b" (%b)" % b" ".join(field_name(field) for field in self.fields)
        return octets


@dataclass(frozen=True, slots=True)
class Partial:
    """`<origin.length>`: at most `length` octets from `origin`. The answer names the origin alone."""

    origin: int
    length: int

    def encode(self) -> bytes:
        """`<0.2048>`."""
        return b"<%d.%d>" % (self.origin, self.length)


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

    def cut(self, found: Sequence[T]) -> Sequence[T]:
        """What the range holds of a result. 500:400 is the same as 400:500 (section 4)."""
        low, high = sorted((abs(self.first), abs(self.last)))
        if self.first > 0:
            return found[low - 1 : high]
        return found[max(len(found) - high, 0) : max(len(found) - low + 1, 0)]

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


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

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Set, attributes, modifiers."""
        attributes = b" ".join(encode_attribute(attribute) for attribute in self.attributes)
        return f"{self.messages} ".encode("ascii") + b"(%b)" % attributes + self._modifiers()

    def _modifiers(self) -> bytes:
        words = []
        if self.changed_since is not None:
            words.append(f"CHANGEDSINCE {self.changed_since}")
        if self.vanished:
            words.append("VANISHED")
        if self.partial is not None:
            words.append(f"PARTIAL {self.partial}")
        return f" ({' '.join(words)})".encode("ascii") if words else b""


def encode_attribute(attribute: FetchAttribute) -> bytes:
    """An attribute as a client asks for it."""
    if isinstance(attribute, FetchItem):
        return attribute.value.encode("ascii")
    if isinstance(attribute, BinarySize):
        return b"BINARY.SIZE[%b]" % Section(attribute.part).encode()
    peek = b".PEEK" if attribute.peek else b""
    partial = attribute.partial.encode() if attribute.partial else b""
    if isinstance(attribute, BodySection):
        return b"BODY%b[%b]%b" % (peek, attribute.section.encode(), partial)
    return b"BINARY%b[%b]%b" % (peek, Section(attribute.part).encode(), partial)


def label(attribute: FetchAttribute) -> bytes:
    """An attribute's name in the FETCH response (RFC 9051 section 7.5.2): without PEEK, and with the
    origin alone of a partial. To be made once a command, not once a message."""
    if attribute is FetchItem.PREVIEW_LAZY:
        return b"PREVIEW"
    if isinstance(attribute, FetchItem | BinarySize):
        return encode_attribute(attribute)
    origin = b"<%d>" % attribute.partial.origin if attribute.partial else b""
    if isinstance(attribute, BodySection):
        return b"BODY[%b]%b" % (attribute.section.encode(), origin)
    return b"BINARY[%b]%b" % (Section(attribute.part).encode(), origin)
