"""SORT and UID SORT (RFC 5256, RFC 5957, RFC 5267)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from mailkeep.imap.commands.base import Command, uid_verb
from mailkeep.imap.commands.search import SearchKey, SearchOptions, encode_return, parse_charset, parse_return
from mailkeep.imap.commands.search_parser import encode_keys, parse_program
from mailkeep.imap.encoder import sent_astring
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm


class SortField(Enum):
    """RFC 5256 section 3; DISPLAYFROM and DISPLAYTO from RFC 5957; RELEVANCY from RFC 6203."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"
    RELEVANCY = "RELEVANCY"


@dataclass(frozen=True, slots=True)
class SortCriterion:
    """One field of the order; `reverse` turns this field alone."""

    field: SortField
    reverse: bool = False

    def __str__(self) -> str:
        return f"REVERSE {self.field.value}" if self.reverse else self.field.value


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """RFC 5256 section 3; with `options` it is ESORT (RFC 5267 section 3)."""

    name: ClassVar[str] = "SORT"

    criteria: tuple[SortCriterion, ...]
    charset: str
    keys: tuple[SearchKey, ...]
    uid: bool = False
    options: SearchOptions | None = None

    def verb(self) -> str:
        """With or without UID."""
        return uid_verb(self.name, uid=self.uid)

    def arguments(self, form: NameForm) -> bytes:
        """Return options, criteria, charset, keys."""
        words = [] if self.options is None else [b"RETURN " + encode_return(self.options)]
        words.append(f"({' '.join(map(str, self.criteria))})".encode("ascii"))
        words.append(sent_astring(self.charset.encode("ascii")))
        words.append(encode_keys(self.keys, self.charset))
        return b" ".join(words)


def parse_sort(tag: str, cursor: Cursor, *, uid: bool) -> Sort:
    """`sort` of RFC 5256 section 5 with the return options of RFC 5267."""
    cursor.space()
    options = parse_return(cursor)
    criteria = cursor.list_of(lambda: _criterion(cursor))
    cursor.space()
    charset = parse_charset(cursor)
    cursor.space()
    return Sort(tag, criteria, charset, parse_program(cursor, charset), uid, options)


def _criterion(cursor: Cursor) -> SortCriterion:
    reverse = cursor.skip_word(b"REVERSE")
    if reverse:
        cursor.space()
    field = _FIELDS.get(cursor.word())
    if field is None:
        cursor.unknown("sort criterion")
    return SortCriterion(field, reverse)


_FIELDS = {field.value: field for field in SortField}
