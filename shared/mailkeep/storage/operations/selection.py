"""Reading the entries that an operation is about, under their mailbox's lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mailkeep.model.uids import UidSet
from mailkeep.storage.database import Connection
from mailkeep.storage.query import Query

# The ranges of a UID set travel as JSON, [[low, high], ...], which both databases take apart.
RANGES = "json_array_elements(:ranges) r"
RANGES_SQLITE = "json_each(:ranges) r"
WITHIN = "BETWEEN (r.value->>0)::bigint AND (r.value->>1)::bigint"
WITHIN_SQLITE = "BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')"

_SELECT = "SELECT e.uid, e.message_id, e.flags, e.keywords, e.modseq, e.size, e.internal_date FROM "
_ENTRIES = Query(
    f"{_SELECT} {RANGES} JOIN entry e ON e.mailbox_id = :mailbox_id AND e.uid {WITHIN} ORDER BY e.uid",
    sqlite=f"{_SELECT} {RANGES_SQLITE} CROSS JOIN entry e"
    f" WHERE e.mailbox_id = :mailbox_id AND e.uid {WITHIN_SQLITE} ORDER BY e.uid",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry row."""

    uid: int
    message_id: int
    flags: int
    keywords: str
    modseq: int
    size: int
    internal_date: int


def ranges(uids: UidSet) -> str:
    """A UID set as the parameter `ranges`."""
    return json.dumps(uids.ranges)


async def entries(connection: Connection, mailbox_id: int, uids: UidSet) -> Sequence[Entry]:
    """Those entries of a set that are in the mailbox, by UID."""
    if not uids:
        return []
    rows = await connection.all(_ENTRIES, mailbox_id=mailbox_id, ranges=ranges(uids))
    return [Entry(*row) for row in rows]
