"""The grammar of search keys (RFC 9051 section 9, `search-key`), both ways.

A key may hold keys (NOT, OR, FUZZY, parentheses); how deep and how many is limited, because the reader and
everybody who walks the tree recurses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mailkeep.imap.charsets import codec_of, decode_text
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
from mailkeep.imap.encoder import day, quoted, sent_astring
from mailkeep.imap.errors import ImapLimitExceeded
from mailkeep.imap.lexer import Cursor

KEY_DEPTH_LIMIT = 100
"""NOT, OR, FUZZY and parentheses within each other; a client that joins words by OR nests once a word."""
KEYS_LIMIT = 2000
"""In one command, the inner ones counted."""

_SEQUENCE_STARTS = b"0123456789*$"
_ENTRY_TYPES = ("PRIV", "SHARED", "ALL")  # RFC 7162 section 7, entry-type-req

T = TypeVar("T")


def parse_program(cursor: Cursor, charset: str | None) -> tuple[SearchKey, ...]:
    """`search-key *(SP search-key)` to the end of the command. Raises BadCharset."""
    parser = _Parser(cursor, codec_of(charset))
    keys = [parser.key()]
    while not cursor.at_end():
        cursor.space()
        keys.append(parser.key())
    return tuple(keys)


class _Parser:
    """One command's keys: counts them and knows their charset."""

    __slots__ = ("_codec", "_count", "_cursor", "_depth")

    def __init__(self, cursor: Cursor, codec: str) -> None:
        self._cursor = cursor
        self._codec = codec
        self._depth = 0
        self._count = 0

    def key(self) -> SearchKey:
        """One key with all that it holds."""
        self._count += 1
        if self._count > KEYS_LIMIT:
            raise ImapLimitExceeded(f"A search has at most {KEYS_LIMIT} keys.")
        cursor = self._cursor
        first = cursor.octets[cursor.at : cursor.at + 1]
        if first == b"(":
            return AndKey(self._deeper(lambda: cursor.list_of(self.key)))
        if first and first in _SEQUENCE_STARTS:
            return SequenceKey(cursor.sequence_set())
        word = cursor.word()
        plain = _PLAIN.get(word)
        if plain is not None:
            return plain
        reader = _READERS.get(word)
        if reader is None:
            cursor.unknown("search key")
        cursor.space()
        return reader(self)

    def _deeper(self, read: Callable[[], T]) -> T:
        self._depth += 1
        if self._depth > KEY_DEPTH_LIMIT:
            raise ImapLimitExceeded(f"Search keys nest at most {KEY_DEPTH_LIMIT} deep.")
        value = read()
        self._depth -= 1
        return value

    def not_key(self) -> SearchKey:
        return NotKey(self._deeper(self.key))

    def fuzzy(self) -> SearchKey:
        return FuzzyKey(self._deeper(self.key))

    def or_key(self) -> SearchKey:
        left = self._deeper(self.key)
        self._cursor.space()
        return OrKey(left, self._deeper(self.key))

    def text(self, field: TextField) -> SearchKey:
        return TextKey(field, self._string())

    def header(self) -> SearchKey:
        field = self._cursor.text()
        self._cursor.space()
        return HeaderKey(field, self._string())

    def keyword(self, test: KeywordTest) -> SearchKey:
        return KeywordKey(test, self._cursor.atom().decode("ascii"))

    def date(self, test: DateTest) -> SearchKey:
        return DateKey(test, self._cursor.date())

    def number(self, test: NumberTest) -> SearchKey:
        return NumberKey(test, self._cursor.number64())

    def seconds(self, test: NumberTest) -> SearchKey:
        return NumberKey(test, self._cursor.nz_number())  # RFC 5032 section 4: nz-number

    def uid(self) -> SearchKey:
        return UidKey(self._cursor.sequence_set())

    def object_id(self, test: ObjectIdTest) -> SearchKey:
        return ObjectIdKey(test, self._cursor.text())

    def modseq(self) -> SearchKey:
        cursor = self._cursor
        if not cursor.next_is(b'"'):
            return ModseqKey(cursor.number64())
        entry = cursor.text()
        cursor.space()
        entry_type = cursor.word()
        if entry_type not in _ENTRY_TYPES:
            cursor.unknown("entry type")
        cursor.space()
        return ModseqKey(cursor.number64(), entry, entry_type.lower())

    def _string(self) -> str:
        return decode_text(self._cursor.astring(), self._codec)


_PLAIN = {key.value: key for key in PlainKey}
_READERS: dict[str, Callable[[_Parser], SearchKey]] = {
    **{field.value: partial(_Parser.text, field=field) for field in TextField},
    **{test.value: partial(_Parser.keyword, test=test) for test in KeywordTest},
    **{test.value: partial(_Parser.date, test=test) for test in DateTest},
    **{test.value: partial(_Parser.object_id, test=test) for test in ObjectIdTest},
    **{test.value: partial(_Parser.number, test=test) for test in (NumberTest.LARGER, NumberTest.SMALLER)},
    **{test.value: partial(_Parser.seconds, test=test) for test in (NumberTest.OLDER, NumberTest.YOUNGER)},
    "HEADER": _Parser.header,
    "UID": _Parser.uid,
    "MODSEQ": _Parser.modseq,
    "NOT": _Parser.not_key,
    "OR": _Parser.or_key,
    "FUZZY": _Parser.fuzzy,
}


def encode_keys(keys: tuple[SearchKey, ...], charset: str | None) -> bytes:
    """Keys as a client sends them."""
    codec = codec_of(charset)
    return b" ".join(_encode(key, codec) for key in keys)


def _encode(key: SearchKey, codec: str) -> bytes:
    match key:
        case TextKey():
            return _joined(key.field.value, sent_astring(key.text.encode(codec)))
        case HeaderKey():
            field = sent_astring(key.field.encode("utf-8"))
            return b"HEADER %b %b" % (field, sent_astring(key.text.encode(codec)))
        case DateKey():
            return _joined(key.test.value, day(key.date))
        case NotKey():
            return b"NOT " + _encode(key.key, codec)
        case FuzzyKey():
            return b"FUZZY " + _encode(key.key, codec)
        case OrKey():
            return b"OR %b %b" % (_encode(key.left, codec), _encode(key.right, codec))
        case AndKey():
            return b"(%b)" % b" ".join(_encode(inner, codec) for inner in key.keys)
        case ObjectIdKey():
            return _joined(key.test.value, sent_astring(key.object_id.encode("utf-8")))
        case ModseqKey(entry=str() as entry):
            return b"MODSEQ %b %b" % (
                quoted(entry.encode("utf-8")),
                f"{key.entry_type} {key.modseq}".encode(),
            )
        case _:
            return _encode_words(key).encode("ascii")


def _encode_words(key: PlainKey | KeywordKey | NumberKey | SequenceKey | UidKey | ModseqKey) -> str:
    match key:
        case PlainKey():
            return key.value
        case KeywordKey():
            return f"{key.test.value} {key.flag}"
        case NumberKey():
            return f"{key.test.value} {key.number}"
        case SequenceKey():
            return str(key.messages)
        case UidKey():
            return f"UID {key.uids}"
        case ModseqKey():
            return f"MODSEQ {key.modseq}"


def _joined(word: str, value: bytes) -> bytes:
    return b"%b %b" % (word.encode("ascii"), value)
