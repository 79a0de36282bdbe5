"""What SEARCH, SORT and THREAD answer with."""

from __future__ import annotations

import re
from typing import Any

from mailkeep.imap.lexer import Cursor
from mailkeep.imap.response_codes import uids_in_order
from mailkeep.imap.response_decoder.words import ascii_text, uid_set
from mailkeep.imap.responses import EsearchData, Response, SearchData
from mailkeep.imap.thread_data import parse_thread_data
from mailkeep.model.uids import UidSet

_WINDOW = re.compile(rb"\((-?[0-9]+:-?[0-9]+) ")
_ESEARCH_NUMBERS = {"MIN": "minimum", "MAX": "maximum", "COUNT": "count", "MODSEQ": "modseq"}
_ESEARCH_UPDATES = {"ADDTO": "add_to", "REMOVEFROM": "remove_from"}


def search(cursor: Cursor) -> Response:
    """RFC 3501 section 7.2.5."""
    return _search_data(cursor, sort=False)


def sort(cursor: Cursor) -> Response:
    """RFC 5256 section 4."""
    return _search_data(cursor, sort=True)


def thread(cursor: Cursor) -> Response:
    """RFC 5256 section 4."""
    octets, cursor.at = cursor.octets[cursor.at :], len(cursor.octets)
    return parse_thread_data(octets)


def _search_data(cursor: Cursor, *, sort: bool) -> Response:
    numbers, modseq = [], None
    while cursor.skip(b" "):
        if cursor.skip(b"(MODSEQ "):
            modseq = cursor.number64()
            cursor.expect(b")")
        else:
            numbers.append(cursor.nz_number())
    return SearchData(tuple(numbers), modseq, sort)


def esearch(cursor: Cursor) -> Response:
    """RFC 9051 section 7.3.4, and what extends it."""
    found: dict[str, Any] = {}
    if cursor.skip(b" ("):
        _correlator(cursor, found)
        while cursor.skip(b" "):
            _correlator(cursor, found)
        cursor.expect(b")")
    found["uid"] = cursor.skip(b" UID")
    while cursor.skip(b" "):
        word = cursor.word()
        cursor.space()
        if word == "PARTIAL":
            found["partial"] = _partial(cursor)
        elif word == "ALL":
            found["all"], found["in_order"] = _all(cursor)
        elif word == "RELEVANCY":
            found["relevancy"] = cursor.list_of(cursor.nz_number)
        elif word in _ESEARCH_NUMBERS:
            found[_ESEARCH_NUMBERS[word]] = cursor.number64()
        elif word in _ESEARCH_UPDATES:
            found[_ESEARCH_UPDATES[word]] = _moved(cursor)
        else:
            cursor.unknown("search return data")
    return EsearchData(**found)


def _correlator(cursor: Cursor, found: dict[str, Any]) -> None:
    word = cursor.word()
    cursor.space()
    if word == "TAG":
        found["tag"] = cursor.text()
    elif word == "MAILBOX":
        found["mailbox"] = cursor.mailbox()
    elif word == "UIDVALIDITY":
        found["uidvalidity"] = cursor.nz_number()
    else:
        cursor.unknown("search correlator")


def _moved(cursor: Cursor) -> tuple[tuple[int, UidSet], ...]:
    """`"(" context-position SP sequence-set ... ")"` of RFC 5267 section 5."""
    moved = []
    cursor.expect(b"(")
    while True:
        position = cursor.number()
        cursor.space()
        moved.append((position, uid_set(cursor)))
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return tuple(moved)


def _all(cursor: Cursor) -> tuple[UidSet | None, tuple[int, ...]]:
    """A set, or numbers whose order means something."""
    start = cursor.at
    found = uid_set(cursor)
    if str(found).encode("ascii") == cursor.octets[start : cursor.at]:
        return found, ()
    cursor.at = start
    return None, uids_in_order(cursor)


def _partial(cursor: Cursor) -> tuple[str, UidSet | tuple[int, ...] | None]:
    asked = ascii_text(cursor.match(_WINDOW, "a partial range")[1])
    found, in_order = (None, ()) if cursor.skip_word(b"NIL") else _all(cursor)
    cursor.expect(b")")
    return asked, found or in_order or None
