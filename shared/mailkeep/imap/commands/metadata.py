"""GETMETADATA and SETMETADATA (RFC 5464). An empty mailbox name means the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.encoder import sent_astring, sent_mailbox, sent_string8
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.model.annotations import Depth, normal_entry


@dataclass(frozen=True, slots=True)
class GetMetadata(Command):
    """RFC 5464 section 4.2. `entries` are as the client spelled them."""

    name: ClassVar[str] = "GETMETADATA"

    mailbox: str
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: Depth = Depth.NAME

    def arguments(self, form: NameForm) -> bytes:
        """Options, mailbox, entries."""
        words = [sent_mailbox(self.mailbox, form), encode_entries(self.entries)]
        options = [] if self.max_size is None else [b"MAXSIZE %d" % self.max_size]
        if self.depth is not Depth.NAME:
            options.append(b"DEPTH " + self.depth.value.encode("ascii"))
        if options:
            words.insert(0, b"(%b)" % b" ".join(options))
        return b" ".join(words)


@dataclass(frozen=True, slots=True)
class SetMetadata(Command):
    """RFC 5464 section 4.3. None removes an entry."""

    name: ClassVar[str] = "SETMETADATA"

    mailbox: str
    values: tuple[tuple[str, bytes | None], ...]

    def arguments(self, form: NameForm) -> bytes:
        """Mailbox, entries with their values."""
        pairs = [
            b"%b %b" % (sent_astring(entry.encode("ascii")), _sent_value(value))
            for entry, value in self.values
        ]
        return b"%b (%b)" % (sent_mailbox(self.mailbox, form), b" ".join(pairs))


def parse_get_metadata(tag: str, cursor: Cursor) -> GetMetadata:
    """`getmetadata` of RFC 5464 section 5. Options come first there, and behind the mailbox in the RFC's
    examples: both are taken."""
    cursor.space()
    options = _options(cursor) if cursor.next_is(b"(") else None
    if options is not None:
        cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    if options is None and cursor.next_is(b"(") and not _is_entry_list(cursor):
        options = _options(cursor)
        cursor.space()
    max_size, depth = options or (None, Depth.NAME)
    return GetMetadata(tag, mailbox, parse_entries(cursor), max_size, depth)


def parse_set_metadata(tag: str, cursor: Cursor) -> SetMetadata:
    """`setmetadata`."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return SetMetadata(tag, mailbox, cursor.list_of(lambda: _pair(cursor)))


def parse_entries(cursor: Cursor) -> tuple[str, ...]:
    """`entries`: one, or a list."""
    if cursor.next_is(b"("):
        return cursor.list_of(lambda: parse_entry(cursor))
    return (parse_entry(cursor),)


def parse_entry(cursor: Cursor) -> str:
    """`entry`: a name that can be one (RFC 5464 section 3.2: else BAD)."""
    entry = cursor.text()
    if normal_entry(entry) is None:
        raise ImapSyntaxError("An entry begins with /private or /shared and has no wildcards.")
    return entry


def encode_entries(entries: tuple[str, ...]) -> bytes:
    """One entry as it is, several as a list."""
    encoded = [sent_astring(entry.encode("ascii")) for entry in entries]
    return encoded[0] if len(encoded) == 1 else b"(%b)" % b" ".join(encoded)


def _is_entry_list(cursor: Cursor) -> bool:
    """An entry begins with a slash, or is a string; an option is a word."""
    return not cursor.octets[cursor.at + 1 : cursor.at + 2].isalpha()


def _options(cursor: Cursor) -> tuple[int | None, Depth]:
    max_size, depth = None, Depth.NAME
    for option in cursor.list_of(lambda: _option(cursor)):
        if isinstance(option, Depth):
            depth = option
        else:
            max_size = option
    return max_size, depth


def _option(cursor: Cursor) -> int | Depth:
    if cursor.skip_word(b"MAXSIZE"):
        cursor.space()
        return cursor.number()
    if not cursor.skip_word(b"DEPTH"):
        cursor.fail("MAXSIZE or DEPTH")
    cursor.space()
    depth = _DEPTHS.get(cursor.word())
    if depth is None:
        cursor.unknown("depth")
    return depth


def _pair(cursor: Cursor) -> tuple[str, bytes | None]:
    entry = parse_entry(cursor)
    cursor.space()
    return entry, cursor.nstring8()


def _sent_value(value: bytes | None) -> bytes:
    return b"NIL" if value is None else sent_string8(value)


_DEPTHS = {depth.value.upper(): depth for depth in Depth}
