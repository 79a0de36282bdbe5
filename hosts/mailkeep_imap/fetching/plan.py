"""What a FETCH has to read. Nothing is read that was not asked for.

Flags, UIDs, sizes and dates are in the snapshot. ENVELOPE and its like are columns of the message row, ready
for the wire; so are header fields. Only sections of the body need the message's octets.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from mailkeep.imap.commands.fetch import (
    BinarySection,
    BinarySize,
    BodySection,
    Fetch,
    FetchAttribute,
    FetchItem,
    Partial,
    Section,
    SectionText,
    label,
)
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.storage.interface import Column

SNAPSHOT_ITEMS = frozenset(
    {
        FetchItem.UID,
        FetchItem.FLAGS,
        FetchItem.INTERNALDATE,
        FetchItem.RFC822_SIZE,
        FetchItem.MODSEQ,
        FetchItem.SAVEDATE,  # of the entry, like these, but read from the database
        FetchItem.THREADID,  # always NIL: RFC 8474 section 5.2 permits it
    }
)
COLUMN_OF = {
    FetchItem.ENVELOPE: Column.ENVELOPE,
    FetchItem.BODY: Column.BODY,
    FetchItem.BODYSTRUCTURE: Column.BODY_STRUCTURE,
    FetchItem.EMAILID: Column.EMAIL_ID,
    FetchItem.PREVIEW: Column.SUMMARY,
    FetchItem.PREVIEW_LAZY: Column.SUMMARY,
}
# RFC 9051 section 6.4.5: what the three old names mean.
_OLD_NAMES = {
    FetchItem.RFC822: BodySection(Section()),
    FetchItem.RFC822_HEADER: BodySection(Section((), SectionText.HEADER), peek=True),
    FetchItem.RFC822_TEXT: BodySection(Section((), SectionText.TEXT)),
}
_NUMBERS = frozenset({FetchItem.UID, FetchItem.RFC822_SIZE})
_FIELDS = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)
_HEADER_TEXTS = (SectionText.HEADER, *_FIELDS)


@dataclass(frozen=True, slots=True)
class Item:
    """One attribute of the answer: its label, and where its value comes from. `section` is None for what
    the snapshot or a column of the row has ready."""

    label: bytes
    attribute: FetchAttribute
    section: Section | None = None
    partial: Partial | None = None

    @property
    def kind(self) -> Hashable:
        """What of a message it is, whatever name it was asked for by."""
        return (self.section, self.partial) if self.is_octets else self.attribute

    @property
    def is_of_header(self) -> bool:
        """True for sections of the message's own header."""
        return self.section is not None and not self.section.part and self.section.text in _HEADER_TEXTS

    @property
    def is_whole(self) -> bool:
        """True for BODY[]: all octets."""
        return self.section is not None and not self.section.part and self.section.text is None

    @property
    def is_octets(self) -> bool:
        """True for sections that are sent as they are: not for what is decoded, or counted."""
        return self.section is not None and not self.is_binary

    @property
    def is_binary(self) -> bool:
        """True for BINARY and BINARY.SIZE: decoded."""
        return isinstance(self.attribute, BinarySection | BinarySize)

    @property
    def is_selection(self) -> bool:
        """True for HEADER.FIELDS and HEADER.FIELDS.NOT, which are put together rather than cut out."""
        return self.section is not None and self.section.text in _FIELDS


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """`columns` are read of each message row; `needs_octets` says that the message's octets are, too.
    `kinds` are those of the items that rows answer alone."""

    items: tuple[Item, ...]
    kinds: tuple[Hashable, ...]
    columns: tuple[Column, ...]
    needs_octets: bool
    marks_seen: bool
    shows_flags: bool
    shows_modseq: bool
    shows_save_date: bool
    formats: tuple[bytes, ...]  # around the octets of sections: message sequence number, one value an item
    formats_with_tail: tuple[bytes, ...]  # the same and one value more

    @property
    def header_column(self) -> int:
        """Where a row has the header section; 0 if it has not."""
        return self.columns.index(Column.HEADER) + 1 if Column.HEADER in self.columns else 0


def make_plan(command: Fetch, word: bytes = b"FETCH") -> FetchPlan:
    """The plan of a command whose response is called `word`. Raises ImapSyntaxError for an attribute that is
    not offered here."""
    attributes = command.attributes
    with_uid = command.uid and word == b"FETCH"  # RFC 9051 section 6.4.9; UIDFETCH begins with it
    if with_uid and FetchItem.UID not in attributes:
        attributes = (FetchItem.UID, *attributes)
    if command.changed_since is not None and FetchItem.MODSEQ not in attributes:
        attributes = (*attributes, FetchItem.MODSEQ)  # RFC 7162 section 3.1.4.1
    items = tuple(_item(attribute) for attribute in attributes)
    sections = [item for item in items if item.section is not None]
    columns = {COLUMN_OF[item.attribute] for item in items if item.attribute in COLUMN_OF}
    needs_octets = not all(item.is_of_header for item in sections)
    if not needs_octets and sections:
        columns.add(Column.HEADER)
    elif not all(item.is_whole for item in sections):
        columns.add(Column.PARTS)
    of_rows = [] if needs_octets else [item for item in items if item.section or item.attribute in COLUMN_OF]
    return FetchPlan(
        items,
        tuple(dict.fromkeys(item.kind for item in of_rows)),
        tuple(sorted(columns)),
        needs_octets,
        marks_seen=any(map(_marks_seen, attributes)),
        shows_flags=FetchItem.FLAGS in attributes,
        shows_modseq=FetchItem.MODSEQ in attributes,
        shows_save_date=FetchItem.SAVEDATE in attributes,
        formats=_formats(word, items, b"", needs_octets=needs_octets),
        formats_with_tail=_formats(word, items, b"%b", needs_octets=needs_octets),
    )


def _formats(word: bytes, items: tuple[Item, ...], tail: bytes, *, needs_octets: bool) -> tuple[bytes, ...]:
    """One more than there are sections whose octets stand between them. The value of such an item is what
    announces its literal."""
    formats = [b"* %%d %b (" % word]
    for at, item in enumerate(items):
        space = b" " if at else b""
        formats[-1] += (
            space + item.label.replace(b"%", b"%%") + (b" %d" if item.attribute in _NUMBERS else b" %b")
        )
        if needs_octets and item.is_octets:
            formats.append(b"")
    formats[-1] += tail + b")\r\n"
    return tuple(formats)


def _item(attribute: FetchAttribute) -> Item:
    section = _OLD_NAMES.get(attribute, attribute) if isinstance(attribute, FetchItem) else attribute
    if isinstance(section, BodySection):
        return Item(label(attribute), attribute, section.section, section.partial)
    if isinstance(section, BinarySection):
        return Item(label(attribute), attribute, Section(section.part), section.partial)
    if isinstance(section, BinarySize):
        return Item(label(attribute), attribute, Section(section.part))
    if attribute in SNAPSHOT_ITEMS or attribute in COLUMN_OF:
        return Item(label(attribute), attribute)
    raise ImapSyntaxError(f"FETCH {label(attribute).decode('ascii')} is not offered here.")


def _marks_seen(attribute: FetchAttribute) -> bool:
    """RFC 9051 section 6.4.5: reading text sets \\Seen, unless it is a peek."""
    if isinstance(attribute, FetchItem):
        return attribute in _OLD_NAMES and not _OLD_NAMES[attribute].peek
    return isinstance(attribute, BodySection | BinarySection) and not attribute.peek
