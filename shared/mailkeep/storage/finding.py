"""Which entries of an account a filter means: one statement, in which a condition that is not set holds for
everything.

Text is not compared here: the databases fold only some letters, so that whoever searches for text reads it
and compares it in one way for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from mailkeep.model.flags import SystemFlag
from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.order import Order
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.interface import EmailFilter, EmailRow
from mailkeep.storage.query import Query
from mailkeep.storage.values import moment

LEFT_OUT = (SpecialUse.SENT, SpecialUse.DRAFTS, SpecialUse.JUNK, SpecialUse.TRASH)
"""Not in the list of all mail."""

COLUMNS = (
    "e.mailbox_id, e.uid, e.flags, e.keywords, e.internal_date, e.size, m.id, m.email_id,"
    " m.header_message_id, m.subject, m.from_address, m.from_name, m.attachment_count, m.preview,"
    " m.reference_ids"
)
JOINED = "FROM entry e JOIN message m ON m.id = e.message_id JOIN mailbox b ON b.id = e.mailbox_id"
_FARTHEST = 1 << 62  # beyond every moment, id and count
_BOXES = Query("SELECT id, special_use FROM mailbox WHERE account_id = :account_id AND selectable")
_OF_ENTRY = (
    "{e}.mailbox_id {boxes} AND {e}.internal_date BETWEEN :since AND :until AND ({e}.flags & :mask) = :seen"
)
_OF_MESSAGE = " AND m.attachment_count BETWEEN :fewest AND :most_files"
# A message that lies in several of the mailboxes, or twice in one, is listed once. As a scalar this is asked
# for each row that a page needs; as NOT EXISTS it would be joined with all of the account's entries.
_NONE_BEFORE = (
    " AND (SELECT 1 FROM entry d WHERE d.message_id = e.message_id AND {of_entry}"
    " AND (d.mailbox_id, d.uid) < (e.mailbox_id, e.uid) LIMIT 1) IS NULL"
)
_PAGE = (
    " AND (e.internal_date, e.message_id, e.mailbox_id, e.uid) < (:at, :message_id, :mailbox_id, :uid)"
    " ORDER BY {first}e.internal_date DESC, e.message_id DESC, e.mailbox_id DESC, e.uid DESC"
    " LIMIT :most OFFSET :skip"
)
_SUBJECT = "lower(m.subject)"
_SENDER = "lower(CASE WHEN m.from_name = '' THEN m.from_address ELSE m.from_name END)"
_FIRST = {
    Order.NEWEST: "",
    Order.OLDEST: "e.internal_date, ",
    Order.SUBJECT: f"{_SUBJECT}{{bytewise}}, ",
    Order.SUBJECT_BACKWARDS: f"{_SUBJECT}{{bytewise}} DESC, ",
    Order.SENDER: f"{_SENDER}{{bytewise}}, ",
    Order.SENDER_BACKWARDS: f"{_SENDER}{{bytewise}} DESC, ",
}
# Alike on both, whatever language a cluster was made in.
_BYTEWISE = {"postgres": ' COLLATE "C"', "sqlite": ""}
_BOXES_IN = {"postgres": "= ANY(:boxes)", "sqlite": "IN (SELECT value FROM json_each(:boxes))"}
_SENDERS_IN = {"postgres": "= ANY(:senders)", "sqlite": "IN (SELECT value FROM json_each(:senders))"}
_PLACE_IN = {"postgres": "strpos", "sqlite": "instr"}
_KEYWORD = " AND {place}(' ' || lower({e}.keywords) || ' ', :keyword) > 0"


@cache
def _find_query(by_sender: bool, by_keyword: bool, order: Order) -> Query:
    def text(dialect: str) -> str:
        conditions = _conditions_of("e", dialect, by_keyword) + _of_message(dialect, by_sender)
        first = _NONE_BEFORE.format(of_entry=_conditions_of("d", dialect, by_keyword))
        page = _PAGE.format(first=_FIRST[order].format(bytewise=_BYTEWISE[dialect]))
        return f"SELECT {COLUMNS}, b.name {JOINED} WHERE {conditions}{first}{page}"

    return Query(text("postgres"), sqlite=text("sqlite"))


@cache
def _count_query(by_sender: bool, by_keyword: bool) -> Query:
    def text(dialect: str) -> str:
        conditions = _conditions_of("e", dialect, by_keyword) + _of_message(dialect, by_sender)
        once = f"SELECT DISTINCT e.message_id, e.size {JOINED} WHERE {conditions}"
        return f"SELECT count(*), coalesce(sum(size), 0) FROM ({once}) AS found"

    return Query(text("postgres"), sqlite=text("sqlite"))


def _conditions_of(entry: str, dialect: str, by_keyword: bool) -> str:
    text = _OF_ENTRY.format(e=entry, boxes=_BOXES_IN[dialect])
    return text + (_KEYWORD.format(e=entry, place=_PLACE_IN[dialect]) if by_keyword else "")


def _of_message(dialect: str, by_sender: bool) -> str:
    return _OF_MESSAGE + (f" AND m.from_address {_SENDERS_IN[dialect]}" if by_sender else "")


_ENTRIES_OF = f"SELECT {COLUMNS}, b.name {JOINED} WHERE b.account_id = :account_id AND m.email_id"
_ENTRIES = Query(f"{_ENTRIES_OF} = ANY(:ids)")
_ENTRIES_OF_ONE = Query(f"{_ENTRIES_OF} = :id")
_WITH_KEYWORD = (
    "SELECT e.mailbox_id, e.uid FROM entry e JOIN mailbox b ON b.id = e.mailbox_id"
    " WHERE b.account_id = :account_id AND b.selectable"
)
WITH_KEYWORD = Query(
    _WITH_KEYWORD + _KEYWORD.format(e="e", place=_PLACE_IN["postgres"]),
    sqlite=_WITH_KEYWORD + _KEYWORD.format(e="e", place=_PLACE_IN["sqlite"]),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Which of the found entries: `offset` and `limit` count from the entry after `after`, which the order by
    date alone knows."""

    offset: int
    limit: int
    after: EmailRow | None = None
    order: Order = Order.NEWEST


async def entries(connection: Connection, account_id: int, email_ids: list[UUID]) -> Sequence[Row]:
    """Rows of COLUMNS and the mailbox's name."""
    if connection.dialect == "postgres":
        return await connection.all(_ENTRIES, account_id=account_id, ids=email_ids)
    found: list[Row] = []
    for email_id in email_ids:  # SQLite's ids are octets, which JSON cannot hold
        found += await connection.all(_ENTRIES_OF_ONE, account_id=account_id, id=email_id)
    return found


async def count(connection: Connection, account_id: int, which: EmailFilter) -> tuple[int, int]:
    """(messages, octets)."""
    query = _count_query(which.from_addresses is not None, which.keyword is not None)
    row = await connection.one(query, **await _conditions(connection, account_id, which))
    assert row is not None
    return int(row[0]), int(row[1])


async def find(connection: Connection, account_id: int, which: EmailFilter, page: Page) -> Sequence[Row]:
    """Rows of COLUMNS and the mailbox's name."""
    query = _find_query(which.from_addresses is not None, which.keyword is not None, page.order)
    conditions = await _conditions(connection, account_id, which)
    return await connection.all(query, most=page.limit, skip=page.offset, **conditions, **_after(page.after))


async def _conditions(connection: Connection, account_id: int, which: EmailFilter) -> dict[str, Any]:
    boxes = await connection.all(_BOXES, account_id=account_id)
    given: dict[str, Any] = {}
    if which.from_addresses is not None:
        given["senders"] = list(which.from_addresses)
    if which.keyword is not None:
        given["keyword"] = f" {which.keyword.lower()} "  # keywords are ASCII
    return {
        "boxes": [box[0] for box in boxes if _is_meant(box[1], which.special_use)],
        "since": -_FARTHEST if which.since is None else moment(which.since),
        "until": _FARTHEST if which.until is None else moment(which.until),
        "mask": 0 if which.is_read is None else int(SystemFlag.SEEN),
        "seen": int(SystemFlag.SEEN) if which.is_read else 0,
        "fewest": 1 if which.has_attachments else 0,
        "most_files": 0 if which.has_attachments is False else (1 << 31) - 1,
        **given,
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
