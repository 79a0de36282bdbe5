"""What became of an account's messages since somebody last looked, told from the change log.

Marks come from the rows' own flags, removals from the message ids that they hold. A message that leaves the
list of received mail counts as deleted, wherever it went; one that comes back into it counts as updated.
One that was in none of the account's mailboxes before has arrived, whoever put it there: delivery, APPEND, a
copy out of somebody else's mailbox. Mail with a date of long ago is moved house, not news: it only counts.
Where the log has a hole, or tells of more than is worth telling one by one, the answer is not complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import msgspec

from mailkeep.model.flags import SystemFlag
from mailkeep.model.uids import UidSet
from mailkeep.storage.change_log import FlagGroup, NewEntry
from mailkeep.storage.database import Connection, Row
from mailkeep.storage.finding import LEFT_OUT
from mailkeep.storage.interface import AccountNews, Arrived, Marked
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_uuid

TOLD_LIMIT = 200  # messages of one answer; past it a reader is better off reading its lists anew
FIRST_MODSEQ = 1  # of a mailbox that was made since: nothing of it was told yet
FRESH_MICROSECONDS = 24 * 3600 * 1_000_000  # between a message's date and its coming here, at most

_HEADS = Query(
    "SELECT id, special_use, highestmodseq, unseen FROM mailbox"
    " WHERE account_id = :account_id AND selectable ORDER BY id"
)
_SINCE = Query(
    "SELECT flagged, expunged, removed, appended FROM change"
    " WHERE mailbox_id = :mailbox_id AND modseq > :modseq ORDER BY modseq LIMIT :most"
)
_FLAGGED = "SELECT e.uid, m.email_id FROM entry e JOIN message m ON m.id = e.message_id"
_EMAIL_IDS = Query(
    f"{_FLAGGED} WHERE e.mailbox_id = :mailbox_id AND e.uid = ANY(:uids)",
    sqlite=f"{_FLAGGED} WHERE e.mailbox_id = :mailbox_id AND e.uid IN (SELECT value FROM json_each(:uids))",
)
_WHERE_NOW = (
    "SELECT m.id, m.email_id, e.flags, e.special_use FROM message m LEFT JOIN (SELECT entry.message_id,"
    " entry.flags, mailbox.special_use FROM entry JOIN mailbox ON mailbox.id = entry.mailbox_id"
    " WHERE mailbox.account_id = :account_id AND entry.message_id {ids}) e ON e.message_id = m.id"
    " WHERE m.id {ids}"
)
_PLACES = Query(
    _WHERE_NOW.format(ids="= ANY(:ids)"),
    sqlite=_WHERE_NOW.format(ids="IN (SELECT value FROM json_each(:ids))"),
)
_SHOWN = (
    "SELECT id, email_id, created_at, from_address, from_name, subject, attachment_count FROM message"
    " WHERE id {ids} ORDER BY id"
)
_MESSAGES = Query(
    _SHOWN.format(ids="= ANY(:ids)"), sqlite=_SHOWN.format(ids="IN (SELECT value FROM json_each(:ids))")
)
_groups = msgspec.msgpack.Decoder(list[FlagGroup])
_entries = msgspec.msgpack.Decoder(list[NewEntry])
_ids = msgspec.msgpack.Decoder(list[int])


class _Gathered:
    """What the rows of the log say, before it is known which messages are meant."""

    def __init__(self) -> None:
        self.complete = True
        self.grown = False
        self.marked: list[tuple[int, UidSet, bool]] = []  # mailbox, UIDs, read or not
        self.removed: dict[int, bool] = {}  # message -> whether it went out of a listed mailbox
        self.balance: Counter[int] = Counter()  # message -> entries that came, less those that went
        self.listed: dict[int, int] = {}  # message -> its date, if it came into a listed mailbox
        self.count = 0

    def add(self, mailbox_id: int, listed: bool, row: Row) -> None:
        flagged, expunged, removed, appended = row
        for _, message_id, _, _, _, date in _entries.decode(appended) if appended else ():
            self.grown = True
            self.balance[message_id] += 1
            if listed:
                self.listed[message_id] = date
        for uids, system, _ in _groups.decode(flagged) if flagged else ():
            marked = UidSet.parse(uids)
            self.count += len(marked)
            self.marked.append((mailbox_id, marked, bool(system & SystemFlag.SEEN)))
        ids = _ids.decode(removed) if removed else []
        self.count += len(ids)
        for id in ids:
            self.removed[id] = self.removed.get(id, False) or listed
            self.balance[id] -= 1
        if (expunged and not ids) or self.count > TOLD_LIMIT:
            self.complete = False


async def news(connection: Connection, account_id: int, since: Mapping[int, int] | None) -> AccountNews:
    """See interface.Emails."""
    boxes = await connection.all(_HEADS, account_id=account_id)
    heads = {box[0]: int(box[2]) for box in boxes}
    unread = sum(int(box[3]) for box in boxes)
    if since is None:
        return AccountNews(heads, unread)
    gathered = await _gather(connection, boxes, since)
    if not gathered.complete:
        return AccountNews(heads, unread, grown=gathered.grown, complete=False)
    marked = await _marked(connection, gathered.marked)
    back, gone = await _moved(connection, account_id, gathered)
    arrived = await _arrived(connection, account_id, gathered)
    if len(arrived) > TOLD_LIMIT:
        return AccountNews(heads, unread, grown=True, complete=False)
    return AccountNews(heads, unread, [*marked, *back], gone, gathered.grown, arrived=arrived)


async def _gather(connection: Connection, boxes: Sequence[Row], since: Mapping[int, int]) -> _Gathered:
    gathered = _Gathered()
    if since.keys() - {box[0] for box in boxes}:
        gathered.complete = False  # a mailbox is gone, with what lay in it
    for id, use, head, _ in boxes:
        known = since.get(id, FIRST_MODSEQ)
        if head == known or not gathered.complete:
            continue
        rows = await connection.all(_SINCE, mailbox_id=id, modseq=known, most=TOLD_LIMIT + 1)
        if len(rows) != head - known:
            gathered.complete = False
        for row in rows:
            gathered.add(id, use not in LEFT_OUT, row)
    return gathered


async def _marked(connection: Connection, groups: Collection[tuple[int, UidSet, bool]]) -> list[Marked]:
    found = []
    for mailbox_id, uids, is_read in groups:
        rows = await connection.all(_EMAIL_IDS, mailbox_id=mailbox_id, uids=list(uids))
        found += [Marked(as_uuid(row[1]), is_read) for row in sorted(rows, key=lambda row: row[0])]
    return found


async def _moved(
    connection: Connection, account_id: int, gathered: _Gathered
) -> tuple[list[Marked], list[UUID]]:
    """(back in the list, gone from it or from everywhere), of what was removed from some mailbox."""
    if not gathered.removed:
        return [], []
    rows = await connection.all(_PLACES, account_id=account_id, ids=list(gathered.removed))
    places: dict[int, list[Row]] = {}
    for row in rows:
        places.setdefault(row[0], []).append(row)
    back, gone = [], []
    for id, was_listed in gathered.removed.items():
        present = [row for row in places.get(id, ()) if row[2] is not None]
        listed = [row for row in present if row[3] not in LEFT_OUT]
        if listed and not was_listed:
            back.append(Marked(as_uuid(listed[0][1]), bool(listed[0][2] & SystemFlag.SEEN)))
        elif id in places and not listed and (was_listed or not present):
            gone.append(as_uuid(places[id][0][1]))
    return back, gone


async def _arrived(connection: Connection, account_id: int, gathered: _Gathered) -> list[Arrived]:
    """Those that lie in listed mailboxes now and lay in no mailbox of the account before."""
    came = [id for id in gathered.listed if gathered.balance[id] > 0]
    if not came:
        return []
    entries: Counter[int] = Counter()
    still_listed = set()
    for id, _, flags, use in await connection.all(_PLACES, account_id=account_id, ids=came):
        entries[id] += flags is not None
        if flags is not None and use not in LEFT_OUT:
            still_listed.add(id)
    new = [id for id in came if id in still_listed and entries[id] <= gathered.balance[id]]
    rows = await connection.all(_MESSAGES, ids=new)
    return [
        Arrived(
            as_uuid(row[1]),
            as_datetime(gathered.listed[row[0]]),
            row[3],
            row[4],
            row[5],
            has_attachments=row[6] > 0,
        )
        for row in rows
        if row[2] - gathered.listed[row[0]] <= FRESH_MICROSECONDS
    ]
