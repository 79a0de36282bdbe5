"""The keys of SEARCH, SORT and THREAD as a tree of frozen values (RFC 9051 section 6.4.4).

The tree says what was asked and nothing of how it is answered. Texts are Unicode.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from mailkeep.imap.sequence import SequenceSet


class PlainKey(Enum):
    """Keys without arguments (RFC 9051 section 6.4.4; NEW, OLD, RECENT from RFC 3501; RFC 8514)."""

    ALL = "ALL"
    ANSWERED = "ANSWERED"
    DELETED = "DELETED"
    DRAFT = "DRAFT"
    FLAGGED = "FLAGGED"
    NEW = "NEW"
    OLD = "OLD"
    RECENT = "RECENT"
    SEEN = "SEEN"
    UNANSWERED = "UNANSWERED"
    UNDELETED = "UNDELETED"
    UNDRAFT = "UNDRAFT"
    UNFLAGGED = "UNFLAGGED"
    UNSEEN = "UNSEEN"
    SAVEDATESUPPORTED = "SAVEDATESUPPORTED"


class KeywordTest(Enum):
    """KEYWORD and UNKEYWORD."""

    KEYWORD = "KEYWORD"
    UNKEYWORD = "UNKEYWORD"


@dataclass(frozen=True, slots=True)
class KeywordKey:
    """`flag` is a keyword's wire name; compared without regard to case."""

    test: KeywordTest
    flag: str


class TextField(Enum):
    """Where a text is looked for."""

    BCC = "BCC"
    BODY = "BODY"
    CC = "CC"
    FROM = "FROM"
    SUBJECT = "SUBJECT"
    TEXT = "TEXT"
    TO = "TO"


@dataclass(frozen=True, slots=True)
class TextKey:
    """Substring, case-insensitive, in Unicode."""

    field: TextField
    text: str


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """HEADER field text; an empty `text` matches every message that has the field."""

    field: str
    text: str


class DateTest(Enum):
    """Internal date, Date: header, save date (RFC 8514); times and zones are disregarded."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"
    SENTBEFORE = "SENTBEFORE"
    SENTON = "SENTON"
    SENTSINCE = "SENTSINCE"
    SAVEDBEFORE = "SAVEDBEFORE"
    SAVEDON = "SAVEDON"
    SAVEDSINCE = "SAVEDSINCE"


@dataclass(frozen=True, slots=True)
class DateKey:
    """A date test."""

    test: DateTest
    date: date


class NumberTest(Enum):
    """LARGER and SMALLER in octets; OLDER and YOUNGER in seconds (RFC 5032)."""

    LARGER = "LARGER"
    SMALLER = "SMALLER"
    OLDER = "OLDER"
    YOUNGER = "YOUNGER"


@dataclass(frozen=True, slots=True)
class NumberKey:
    """A comparison with a number."""

    test: NumberTest
    number: int


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """Messages by sequence number, or `$`."""

    messages: SequenceSet


@dataclass(frozen=True, slots=True)
class UidKey:
    """UID set."""

    uids: SequenceSet


@dataclass(frozen=True, slots=True)
class ModseqKey:
    """RFC 7162 section 3.1.5. `entry` and `entry_type` (priv, shared, all) are None without them."""

    modseq: int
    entry: str | None = None
    entry_type: str | None = None


class ObjectIdTest(Enum):
    """RFC 8474 section 5.3."""

    EMAILID = "EMAILID"
    THREADID = "THREADID"


@dataclass(frozen=True, slots=True)
class ObjectIdKey:
    """A message's or thread's object id."""

    test: ObjectIdTest
    object_id: str


@dataclass(frozen=True, slots=True)
class NotKey:
    """Messages that do not match `key`."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class OrKey:
    """Messages that match one of the two, or both."""

    left: SearchKey
    right: SearchKey


@dataclass(frozen=True, slots=True)
class AndKey:
    """A parenthesised list: all of them. Never empty."""

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class FuzzyKey:
    """RFC 6203 section 3."""

    key: SearchKey


SearchKey = (
    PlainKey
    | KeywordKey
    | TextKey
    | HeaderKey
    | DateKey
    | NumberKey
    | SequenceKey
    | UidKey
    | ModseqKey
    | ObjectIdKey
    | NotKey
    | OrKey
    | AndKey
    | FuzzyKey
)


def every_key(keys: Iterable[SearchKey]) -> Iterator[SearchKey]:
    """All keys of a tree, those that hold others before what they hold."""
    for key in keys:
        yield key
        match key:
            case NotKey(inner) | FuzzyKey(inner):
                yield from every_key((inner,))
            case OrKey(left, right):
                yield from every_key((left, right))
            case AndKey(inners):
                yield from every_key(inners)
