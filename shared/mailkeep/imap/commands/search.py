"""SEARCH and UID SEARCH; the keys are in search_keys.py, their grammar in search_parser.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.commands.fetch import FetchAttribute, PartialRange, encode_attribute
from mailkeep.imap.commands.fetch_parser import parse_attributes, parse_partial_range
from mailkeep.imap.commands.search_keys import (
    AndKey,
    DateKey,
    DateTest,
    FuzzyKey,
    HeaderKey,
    KeywordKey,
    KeywordTest,
    ModseqKey,
    NotKey,
    NumberKey,
    NumberTest,
    ObjectIdKey,
    ObjectIdTest,
    OrKey,
    PlainKey,
    SearchKey,
    SequenceKey,
    TextField,
    TextKey,
    UidKey,
)
from mailkeep.imap.commands.search_parser import encode_keys, parse_program
from mailkeep.imap.errors import BadCharset, ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm

__all__ = [
    "AndKey",
    "DateKey",
    "DateTest",
    "FuzzyKey",
    "HeaderKey",
    "KeywordKey",
    "KeywordTest",
    "ModseqKey",
    "NotKey",
    "NumberKey",
    "NumberTest",
    "ObjectIdKey",
    "ObjectIdTest",
    "OrKey",
    "PartialRange",
    "PlainKey",
    "Search",
    "SearchKey",
    "SearchOptions",
    "SearchReturn",
    "SequenceKey",
    "TextField",
    "TextKey",
    "UidKey",
    "encode_return",
    "parse_charset",
    "parse_criteria",
    "parse_return",
    "parse_search",
]


class SearchReturn(Enum):
    """RFC 9051 section 6.4.4.1 (RFC 4731), SAVE (RFC 5182), RFC 5267, RFC 6203; PARTIAL has its own field."""

    MIN = "MIN"
    MAX = "MAX"
    ALL = "ALL"
    COUNT = "COUNT"
    SAVE = "SAVE"
    CONTEXT = "CONTEXT"
    UPDATE = "UPDATE"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """RETURN (...). An empty list means ALL; that is the host's to apply."""

    items: tuple[SearchReturn, ...] = ()
    partial: PartialRange | None = None  # RFC 9394 section 3.1
    update: tuple[FetchAttribute, ...] = ()  # of messages that come later, with UPDATE (RFC 5465 section 7)


@dataclass(frozen=True, slots=True)
class Search(Command):
    """RFC 9051 section 6.4.4. All of `keys` must match. `options` None: no RETURN was given, so the answer
    is an untagged SEARCH to an IMAP4rev1 client and ESEARCH to an IMAP4rev2 one."""

    name: ClassVar[str] = "SEARCH"

    keys: tuple[SearchKey, ...]
    uid: bool = False
    charset: str | None = None
    options: SearchOptions | None = None

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Return options, charset, keys."""
        words = [] if self.options is None else [b"RETURN " + encode_return(self.options)]
        if self.charset is not None:
            words.append(b"CHARSET " + self.charset.encode("ascii"))
        words.append(encode_keys(self.keys, self.charset))
        return b" ".join(words)


def parse_search(tag: str, cursor: Cursor, *, uid: bool) -> Search:
    """`search` of RFC 9051 section 9."""
    cursor.space()
    options, charset, keys = parse_criteria(cursor)
    return Search(tag, keys, uid, charset, options)


def parse_criteria(cursor: Cursor) -> tuple[SearchOptions | None, str | None, tuple[SearchKey, ...]]:
    """Return options, charset and keys, to the end of the command."""
    options = parse_return(cursor)
    charset = None
    if cursor.skip_word(b"CHARSET"):
        cursor.space()
        charset = parse_charset(cursor)
        cursor.space()
    try:
        keys = parse_program(cursor, charset)
    except BadCharset as error:
        error.saves = options is not None and SearchReturn.SAVE in options.items
        raise
    return options, charset, keys


def parse_charset(cursor: Cursor) -> str:
    """`charset`: atom or quoted, in upper case."""
    return cursor.text().upper()


def parse_return(cursor: Cursor) -> SearchOptions | None:
    """`search-return-opts` with the space behind it, or None. RETURN is no search key."""
    if not cursor.skip_word(b"RETURN"):
        return None
    cursor.space()
    if cursor.skip(b"()"):
        cursor.space()
        return SearchOptions()
    options = cursor.list_of(lambda: _option(cursor))
    cursor.space()
    ranges = [option for option in options if isinstance(option, PartialRange)]
    updates = [option for option in options if isinstance(option, tuple)]
    if len(ranges) > 1 or len(updates) > 1:
        raise ImapSyntaxError("PARTIAL and UPDATE stand once.")
    items = dict.fromkeys(
        SearchReturn.UPDATE if isinstance(option, tuple) else option
        for option in options
        if not isinstance(option, PartialRange)
    )
    return SearchOptions(tuple(items), ranges[0] if ranges else None, updates[0] if updates else ())


def encode_return(options: SearchOptions) -> bytes:
    """`(MIN MAX)`."""
    words = [item.value.encode("ascii") for item in options.items]
    if options.update:
        attributes = b" ".join(map(encode_attribute, options.update))
        words[options.items.index(SearchReturn.UPDATE)] = b"UPDATE (%b)" % attributes
    if options.partial is not None:
        words.append(f"PARTIAL {options.partial}".encode("ascii"))
    return b"(%b)" % b" ".join(words)


def _option(cursor: Cursor) -> SearchReturn | PartialRange | tuple[FetchAttribute, ...]:
    word = cursor.word()
    if word == "UPDATE" and cursor.skip(b" ("):
        cursor.at -= 1
        return parse_attributes(cursor)
    if word == "PARTIAL":
        cursor.space()
        return parse_partial_range(cursor)
    option = _RETURNS.get(word)
    if option is None:
        cursor.unknown("search return option")
    return option


_RETURNS = {option.value: option for option in SearchReturn}
