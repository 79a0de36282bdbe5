"""The entries of a mailbox by columns, as a snapshot keeps them: what its first SELECT waits for.

A row costs a driver an object for itself and one for each of its values, which is most of what reading
100,000 of them takes. So each column of a page is aggregated by the database: on PostgreSQL its octets in
network order, on SQLite a JSON array, which it writes faster than it makes rows. Keywords, which few entries
have, are read apart. Nothing is kept and nothing written: what is read is always what is there.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

import msgspec

from mailkeep.storage.database import Connection, Row
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_words

PAGE = 5000  # entries read at a time: what the event loop digests in less than a millisecond

# Rounded down, as Python does it, where both databases round to zero.
_SECONDS = "(internal_date - CASE WHEN internal_date < 0 THEN 999999 ELSE 0 END) / 1000000"
_SPAN = "FROM entry WHERE mailbox_id = :mailbox_id AND uid > :after AND uid <= :last"
_LAST = Query(
    "SELECT MAX(uid) FROM (SELECT uid FROM entry WHERE mailbox_id = :mailbox_id AND uid > :after"
    " ORDER BY uid LIMIT :most) AS page"
)
_POSTGRES = (
    "SELECT bool_or(keywords <> ''), string_agg(int8send(uid), ''), string_agg(int8send(message_id), ''),"
    " string_agg(int2send(flags), ''), string_agg(int8send(modseq), ''), string_agg(int8send(size), ''),"
    f" string_agg(int8send({_SECONDS}), '') FROM"
    " (SELECT uid, message_id, flags, keywords, modseq, size, internal_date"
    f" {_SPAN} ORDER BY uid) AS page"
)
# Walked by the primary key, and so in its order: a subquery that says so takes a fifth longer.
_SQLITE = (
    "SELECT MAX(keywords <> ''), json_group_array(uid), json_group_array(message_id),"
    " json_group_array(flags), json_group_array(modseq), json_group_array(size),"
    f" json_group_array({_SECONDS}) {_SPAN}"
)
_COLUMNS = Query(_POSTGRES, sqlite=_SQLITE)
_KEYWORDS = Query(f"SELECT uid, keywords {_SPAN} AND keywords <> ''")
_SENT = "qqhqqq"
"""What PostgreSQL sends of each column, as types of `array`."""
_KEPT = "IQBQIq"
"""What a snapshot keeps of it."""

_numbers = msgspec.json.Decoder(list[int])


async def page(connection: Connection, mailbox_id: int, after: int) -> Sequence[Sequence[Any]] | None:
    """The columns of `Snapshot.load_columns` of up to PAGE entries, the first with UIDs above `after`; None
    if there are none. To be read in a unit that sees one state of the database."""
    found = await connection.one(_LAST, mailbox_id=mailbox_id, after=after, most=PAGE)
    if found is None or found[0] is None:
        return None
    span = {"mailbox_id": mailbox_id, "after": after, "last": found[0]}
    row = await connection.one(_COLUMNS, **span)
    assert row is not None  # an aggregate has one row
    uids, message_ids, flags, modseqs, sizes, dates = _columns(connection, row[1:])
    keywords: list[tuple[str, ...]] = []
    if row[0]:
        told = {uid: as_words(words) for uid, words in await connection.all(_KEYWORDS, **span)}
        keywords = [told.get(uid, ()) for uid in uids]
    return uids, message_ids, flags, keywords, modseqs, sizes, dates


def _columns(connection: Connection, packed: Row) -> list[Sequence[int]]:
    if connection.dialect == "sqlite":
        return [_numbers.decode(column) for column in packed]
    return [_received(*column) for column in zip(packed, _SENT, _KEPT, strict=True)]


def _received(octets: bytes, sent: str, kept: str) -> array[int]:
    values: array[int] = array(sent, octets)
    if sys.byteorder == "little":
        values.byteswap()
    return values if sent == kept else array(kept, values)
