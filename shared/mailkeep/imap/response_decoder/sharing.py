"""Who may do what in a mailbox, what is noted of it, and how much it may hold."""

from __future__ import annotations

from mailkeep.imap.commands.metadata import parse_entry
from mailkeep.imap.lexer import Cursor
from mailkeep.imap.response_decoder.words import ascii_text
from mailkeep.imap.responses import (
    AclData,
    ListRightsData,
    MetadataChanged,
    MetadataData,
    MyRightsData,
    QuotaData,
    QuotaResource,
    QuotaRootData,
    Response,
)


def acl(cursor: Cursor) -> Response:
    """RFC 4314 section 3.6."""
    name, words = _rights_words(cursor)
    if len(words) % 2:
        cursor.fail("rights")
    return AclData(name, tuple(zip(words[::2], words[1::2], strict=True)))


def list_rights(cursor: Cursor) -> Response:
    """RFC 4314 section 3.7."""
    name, words = _rights_words(cursor)
    if len(words) < 2:
        cursor.fail("an identifier and rights")
    return ListRightsData(name, words[0], words[1], tuple(words[2:]))


def my_rights(cursor: Cursor) -> Response:
    """RFC 4314 section 3.8."""
    cursor.space()
    name = cursor.mailbox()
    cursor.space()
    return MyRightsData(name, ascii_text(cursor.astring()))


def _rights_words(cursor: Cursor) -> tuple[str, list[str]]:
    cursor.space()
    name = cursor.mailbox()
    words = []
    while cursor.skip(b" "):
        words.append(cursor.text())
    return name, words


def metadata(cursor: Cursor) -> Response:
    """RFC 5464 section 4.4: values, or the names of entries that changed."""
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


def quota(cursor: Cursor) -> Response:
    """RFC 9208 section 4.2.1."""
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


def quota_root(cursor: Cursor) -> Response:
    """RFC 9208 section 4.2.2."""
    cursor.space()
    name = cursor.mailbox()
    roots = []
    while cursor.skip(b" "):
        roots.append(cursor.text())
    return QuotaRootData(name, tuple(roots))
