"""ESEARCH: a search in several mailboxes (RFC 7377), and CANCELUPDATE (RFC 5267)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailkeep.imap.commands.base import Command
from mailkeep.imap.commands.mailbox_filters import FilterKind, MailboxFilter, parse_filter
from mailkeep.imap.commands.search import SearchKey, SearchOptions, encode_return, parse_criteria
from mailkeep.imap.commands.search_parser import encode_keys
from mailkeep.imap.encoder import quoted
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

_SOURCES = frozenset(FilterKind) - {FilterKind.SELECTED_DELAYED}  # section 2.2


@dataclass(frozen=True, slots=True)
class MultiSearch(Command):
    """RFC 7377 section 2. Without `sources` it is the selected mailbox."""

    name: ClassVar[str] = "ESEARCH"
    uid: ClassVar[bool] = True  # section 2.1: its answers are UIDs

    keys: tuple[SearchKey, ...]
    sources: tuple[MailboxFilter, ...] = ()
    charset: str | None = None
    options: SearchOptions | None = None

    def arguments(self, form: NameForm) -> bytes:
        """Sources, return options, charset, keys."""
        words = []
        if self.sources:
            words.append(b"IN (%b)" % b" ".join(source.encode(form) for source in self.sources))
        if self.options is not None:
            words.append(b"RETURN " + encode_return(self.options))
        if self.charset is not None:
            words.append(b"CHARSET " + self.charset.encode("ascii"))
        return b" ".join([*words, encode_keys(self.keys, self.charset)])


@dataclass(frozen=True, slots=True)
class CancelUpdate(Command):
    """RFC 5267 section 4.3.5: the tags of searches whose results need not be followed any more."""

    name: ClassVar[str] = "CANCELUPDATE"

    tags: tuple[str, ...]

    def arguments(self, form: NameForm) -> bytes:
        """The tags."""
        return b" ".join(quoted(tag.encode("ascii")) for tag in self.tags)


def parse_multi_search(tag: str, cursor: Cursor) -> MultiSearch:
    """`esearch` of RFC 7377 section 4. There are no scope options to be named."""
    cursor.space()
    sources: list[MailboxFilter] = []
    if cursor.skip_word(b"IN"):
        cursor.expect(b" (")
        sources.append(parse_filter(cursor, _SOURCES))
        while cursor.skip(b" "):
            sources.append(parse_filter(cursor, _SOURCES))
        cursor.expect(b")")
        cursor.space()
    options, charset, keys = parse_criteria(cursor)
    return MultiSearch(tag, keys, tuple(sources), charset, options)


def parse_cancel_update(tag: str, cursor: Cursor) -> CancelUpdate:
    """`"CANCELUPDATE" 1*(SP quoted)` of RFC 5267 section 5."""
    tags: list[str] = []
    while not tags or not cursor.at_end():
        cursor.space()
        tags.append(_tag(cursor))
    return CancelUpdate(tag, tuple(tags))


def _tag(cursor: Cursor) -> str:
    inner = Cursor(cursor.string())
    tag = inner.tag()
    inner.end()
    return tag
