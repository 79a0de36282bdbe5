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
_AFTER = "FROM entry WHERE mailbox_id = :mailbox_id AND uid > :after"
_SPAN = f"{_AFTER} AND uid <= :last"
_OCTETS = Query(
    "SELECT max(uid), bool_or(keywords <> ''), string_agg(int8send(uid), ''),"
    " string_agg(int8send(message_id), ''), string_agg(int2send(flags), ''),"
    " string_agg(int8send(modseq), ''), string_agg(int8send(size), ''),"
    f" string_agg(int8send({_SECONDS}), '') FROM"
    " (SELECT uid, message_id, flags, keywords, modseq, size, internal_date"
    f" {_AFTER} ORDER BY uid LIMIT :most) AS page"
)
# On SQLite a subquery would take a quarter longer. Without it the primary key is walked, in its order.
_LAST = Query(f"SELECT MAX(uid) FROM (SELECT uid {_AFTER} ORDER BY uid LIMIT :most)")
_NUMBERS = Query(
    "SELECT MAX(uid), MAX(keywords <> ''), json_group_array(uid), json_group_array(message_id),"
    " json_group_array(flags), json_group_array(modseq), json_group_array(size),"
    f" json_group_array({_SECONDS}) {_SPAN}"
)
_KEYWORDS = Query(f"SELECT uid, keywords {_SPAN} AND keywords <> ''")
_SENT = "qqhqqq"
"""What PostgreSQL sends of each column, as types of `array`."""
_KEPT = "IQBQIq"
"""What a snapshot keeps of it."""

_numbers = msgspec.json.Decoder(list[int])


async def page(connection: Connection, mailbox_id: int, after: int) -> Sequence[Sequence[Any]] | None:
    """The columns of `Snapshot.load_columns` of up to PAGE entries, the first with UIDs above `after`; None
    if there are none. To be read in a unit that sees one state of the database."""
    row = await _aggregated(connection, mailbox_id, after)
    if row is None or row[0] is None:
        return None
    last, has_keywords, *packed = row
    uids, message_ids, flags, modseqs, sizes, dates = _columns(connection, packed)
    keywords: list[tuple[str, ...]] = []
    if has_keywords:
        found = await connection.all(_KEYWORDS, mailbox_id=mailbox_id, after=after, last=last)
        told = {uid: as_words(words) for uid, words in found}
        keywords = [told.get(uid, ()) for uid in uids]
    return uids, message_ids, flags, keywords, modseqs, sizes, dates


async def _aggregated(connection: Connection, mailbox_id: int, after: int) -> Row | None:
    """(the last UID, whether there are keywords, the columns as the database gives them)."""
    if connection.dialect == "postgres":
        return await connection.one(_OCTETS, mailbox_id=mailbox_id, after=after, most=PAGE)
    last = await connection.one(_LAST, mailbox_id=mailbox_id, after=after, most=PAGE)
    if last is None or last[0] is None:
        return None
    return await connection.one(_NUMBERS, mailbox_id=mailbox_id, after=after, last=last[0])


def _columns(connection: Connection, packed: Row) -> list[Sequence[int]]:
    if connection.dialect == "sqlite":
        return [_numbers.decode(column) for column in packed]
    return [_received(*column) for column in zip(packed, _SENT, _KEPT, strict=True)]


def _received(octets: bytes, sent: str, kept: str) -> array[int]:
    values: array[int] = array(sent, octets)
    if sys.byteorder == "little":
        values.byteswap()
    return values if sent == kept else array(kept, values)
