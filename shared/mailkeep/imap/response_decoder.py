"""Responses from octets: what an upstream client reads, and what proves that the encoders are right.

One complete response goes in, literals in place, with or without its final CRLF. FETCH values come out as
the ready octets that they are; whoever asked for an attribute knows how to read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.commands.metadata import parse_entry
from mailkeep.imap.commands.session import parse_parameters
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.response_codes import uids_in_order
from mailkeep.imap.responses import (
    AclData,
    CapabilityData,
    Condition,
    Continuation,
    Count,
    CountData,
    EnabledData,
    EsearchData,
    FetchData,
    FlagsData,
    GenUrlAuthData,
    IdData,
    ListData,
    ListRightsData,
    MetadataChanged,
    MetadataData,
    MyRightsData,
    NamespaceData,
    NamespaceEntry,
    QuotaData,
    QuotaResource,
    QuotaRootData,
    Response,
    SearchData,
    StatusData,
    StatusResponse,
    UrlFetchData,
    VanishedData,
)
from mailkeep.imap.thread_data import parse_thread_data
from mailkeep.model.uids import UidSet

_RESP_TEXT = re.compile(rb' (?:\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\] )?([^\r\n]*)')
_QUOTED_IN_LABEL = rb'"(?:[^"\\\r\n]|\\["\\])*"'
_LABEL = re.compile(rb'[A-Za-z0-9.]+(?:\[(?:[^\]"{\r\n]|%b)*\](?:<[0-9]+>)?)?' % _QUOTED_IN_LABEL)
_VALUE_TOKEN = re.compile(rb'\(|\)| |"(?:[^"\\\r\n]|\\["\\])*"|~?\{([0-9]{1,19})\}\r\n|[^\x00-\x20\x7f"(){]+')
_WINDOW = re.compile(rb"\((-?[0-9]+:-?[0-9]+) ")


def decode(octets: bytes, form: NameForm = NameForm.MODIFIED_UTF7) -> Response:
    """The response. Raises ImapSyntaxError for what is none, or none that this engine knows."""
    cursor = Cursor(octets.removesuffix(b"\r\n"), form)
    response = _response(cursor)
    cursor.end()
    return response


def _response(cursor: Cursor) -> Response:
    if cursor.skip(b"+ "):
        return Continuation(_rest(cursor))
    if not cursor.skip(b"* "):
        tag = cursor.tag()
        cursor.space()
        return _status(cursor, cursor.word(), tag)
    if cursor.octets[cursor.at : cursor.at + 1].isdigit():
        return _numbered(cursor)
    word = cursor.word()
    reader = _READERS.get(word)
    return reader(cursor) if reader is not None else _status(cursor, word, None)


def _status(cursor: Cursor, word: str, tag: str | None) -> Response:
    try:
        condition = Condition(word)
    except ValueError:
        raise ImapSyntaxError("There is no such response.") from None
    found = cursor.match(_RESP_TEXT, "a response text")
    return StatusResponse(condition, _ascii(found[2]), found[1] or b"", tag)


def _numbered(cursor: Cursor) -> Response:
    number = cursor.number()
    cursor.space()
    word = cursor.word()
    if word in ("FETCH", "UIDFETCH"):
        cursor.expect(b" (")
        return FetchData(number, _fetch_items(cursor), word == "UIDFETCH")
    try:
        return CountData(Count(word), number)
    except ValueError:
        raise ImapSyntaxError("There is no such response.") from None


def _fetch_items(cursor: Cursor) -> tuple[tuple[bytes, bytes], ...]:
    items: list[tuple[bytes, bytes]] = []
    if cursor.skip(b")"):
        return ()
    while True:
        label = cursor.match(_LABEL, "an attribute").group()
        cursor.space()
        items.append((label, _value(cursor)))
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return tuple(items)


def _value(cursor: Cursor) -> bytes:
    """One value, of any form, as it stands: a list is followed to its end by counting parentheses."""
    start, depth = cursor.at, 0
    while True:
        if depth == 0 and cursor.octets[cursor.at : cursor.at + 1] in (b" ", b")"):
            cursor.fail("a value")
        found = cursor.match(_VALUE_TOKEN, "a value")
        if found[1] is not None:
            cursor.at += int(found[1])
            if cursor.at > len(cursor.octets):
                cursor.fail("a literal as long as announced")
        elif found[0] == b"(":
            depth += 1
        elif found[0] == b")":
            depth -= 1
        if depth == 0:
            return cursor.octets[start : cursor.at]


def _words(cursor: Cursor) -> tuple[str, ...]:
    words = []
    while cursor.skip(b" "):
        words.append(_ascii(cursor.atom()))
    return tuple(words)


def _id(cursor: Cursor) -> Response:
    cursor.space()
    return IdData(parse_parameters(cursor))


def _flags(cursor: Cursor) -> Response:
    cursor.space()
    return FlagsData(cursor.flag_list())


def _vanished(cursor: Cursor) -> Response:
    cursor.space()
    earlier = cursor.skip(b"(EARLIER) ")
    return VanishedData(_uid_set(cursor), earlier)


def _list(cursor: Cursor) -> Response:
    return _list_data(cursor, lsub=False)


def _lsub(cursor: Cursor) -> Response:
    return _list_data(cursor, lsub=True)


def _list_data(cursor: Cursor, *, lsub: bool) -> Response:
    cursor.space()
    attributes = cursor.flag_list()
    cursor.space()
    delimiter = cursor.nstring()
    cursor.space()
    name = cursor.mailbox()
    child_info: tuple[str, ...] = ()
    old_name = None
    if cursor.skip(b" ("):
        if cursor.skip(b'"CHILDINFO" '):
            child_info = cursor.list_of(cursor.text)
            cursor.skip(b" ")
        if cursor.skip(b'"OLDNAME" ('):
            old_name = cursor.mailbox()
            cursor.expect(b")")
        cursor.expect(b")")
    return ListData(
        name, attributes, None if delimiter is None else _ascii(delimiter), child_info, old_name, lsub
    )


def _mailbox_status(cursor: Cursor) -> Response:
    cursor.space()
    name = cursor.mailbox()
    cursor.space()
    items = () if cursor.skip(b"()") else cursor.list_of(lambda: _status_item(cursor))
    return StatusData(name, items)


def _status_item(cursor: Cursor) -> tuple[StatusItem, int | str | None]:
    try:
        item = StatusItem(cursor.word())
    except ValueError:
        raise ImapSyntaxError("There is no such status item.") from None
    cursor.space()
    if cursor.skip(b"("):
        value = _ascii(cursor.atom())
        cursor.expect(b")")
        return item, value
    return item, None if cursor.skip_word(b"NIL") else cursor.number64()


def _namespace(cursor: Cursor) -> Response:
    groups = []
    for _ in range(3):
        cursor.space()
        groups.append(_namespace_group(cursor))
    return NamespaceData(*groups)


def _namespace_group(cursor: Cursor) -> tuple[NamespaceEntry, ...]:
    if cursor.skip_word(b"NIL"):
        return ()
    entries = []
    cursor.expect(b"(")
    while cursor.skip(b"("):
        prefix = cursor.mailbox()
        cursor.space()
        delimiter = cursor.nstring()
        cursor.expect(b")")
        entries.append(NamespaceEntry(prefix, None if delimiter is None else _ascii(delimiter)))
    cursor.expect(b")")
    return tuple(entries)


def _acl(cursor: Cursor) -> Response:
    name, words = _rights_words(cursor)
    if len(words) % 2:
        cursor.fail("rights")
    return AclData(name, tuple(zip(words[::2], words[1::2], strict=True)))


def _list_rights(cursor: Cursor) -> Response:
    name, words = _rights_words(cursor)
    if len(words) < 2:
        cursor.fail("an identifier and rights")
    return ListRightsData(name, words[0], words[1], tuple(words[2:]))


def _my_rights(cursor: Cursor) -> Response:
    cursor.space()
    name = cursor.mailbox()
    cursor.space()
    return MyRightsData(name, _ascii(cursor.astring()))


def _rights_words(cursor: Cursor) -> tuple[str, list[str]]:
    cursor.space()
    name = cursor.mailbox()
    words = []
    while cursor.skip(b" "):
        words.append(cursor.text())
    return name, words


def _metadata(cursor: Cursor) -> Response:
    cursor.space()
    name = cursor.mailbox()
    cursor.space()
    if cursor.next_is(b"("):
        return MetadataData(name, cursor.list_of(lambda: _annotation(cursor)))
    entries = [parse_entry(cursor)]
    while cursor.skip(b" "):
        entries.append(parse_entry(cursor))
    return MetadataChanged(name, tuple(entries))


def _annotation(cursor: Cursor) -> tuple[str, bytes | None]:
    entry = parse_entry(cursor)
    cursor.space()
    return entry, cursor.nstring8()


def _quota(cursor: Cursor) -> Response:
    cursor.space()
    root = cursor.text()
    cursor.space()
    resources = () if cursor.skip(b"()") else cursor.list_of(lambda: _quota_resource(cursor))
    return QuotaData(root, resources)


def _quota_resource(cursor: Cursor) -> QuotaResource:
    name = cursor.word()
    cursor.space()
    usage = cursor.number64()
    cursor.space()
    return QuotaResource(name, usage, cursor.number64())


def _quota_root(cursor: Cursor) -> Response:
    cursor.space()
    name = cursor.mailbox()
    roots = []
    while cursor.skip(b" "):
        roots.append(cursor.text())
    return QuotaRootData(name, tuple(roots))


def _search(cursor: Cursor) -> Response:
    return _search_data(cursor, sort=False)


def _sort(cursor: Cursor) -> Response:
    return _search_data(cursor, sort=True)


def _thread(cursor: Cursor) -> Response:
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


def _esearch(cursor: Cursor) -> Response:
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
        moved.append((position, _uid_set(cursor)))
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return tuple(moved)


def _all(cursor: Cursor) -> tuple[UidSet | None, tuple[int, ...]]:
    """A set, or numbers whose order means something."""
    start = cursor.at
    found = _uid_set(cursor)
    if str(found).encode("ascii") == cursor.octets[start : cursor.at]:
        return found, ()
    cursor.at = start
    return None, uids_in_order(cursor)


def _partial(cursor: Cursor) -> tuple[str, UidSet | tuple[int, ...] | None]:
    asked = _ascii(cursor.match(_WINDOW, "a partial range")[1])
    found, in_order = (None, ()) if cursor.skip_word(b"NIL") else _all(cursor)
    cursor.expect(b")")
    return asked, found or in_order or None


def _uid_set(cursor: Cursor) -> UidSet:
    """A set in an answer: finite, so without `*`."""
    ranges = cursor.sequence_set().ranges
    if not ranges or any(not low or not high for low, high in ranges):
        raise ImapSyntaxError("A set in a response has no '*'.")
    return UidSet.of_ranges((min(pair), max(pair)) for pair in ranges)


def _rest(cursor: Cursor) -> str:
    octets, cursor.at = cursor.octets[cursor.at :], len(cursor.octets)
    return _ascii(octets)


def _ascii(octets: bytes) -> str:
    """US-ASCII, or UTF-8 that an IMAP4rev2 server may send as text."""
    return octets.decode("utf-8", "replace")


def _gen_url_auth(cursor: Cursor) -> Response:
    urls = []
    while cursor.skip(b" "):
        urls.append(cursor.text())
    return GenUrlAuthData(tuple(urls))


def _url_fetch(cursor: Cursor) -> Response:
    cursor.space()
    url = cursor.text()
    cursor.space()
    return UrlFetchData(url, cursor.nstring())


_ESEARCH_NUMBERS = {"MIN": "minimum", "MAX": "maximum", "COUNT": "count", "MODSEQ": "modseq"}
_ESEARCH_UPDATES = {"ADDTO": "add_to", "REMOVEFROM": "remove_from"}
_READERS: dict[str, Callable[[Cursor], Response]] = {
    "CAPABILITY": lambda cursor: CapabilityData(_words(cursor)),
    "ENABLED": lambda cursor: EnabledData(_words(cursor)),
    "ID": _id,
    "FLAGS": _flags,
    "GENURLAUTH": _gen_url_auth,
    "URLFETCH": _url_fetch,
    "VANISHED": _vanished,
    "LIST": _list,
    "LSUB": _lsub,
    "STATUS": _mailbox_status,
    "ACL": _acl,
    "LISTRIGHTS": _list_rights,
    "MYRIGHTS": _my_rights,
    "METADATA": _metadata,
    "NAMESPACE": _namespace,
    "QUOTA": _quota,
    "QUOTAROOT": _quota_root,
    "SEARCH": _search,
    "SORT": _sort,
    "THREAD": _thread,
    "ESEARCH": _esearch,
}
