"""The grammar of FETCH (RFC 9051 section 9, `fetch`), with the modifiers of RFC 7162 and RFC 9394."""

from __future__ import annotations

import re
from collections.abc import Callable

from mailkeep.imap.commands.fetch import (
    BinarySection,
    BinarySize,
    BodySection,
    Fetch,
    FetchAttribute,
    FetchItem,
    Partial,
    PartialRange,
    Section,
    SectionText,
)
from mailkeep.imap.errors import ImapLimitExceeded, ImapSyntaxError
from mailkeep.imap.lexer import NUMBER_MAX, Cursor
from mailkeep.imap.limits import NUMBER64_MAX

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


def parse_attributes(cursor: Cursor) -> tuple[FetchAttribute, ...]:
    """`"(" fetch-att *(SP fetch-att) ")"`, each once."""
    return tuple(dict.fromkeys(cursor.list_of(lambda: _attribute(cursor))))


def _attributes(cursor: Cursor) -> tuple[FetchAttribute, ...]:
    if cursor.next_is(b"("):
        return parse_attributes(cursor)
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
            cursor.unknown("attribute with a section")
        return sectioned(cursor)
    item = _ITEMS.get(name)
    if item is None:
        cursor.unknown("FETCH attribute")
    if item is FetchItem.PREVIEW and cursor.octets[cursor.at : cursor.at + 7].upper() == b" (LAZY)":
        cursor.at += 7
        return FetchItem.PREVIEW_LAZY
    return item


def parse_section(cursor: Cursor) -> Section:
    """`section` of RFC 9051 section 9, as far as the closing bracket."""
    found = cursor.match(_SECTION, "a section")
    part = _part(found[1])
    text = SectionText(found[3].decode("ascii").upper()) if found[3] else None
    if bool(found[2]) != bool(part and text) or (text is SectionText.MIME and not part):
        cursor.unknown("section")
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
            cursor.unknown("FETCH modifier")
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return changed_since, vanished, partial


_FIELD_TEXTS = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)
_SECTIONED: dict[bytes, Callable[[Cursor], FetchAttribute]] = {
    b"BODY": lambda cursor: BodySection(parse_section(cursor), False, _partial(cursor)),
    b"BODY.PEEK": lambda cursor: BodySection(parse_section(cursor), True, _partial(cursor)),
    b"BINARY": lambda cursor: BinarySection(_binary_part(cursor), False, _partial(cursor)),
    b"BINARY.PEEK": lambda cursor: BinarySection(_binary_part(cursor), True, _partial(cursor)),
    b"BINARY.SIZE": lambda cursor: BinarySize(_binary_part(cursor)),
}
