"""Responses from octets: what an upstream client reads, and what proves that the encoders are right.

One complete response goes in, literals in place, with or without its final CRLF. FETCH values come out as
the ready octets that they are; whoever asked for an attribute knows how to read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.commands.session import parse_parameters
from mailkeep.imap.errors import ImapSyntaxError
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.names import NameForm
from mailkeep.imap.response_decoder import search, sharing
from mailkeep.imap.response_decoder.words import ascii_text, uid_set
from mailkeep.imap.responses import (
    CapabilityData,
    Condition,
    Continuation,
    Count,
    CountData,
    EnabledData,
    FetchData,
    FlagsData,
    GenUrlAuthData,
    IdData,
    ListData,
    NamespaceData,
    NamespaceEntry,
    Response,
    StatusData,
    StatusResponse,
    UrlFetchData,
    VanishedData,
)

_RESP_TEXT = re.compile(rb' (?:\[((?:[^\]"]|"(?:[^"\\]|\\.)*")*)\] )?([^\r\n]*)')
_QUOTED_IN_LABEL = rb'"(?:[^"\\\r\n]|\\["\\])*"'
_LABEL = re.compile(rb'[A-Za-z0-9.]+(?:\[(?:[^\]"{\r\n]|%b)*\](?:<[0-9]+>)?)?' % _QUOTED_IN_LABEL)
_VALUE_TOKEN = re.compile(rb'\(|\)| |"(?:[^"\\\r\n]|\\["\\])*"|~?\{([0-9]{1,19})\}\r\n|[^\x00-\x20\x7f"(){]+')


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
    return StatusResponse(condition, ascii_text(found[2]), found[1] or b"", tag)


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
        words.append(ascii_text(cursor.atom()))
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
    return VanishedData(uid_set(cursor), earlier)


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
        name, attributes, None if delimiter is None else ascii_text(delimiter), child_info, old_name, lsub
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
        value = ascii_text(cursor.atom())
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
        entries.append(NamespaceEntry(prefix, None if delimiter is None else ascii_text(delimiter)))
    cursor.expect(b")")
    return tuple(entries)


def _rest(cursor: Cursor) -> str:
    octets, cursor.at = cursor.octets[cursor.at :], len(cursor.octets)
    return ascii_text(octets)


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
    "ACL": sharing.acl,
    "LISTRIGHTS": sharing.list_rights,
    "MYRIGHTS": sharing.my_rights,
    "METADATA": sharing.metadata,
    "NAMESPACE": _namespace,
    "QUOTA": sharing.quota,
    "QUOTAROOT": sharing.quota_root,
    "SEARCH": search.search,
    "SORT": search.sort,
    "THREAD": search.thread,
    "ESEARCH": search.esearch,
}
