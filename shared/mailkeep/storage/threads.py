"""The messages of an account that References join (RFC 5322 section 3.6.4).

Who names the same message belongs together, whether that message is here or not. Each round widens the set
of ids by those of the messages found; what References name usually is all there after the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.threads import root_of, thread_id
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.finding import COLUMNS, JOINED, entries
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_uuid

ROUNDS = 8  # a chain of replies that name just their parent widens by one link a round
IDS_LIMIT = 1000  # message ids that one thread is looked for by

_LEFT_OUT = (SpecialUse.DRAFTS, SpecialUse.JUNK, SpecialUse.TRASH)
_BOXES = Query("SELECT id, special_use FROM mailbox WHERE account_id = :account_id AND selectable")
_IDS = Query("SELECT header_message_id, reference_ids FROM message WHERE id = :id")
_SELECT = f"SELECT {COLUMNS}, b.name {JOINED}"
# An answer's thread has the name of its first message, which itself may not be here.
_ROOTS = Query(
    "SELECT m.email_id, m.header_message_id, m.reference_ids FROM message m WHERE m.id IN"
    " (SELECT e.message_id FROM entry e JOIN mailbox b ON b.id = e.mailbox_id"
    " WHERE b.account_id = :account_id AND b.selectable)"
)
_RELATED = Query(
    f"{_SELECT} WHERE e.mailbox_id = ANY(:boxes) AND (m.header_message_id = ANY(:ids)"
    " OR string_to_array(m.reference_ids, chr(10)) && CAST(:ids AS text[]))"
    " ORDER BY e.internal_date DESC, e.message_id DESC LIMIT :most",
    sqlite=f"{_SELECT} WHERE e.mailbox_id IN (SELECT value FROM json_each(:boxes)) AND"
    " (m.header_message_id IN (SELECT value FROM json_each(:ids)) OR (m.reference_ids <> '' AND EXISTS"
    " (SELECT 1 FROM json_each(:ids) named WHERE"
    " instr(char(10) || m.reference_ids || char(10), char(10) || named.value || char(10)) > 0)))"
    " ORDER BY e.internal_date DESC, e.message_id DESC LIMIT :most",
)
_MESSAGE_ID, _REFERENCES = 8, 14  # places in a row


async def related(connection: Connection, account_id: int, email_id: UUID, limit: int) -> Sequence[Row]:
    """Rows of COLUMNS and the mailbox's name, oldest first, one a message; empty without that message."""
    own = await entries(connection, account_id, [email_id])
    if not own:
        return []
    facts = await connection.one(_IDS, id=own[0][6])
    ids = _ids(*facts) if facts is not None else set()
    boxes = [
        box[0]
        for box in await connection.all(_BOXES, account_id=account_id)
        if box[1] not in _LEFT_OUT or box[0] == own[0][0]
    ]
    found = await _closed(connection, boxes, ids, limit)
    unique = {row[6]: row for row in (*own[:1], *found)}
    return sorted(unique.values(), key=lambda row: (row[4], row[6]))[-limit:]


async def roots(connection: Connection, account_id: int) -> Sequence[Row]:
    """What `member` looks through: the names of all messages of the account."""
    return await connection.all(_ROOTS, account_id=account_id)


def member(rows: Sequence[Row], wanted: UUID) -> UUID | None:
    """The id of a message of the thread with this id."""
    for row in rows:
        email_id = as_uuid(row[0])
        if thread_id(email_id, root_of(row[1], row[2])) == wanted:
            return email_id
    return None


async def _closed(connection: Connection, boxes: list[int], ids: set[str], limit: int) -> Sequence[Row]:
    """Widen the set of ids until a round brings no new one."""
    found: Sequence[Row] = []
    for _ in range(ROUNDS):
        if not ids:
            break
        found = await connection.all(_RELATED, boxes=boxes, ids=sorted(ids)[:IDS_LIMIT], most=limit)
        wider = ids.union(*(_ids(row[_MESSAGE_ID], row[_REFERENCES]) for row in found))
        if len(wider) == len(ids) or len(ids) >= IDS_LIMIT:
            break
        ids = wider
    return found


def _ids(message_id: str, references: str) -> set[str]:
    return {id for id in (message_id, *references.split("\n")) if id}
