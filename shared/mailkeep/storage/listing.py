"""Pages of received mail, newest first: the statement that the API asks for most.

A message that lies in several mailboxes, or twice in one, is listed once. Few accounts hold such messages,
and to look for them among all entries costs ten times what the page costs. So it is remembered how many an
account has, for as long as its mailboxes hold the same entries; where it is known that there are none,
PostgreSQL answers a page in one statement.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from mailkeep.model.mailbox import INBOX
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.finding import COLUMNS, LEFT_OUT
from mailkeep.storage.gathering import Gathering
from mailkeep.storage.query import Query

REMEMBERED_ACCOUNTS = 20_000
STATES_AT_ONCE = 128  # accounts of one question
PAGES_AT_ONCE, PAGES_QUESTIONS = 16, 2  # pages of one question, and questions at a time
FIRST_ROWS = 200  # pages that end before these are asked for with others; what is farther takes its own time

_BOX_COLUMNS = "id, name, special_use, messages, unseen, uidnext, highestmodseq"
_MAILBOXES = Query(f"SELECT {_BOX_COLUMNS} FROM mailbox WHERE account_id = :account_id AND selectable")
_BOXES_OF = f"SELECT {_BOX_COLUMNS}, account_id FROM mailbox WHERE account_id"
_STATES = Query(
    f"{_BOXES_OF} = ANY(:ids) AND selectable",
    sqlite=f"{_BOXES_OF} IN (SELECT value FROM json_each(:ids)) AND selectable",
)
_NEWEST_ENTRIES = (
    "SELECT * FROM entry x WHERE mailbox_id = box.id{once} ORDER BY internal_date DESC, message_id DESC"
)
# Mailboxes without a row on the page stand once and last, with nothing beside them.
_PAGE = Query(
    f"WITH box AS MATERIALIZED (SELECT {_BOX_COLUMNS} FROM mailbox"
    " WHERE account_id = :account_id AND selectable),"
    f" page AS (SELECT n.* FROM box CROSS JOIN LATERAL ({_NEWEST_ENTRIES.format(once='')} LIMIT :upto) n"
    " WHERE CASE WHEN CAST(:mailbox AS text) IS NULL"
    " THEN box.special_use IS NULL OR box.special_use <> ALL(CAST(:left_out AS text[]))"
    " ELSE box.name = :mailbox END"
    " ORDER BY n.internal_date DESC, n.message_id DESC LIMIT :most OFFSET :skip)"
    f" SELECT {COLUMNS}, box.id, box.name, box.special_use, box.messages, box.unseen, box.uidnext,"
    " box.highestmodseq"
    " FROM box LEFT JOIN (page e JOIN message m ON m.id = e.message_id) ON e.mailbox_id = box.id"
    " ORDER BY e.internal_date DESC NULLS LAST, e.message_id DESC"
)
# The same for several at once: `place` is which of them. How many rows a LIMIT from a column lets through the
# planner cannot know: message is within a LATERAL with a LIMIT, so that it is never read as a whole.
_PAGES = Query(
    "WITH want AS MATERIALIZED (SELECT * FROM unnest(CAST(:accounts AS bigint[]), CAST(:skips AS bigint[]),"
    " CAST(:mosts AS bigint[])) WITH ORDINALITY AS w(account_id, skip, most, place)),"
    " box AS MATERIALIZED (SELECT b.id, b.name, b.special_use, b.messages, b.unseen, b.uidnext,"
    " b.highestmodseq, w.place FROM want w JOIN mailbox b ON b.account_id = w.account_id AND b.selectable),"
    " page AS (SELECT w.place, p.* FROM want w CROSS JOIN LATERAL (SELECT n.* FROM box CROSS JOIN LATERAL"
    f" ({_NEWEST_ENTRIES.format(once='')} LIMIT w.skip + w.most) n WHERE box.place = w.place"
    " AND (box.special_use IS NULL OR box.special_use <> ALL(CAST(:left_out AS text[])))"
    " ORDER BY n.internal_date DESC, n.message_id DESC LIMIT w.most OFFSET w.skip) p)"
    f" SELECT {COLUMNS}, box.* FROM box LEFT JOIN"
    " (page e CROSS JOIN LATERAL (SELECT * FROM message o WHERE o.id = e.message_id LIMIT 1) m)"
    " ON e.mailbox_id = box.id AND e.place = box.place"
    " ORDER BY box.place, e.internal_date DESC NULLS LAST, e.message_id DESC"
)
_BOX_AT, _PLACE_AT = 15, 22  # where the mailbox's columns begin, and end
# See finding on what none before means.
_NONE_BEFORE = (
    " AND (SELECT 1 FROM entry d WHERE d.message_id = x.message_id AND d.mailbox_id {boxes}"
    " AND (d.mailbox_id, d.uid) < (x.mailbox_id, x.uid) LIMIT 1) IS NULL"
)
# The newest of each mailbox come from its index; only they are sorted together, and only the page's own
# rows read their message.
_NEWEST, _NEWEST_ONCE = (
    Query(
        f"SELECT {COLUMNS} FROM (SELECT n.* FROM unnest(CAST(:ids AS bigint[])) AS box(id) CROSS JOIN LATERAL"
        f" ({_NEWEST_ENTRIES.format(once=once)} LIMIT :upto) n"
        " ORDER BY n.internal_date DESC, n.message_id DESC LIMIT :most OFFSET :skip) e"
        " JOIN message m ON m.id = e.message_id ORDER BY e.internal_date DESC, e.message_id DESC"
    )
    for once in ("", _NONE_BEFORE.format(boxes="= ANY(:ids)"))
)
_NEWEST_OF_ONE = "SELECT mailbox_id, uid, internal_date, message_id FROM entry x WHERE mailbox_id = :id"
_NEWEST_FIRST = " ORDER BY internal_date DESC, message_id DESC LIMIT :upto"
_PLACES = Query(_NEWEST_OF_ONE + _NEWEST_FIRST)
_PLACES_ONCE = Query(
    _NEWEST_OF_ONE + _NONE_BEFORE.format(boxes="IN (SELECT value FROM json_each(:ids))") + _NEWEST_FIRST
)
_ROW = Query(
    f"SELECT {COLUMNS} FROM entry e JOIN message m ON m.id = e.message_id"
    " WHERE e.mailbox_id = :mailbox_id AND e.uid = :uid"
)
_REPEATED = "SELECT count(*) - count(DISTINCT message_id) FROM entry WHERE mailbox_id"
_REPETITIONS = Query(f"{_REPEATED} = ANY(:ids)", sqlite=f"{_REPEATED} IN (SELECT value FROM json_each(:ids))")

State = tuple[Hashable, ...]
Signature = tuple[tuple[int, int, int], ...]
"""(id, UIDNEXT, messages) of mailboxes: while it is the same, they hold the same entries."""


class Wanted(NamedTuple):
    """Which page of whose mail. `mailbox` is a name, None for all received mail."""

    account_id: int
    offset: int
    limit: int
    mailbox: str | None

    @property
    def whole(self) -> tuple[int, str | None]:
        """What it is a page of."""
        return self.account_id, self.mailbox


class Found(NamedTuple):
    """Rows of COLUMNS, the mailboxes' names by id, and the account's state that the page is of."""

    rows: Sequence[Row]
    names: dict[int, str]
    total: int
    unseen: int
    state: State


class Listing:
    """One a store."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._repetitions: dict[tuple[int, str | None], tuple[Signature, int]] = {}
        self._states: Gathering[int, State] = Gathering(self._ask_states, (), STATES_AT_ONCE)
        self._pages: Gathering[Wanted, Found | None] = Gathering(
            self._ask_pages, None, PAGES_AT_ONCE, PAGES_QUESTIONS
        )

    async def state(self, account_id: int) -> State:
        """While this is the same, so is every page. MODSEQs only grow (RFC 7162 section 3.1)."""
        return await self._states.get(account_id)

    async def _ask_states(self, account_ids: Sequence[int]) -> Mapping[int, State]:
        rows = await self._database.read(lambda connection: connection.all(_STATES, ids=list(account_ids)))
        boxes: dict[int, list[Row]] = {}
        for row in rows:
            boxes.setdefault(row[7], []).append(row)
        return {account_id: _state(found) for account_id, found in boxes.items()}

    async def page(self, wanted: Wanted) -> Found:
        """One page."""
        if wanted.mailbox is not None and wanted.mailbox.upper() == INBOX:
            wanted = wanted._replace(mailbox=INBOX)
        found = await self._at_once(wanted) if self._database.dialect == "postgres" else None
        if found is not None:
            return found
        return await self._database.read_at_once(lambda connection: self._found(connection, wanted))

    async def _at_once(self, wanted: Wanted) -> Found | None:
        """By one statement; None if a message may be listed twice so."""
        if wanted.mailbox is None and wanted.offset + wanted.limit <= FIRST_ROWS:
            return await self._pages.get(wanted)
        return await self._ask_page(wanted)

    async def _ask_page(self, wanted: Wanted) -> Found | None:
        rows = await self._database.read(
            lambda connection: connection.all(
                _PAGE,
                account_id=wanted.account_id,
                mailbox=wanted.mailbox,
                left_out=[use.value for use in LEFT_OUT],
                upto=wanted.offset + wanted.limit,
                most=wanted.limit,
                skip=wanted.offset,
            )
        )
        return self._found_in(wanted, rows)

    async def _ask_pages(self, all_wanted: Sequence[Wanted]) -> Mapping[Wanted, Found | None]:
        if len(all_wanted) == 1:  # the statement for one is planned in half the time
            return {all_wanted[0]: await self._ask_page(all_wanted[0])}
        rows = await self._database.read(
            lambda connection: connection.all(
                _PAGES,
                accounts=[wanted.account_id for wanted in all_wanted],
                left_out=[use.value for use in LEFT_OUT],
                mosts=[wanted.limit for wanted in all_wanted],
                skips=[wanted.offset for wanted in all_wanted],
            )
        )
        by_place: dict[int, list[Row]] = {}
        for row in rows:
            by_place.setdefault(row[_PLACE_AT], []).append(row)
        return {
            wanted: self._found_in(wanted, by_place.get(place, []))
            for place, wanted in enumerate(all_wanted, 1)
        }

    def _found_in(self, wanted: Wanted, rows: Sequence[Row]) -> Found | None:
        boxes = list({row[_BOX_AT]: row[_BOX_AT:_PLACE_AT] for row in rows}.values())
        listed = _listed(boxes, wanted.mailbox)
        if self._known(wanted, listed) != 0:
            return None
        return _summed([row for row in rows if row[0] is not None], boxes, listed, 0)

    async def _found(self, connection: Connection, wanted: Wanted) -> Found:
        boxes = await connection.all(_MAILBOXES, account_id=wanted.account_id)
        listed = _listed(boxes, wanted.mailbox)
        repeated = await self._repeated(connection, wanted, listed)
        newest = _newest_on_postgres if connection.dialect == "postgres" else _newest_on_sqlite
        ids = [box[0] for box in listed]
        return _summed(await newest(connection, ids, wanted, repeated > 0), boxes, listed, repeated)

    # --- messages that are listed already -----------------------------------------------------------

    def _known(self, wanted: Wanted, listed: Sequence[Row]) -> int | None:
        if sum(box[3] for box in listed) < 2:
            return 0
        known = self._repetitions.get(wanted.whole)
        return known[1] if known is not None and known[0] == _signature(listed) else None

    async def _repeated(self, connection: Connection, wanted: Wanted, listed: Sequence[Row]) -> int:
        """How many of the entries are of messages that are listed already. Counting them reads all, so it
        is remembered until one comes or goes: UIDs only grow, and so does what was removed of them."""
        known = self._known(wanted, listed)
        if known is not None:
            return known
        row = await connection.one(_REPETITIONS, ids=[box[0] for box in listed])
        assert row is not None
        self._repetitions[wanted.whole] = (_signature(listed), row[0])
        if len(self._repetitions) > REMEMBERED_ACCOUNTS:
            del self._repetitions[next(iter(self._repetitions))]
        return int(row[0])


def _listed(boxes: Sequence[Row], mailbox: str | None) -> list[Row]:
    if mailbox is None:
        return [box for box in boxes if box[2] not in LEFT_OUT]
    return [box for box in boxes if box[1] == mailbox]


def _signature(listed: Sequence[Row]) -> Signature:
    return tuple(sorted((box[0], box[5], box[3]) for box in listed))


def _summed(rows: Sequence[Row], boxes: Sequence[Row], listed: Sequence[Row], repeated: int) -> Found:
    total = sum(box[3] for box in listed) - repeated
    names = {box[0]: box[1] for box in listed}
    return Found(rows, names, total, sum(box[4] for box in boxes), _state(boxes))


def _state(boxes: Sequence[Row]) -> State:
    return tuple(sorted((box[0], *box[2:7]) for box in boxes))


async def _newest_on_postgres(
    connection: Connection, ids: list[int], wanted: Wanted, once: bool
) -> Sequence[Row]:
    upto = wanted.offset + wanted.limit
    given = {"ids": ids, "upto": upto, "most": wanted.limit, "skip": wanted.offset}
    return await connection.all(_NEWEST_ONCE if once else _NEWEST, **given)


async def _newest_on_sqlite(
    connection: Connection, ids: list[int], wanted: Wanted, once: bool
) -> Sequence[Row]:
    """SQLite knows no LATERAL; its calls cost no round trip."""
    upto = wanted.offset + wanted.limit
    places: list[Row] = []
    for id in ids:
        if once:
            places += await connection.all(_PLACES_ONCE, id=id, ids=ids, upto=upto)
        else:
            places += await connection.all(_PLACES, id=id, upto=upto)
    places.sort(key=lambda place: (place[2], place[3]), reverse=True)
    rows = [
        await connection.one(_ROW, mailbox_id=place[0], uid=place[1])
        for place in places[wanted.offset : upto]
    ]
    return [row for row in rows if row is not None]
