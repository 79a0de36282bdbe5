"""Which entries of an account a filter means: one statement, in which a condition that is not set holds for
everything.

Text is not compared here: the databases fold only some letters, so that whoever searches for text reads it
and compares it in one way for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mailkeep.model.flags import SystemFlag
from mailkeep.model.mailbox import SpecialUse
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep.storage.query import Query
from mailkeep.storage.values import moment

LEFT_OUT = (SpecialUse.SENT, SpecialUse.DRAFTS, SpecialUse.JUNK, SpecialUse.TRASH)
"""Not in the list of all mail."""

COLUMNS = (
    "e.mailbox_id, e.uid, e.flags, e.keywords, e.internal_date, e.size, m.id, m.email_id,"
    " m.header_message_id, m.subject, m.from_address, m.from_name, m.attachment_count, m.preview"
)
JOINED = "FROM entry e JOIN message m ON m.id = e.message_id JOIN mailbox b ON b.id = e.mailbox_id"
_FARTHEST = 1 << 62  # beyond every moment, id and count
_BOXES = Query("SELECT id, special_use FROM mailbox WHERE account_id = :account_id AND selectable")
_WANTED = (
    " AND e.internal_date BETWEEN :since AND :until AND (e.flags & :mask) = :seen"
    " AND m.attachment_count BETWEEN :fewest AND :most_files"
)
_OF_ANY_BOX = ("e.mailbox_id = ANY(:boxes)", "e.mailbox_id IN (SELECT value FROM json_each(:boxes))")
_FROM_ANY = ("m.from_address = ANY(:senders)", "m.from_address IN (SELECT value FROM json_each(:senders))")
_PAGE = (
    " AND (e.internal_date, e.message_id, e.mailbox_id, e.uid) < (:at, :message_id, :mailbox_id, :uid)"
    " ORDER BY e.internal_date DESC, e.message_id DESC, e.mailbox_id DESC, e.uid DESC"
    " LIMIT :most OFFSET :skip"
)


def _both(select: str, tail: str = "") -> tuple[Query, Query]:
    """The statement for any sender, and for given ones."""
    texts = [
        [f"{select} {JOINED} WHERE {boxes}{senders}{_WANTED}{tail}" for boxes, senders in spelling]
        for spelling in (
            zip(_OF_ANY_BOX, ("", ""), strict=True),
            zip(_OF_ANY_BOX, (f" AND {text}" for text in _FROM_ANY), strict=True),
        )
    ]
    (any_postgres, any_sqlite), (given_postgres, given_sqlite) = texts
    return Query(any_postgres, sqlite=any_sqlite), Query(given_postgres, sqlite=given_sqlite)


_FIND, _FIND_FROM = _both(f"SELECT {COLUMNS}, b.name", _PAGE)
_COUNT, _COUNT_FROM = _both("SELECT count(*), coalesce(sum(e.size), 0)")
_ENTRIES_OF = f"SELECT {COLUMNS}, b.name {JOINED} WHERE b.account_id = :account_id AND m.email_id"
_ENTRIES = Query(f"{_ENTRIES_OF} = ANY(:ids)")
_ENTRIES_OF_ONE = Query(f"{_ENTRIES_OF} = :id")


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the found entries: `offset` and `limit` count from the entry after `after`."""

    offset: int
    limit: int
    after: EmailRow | None = None


async def entries(connection: Connection, account_id: int, email_ids: list[UUID]) -> Sequence[Row]:
    """Rows of COLUMNS and the mailbox's name."""
    if connection.dialect == "postgres":
        return await connection.all(_ENTRIES, account_id=account_id, ids=email_ids)
    found: list[Row] = []
    for email_id in email_ids:  # SQLite's ids are octets, which JSON cannot hold
        found += await connection.all(_ENTRIES_OF_ONE, account_id=account_id, id=email_id)
    return found


async def count(connection: Connection, account_id: int, which: EmailFilter) -> tuple[int, int]:
    """(entries, octets)."""
    query = _COUNT if which.from_addresses is None else _COUNT_FROM
    row = await connection.one(query, **await _conditions(connection, account_id, which))
    assert row is not None
    return int(row[0]), int(row[1])


async def find(connection: Connection, account_id: int, which: EmailFilter, page: Page) -> Sequence[Row]:
    """Rows of COLUMNS and the mailbox's name, newest first."""
    query = _FIND if which.from_addresses is None else _FIND_FROM
    conditions = await _conditions(connection, account_id, which)
    return await connection.all(query, most=page.limit, skip=page.offset, **conditions, **_after(page.after))


async def _conditions(connection: Connection, account_id: int, which: EmailFilter) -> dict[str, Any]:
    boxes = await connection.all(_BOXES, account_id=account_id)
    senders = {} if which.from_addresses is None else {"senders": list(which.from_addresses)}
    return {
        "boxes": [box[0] for box in boxes if _is_meant(box[1], which.special_use)],
        "since": -_FARTHEST if which.since is None else moment(which.since),
        "until": _FARTHEST if which.until is None else moment(which.until),
        "mask": 0 if which.is_read is None else int(SystemFlag.SEEN),
        "seen": int(SystemFlag.SEEN) if which.is_read else 0,
        "fewest": 1 if which.has_attachments else 0,
        "most_files": 0 if which.has_attachments is False else (1 << 31) - 1,
        **senders,
    }


def _is_meant(special_use: str | None, wanted: SpecialUse | None) -> bool:
    return special_use not in LEFT_OUT if wanted is None else special_use == wanted


def _after(row: EmailRow | None) -> dict[str, int]:
    if row is None:
        return dict.fromkeys(("at", "message_id", "mailbox_id", "uid"), _FARTHEST)
    return {
        "at": moment(row.received_at),
        "message_id": row.message_id,
        "mailbox_id": row.mailbox_id,
        "uid": row.uid,
    }
