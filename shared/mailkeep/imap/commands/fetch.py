"""FETCH and UID FETCH: which attributes, of which messages, on what conditions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.encoder import field_name
from mailkeep.imap.errors import ImapLimitExceeded, ImapSyntaxError
from mailkeep.imap.lexer import NUMBER_MAX, Cursor
from mailkeep.imap.limits import NUMBER64_MAX
from mailkeep.imap.names import NameForm
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


# --- parsing ----------------------------------------------------------------------------------------

_PART = rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*"
_SECTION = re.compile(
    rb"\[(%b)?(\.)?(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?" % _PART, re.IGNORECASE
)
_BINARY_PART = re.compile(rb"\[(%b)?\]" % _PART)
_PARTIAL = re.compile(rb"<([0-9]{1,19})\.([0-9]{1,19})>")
_PARTIAL_RANGE = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})")
_ATTRIBUTE = re.compile(rb"[A-Za-z0-9.]+")

_ITEMS = {item.value.encode("ascii"): item for item in FetchItem}
_FAST = (FetchItem.FLAGS, FetchItem.INTERNALDATE, FetchItem.RFC822_SIZE)
_MACROS = {  # RFC 9051 section 6.4.5
    b"FAST": _FAST,
    b"ALL": (*_FAST, FetchItem.ENVELOPE),
    b"FULL": (*_FAST, FetchItem.ENVELOPE, FetchItem.BODY),
}
PART_DEPTH_LIMIT = 100
"""Numbers in one section part: deeper than any message that the MIME scanner follows."""


def parse_fetch(tag: str, cursor: Cursor, *, uid: bool) -> Fetch:
    """`fetch` of RFC 9051 section 9 with the modifiers of RFC 7162 and RFC 9394."""
    cursor.space()
    messages = cursor.sequence_set()
    cursor.space()
    attributes = _attributes(cursor)
    if cursor.at_end():
        return Fetch(tag, messages, attributes, uid)
    changed_since, vanished, partial = _modifiers(cursor)
    if vanished and not (uid and changed_since is not None):
        raise ImapSyntaxError("VANISHED needs UID FETCH with CHANGEDSINCE.")  # RFC 7162 section 3.2.6
    return Fetch(tag, messages, attributes, uid, changed_since, vanished, partial)


def parse_partial_range(cursor: Cursor) -> PartialRange:
    """`partial-range` of RFC 9394 section 4: both from the first, or both from the last."""
    found = cursor.match(_PARTIAL_RANGE, "a partial range")
    if found[1] != found[3] or max(int(found[2]), int(found[4])) > NUMBER_MAX:
        raise ImapSyntaxError("A partial range counts from one end.")
    sign = -1 if found[1] else 1
    return PartialRange(sign * int(found[2]), sign * int(found[4]))


def _attributes(cursor: Cursor) -> tuple[FetchAttribute, ...]:
    if cursor.next_is(b"("):
        return tuple(dict.fromkeys(cursor.list_of(lambda: _attribute(cursor))))
    start = cursor.at
    macro = _MACROS.get(cursor.match(_ATTRIBUTE, "an attribute").group().upper())
    if macro is not None:
        return macro
    cursor.at = start
    return (_attribute(cursor),)


def _attribute(cursor: Cursor) -> FetchAttribute:
    name = cursor.match(_ATTRIBUTE, "an attribute").group().upper()
    if cursor.next_is(b"["):
        sectioned = _SECTIONED.get(name)
        if sectioned is None:
            cursor.fail("no section behind this attribute")
        return sectioned(cursor)
    item = _ITEMS.get(name)
    if item is None:
        cursor.fail("a FETCH attribute before")
    if item is FetchItem.PREVIEW and cursor.octets[cursor.at : cursor.at + 7].upper() == b" (LAZY)":
        cursor.at += 7
        return FetchItem.PREVIEW_LAZY
    return item


def _section(cursor: Cursor) -> Section:
    """`section` of RFC 9051 section 9, as far as the closing bracket."""
    found = cursor.match(_SECTION, "a section")
    part = _part(found[1])
    text = SectionText(found[3].decode("ascii").upper()) if found[3] else None
    if bool(found[2]) != bool(part and text) or (text is SectionText.MIME and not part):
        cursor.fail("a section before")
    fields: tuple[bytes, ...] = ()
    if text in _FIELD_TEXTS:
        cursor.space()
        fields = cursor.list_of(lambda: _field_name(cursor))
    cursor.expect(b"]")
    return Section(part, text, fields)


def _field_name(cursor: Cursor) -> bytes:
    """`header-fld-name`. What cannot be quoted is no field's name (RFC 5322 section 2.2), and the answer
    has to repeat it."""
    name = cursor.astring()
    if not name or not name.isascii() or b"\r" in name or b"\n" in name:
        raise ImapSyntaxError("No header field has such a name.")
    return name


def _part(octets: bytes | None) -> tuple[int, ...]:
    if not octets:
        return ()
    numbers = octets.split(b".")
    if len(numbers) > PART_DEPTH_LIMIT:
        raise ImapLimitExceeded(f"A section has at most {PART_DEPTH_LIMIT} part numbers.")
    return tuple(int(number) for number in numbers)


def _partial(cursor: Cursor) -> Partial | None:
    if not cursor.next_is(b"<"):
        return None
    found = cursor.match(_PARTIAL, "<origin.length>")
    origin, length = int(found[1]), int(found[2])
    if length == 0 or max(origin, length) > NUMBER64_MAX:
        raise ImapSyntaxError("A partial's length is 1 or more.")
    return Partial(origin, length)


def _binary_part(cursor: Cursor) -> tuple[int, ...]:
    return _part(cursor.match(_BINARY_PART, "a section part")[1])


def _modifiers(cursor: Cursor) -> tuple[int | None, bool, PartialRange | None]:
    changed_since, vanished, partial = None, False, None
    cursor.expect(b" (")
    while True:
        word = cursor.word()
        if word == "CHANGEDSINCE":
            cursor.space()
            changed_since = cursor.number64()
        elif word == "VANISHED":
            vanished = True
        elif word == "PARTIAL":
            cursor.space()
            partial = parse_partial_range(cursor)
        else:
            cursor.fail("a FETCH modifier before")
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return changed_since, vanished, partial


_FIELD_TEXTS = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)
_SECTIONED: dict[bytes, Callable[[Cursor], FetchAttribute]] = {
    b"BODY": lambda cursor: BodySection(_section(cursor), False, _partial(cursor)),
    b"BODY.PEEK": lambda cursor: BodySection(_section(cursor), True, _partial(cursor)),
    b"BINARY": lambda cursor: BinarySection(_binary_part(cursor), False, _partial(cursor)),
    b"BINARY.PEEK": lambda cursor: BinarySection(_binary_part(cursor), True, _partial(cursor)),
    b"BINARY.SIZE": lambda cursor: BinarySize(_binary_part(cursor)),
}


# --- encoding ---------------------------------------------------------------------------------------


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
