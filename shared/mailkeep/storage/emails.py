"""The account-wide view of mail, newest first, for the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.model.mailbox import INBOX, SpecialUse
from mailkeep.storage import account_news, finding, threads
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.finding import COLUMNS, LEFT_OUT
from mailkeep.storage.interface import AccountNews, EmailFilter, EmailRow
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_flags, as_uuid

_MAILBOXES = Query(
    "SELECT id, name, special_use, messages, unseen, uidnext FROM mailbox"
    " WHERE account_id = :account_id AND selectable"
)
# The newest of each mailbox come from its index; only they are sorted together, and only the page's own
# rows read their message. See finding on what none before means.
_NONE_BEFORE = (
    "(SELECT 1 FROM entry d WHERE d.message_id = x.message_id AND d.mailbox_id {boxes}"
    " AND (d.mailbox_id, d.uid) < (x.mailbox_id, x.uid) LIMIT 1) IS NULL"
)
_NEWEST = Query(
    f"SELECT {COLUMNS} FROM (SELECT n.* FROM unnest(CAST(:ids AS bigint[])) AS box(id) CROSS JOIN LATERAL"
    f" (SELECT * FROM entry x WHERE mailbox_id = box.id AND {_NONE_BEFORE.format(boxes='= ANY(:ids)')}"
    " ORDER BY internal_date DESC, message_id DESC LIMIT :upto) n"
    " ORDER BY n.internal_date DESC, n.message_id DESC LIMIT :most OFFSET :skip) e"
    " JOIN message m ON m.id = e.message_id ORDER BY e.internal_date DESC, e.message_id DESC"
)
_NEWEST_OF_ONE = Query(
    "SELECT mailbox_id, uid, internal_date, message_id FROM entry x WHERE mailbox_id = :id AND "
    + _NONE_BEFORE.format(boxes="IN (SELECT value FROM json_each(:ids))")
    + " ORDER BY internal_date DESC, message_id DESC LIMIT :upto"
)
_REPEATED = "SELECT count(*) - count(DISTINCT message_id) FROM entry WHERE mailbox_id"
_REPETITIONS = Query(f"{_REPEATED} = ANY(:ids)", sqlite=f"{_REPEATED} IN (SELECT value FROM json_each(:ids))")
REMEMBERED_ACCOUNTS = 20_000

Signature = tuple[tuple[int, int, int], ...]
"""(id, UIDNEXT, messages) of mailboxes: while it is the same, they hold the same entries."""

_ROW = Query(
    f"SELECT {COLUMNS} FROM entry e JOIN message m ON m.id = e.message_id"
    " WHERE e.mailbox_id = :mailbox_id AND e.uid = :uid"
)
_BY_EMAIL_ID = Query(
    f"SELECT {COLUMNS}, b.name FROM message m JOIN entry e ON e.message_id = m.id"
    " JOIN mailbox b ON b.id = e.mailbox_id"
    " WHERE m.email_id = :email_id AND b.account_id = :account_id ORDER BY e.mailbox_id, e.uid LIMIT 1"
)
_SENDERS = Query(
    "SELECT DISTINCT m.from_address FROM entry e JOIN message m ON m.id = e.message_id"
    " JOIN mailbox b ON b.id = e.mailbox_id WHERE b.account_id = :account_id AND b.special_use = :use"
)
_UNREAD_SUM = (
    "SELECT a.user_id, sum(b.unseen) FROM account a JOIN mailbox b ON b.account_id = a.id"
    " WHERE b.selectable AND a.user_id {wanted} GROUP BY a.user_id"
)
_UNREAD = Query(_UNREAD_SUM.format(wanted="= ANY(:ids)"))
_UNREAD_OF_ONE = Query(_UNREAD_SUM.format(wanted="= :id"))


class StoredEmails:
    """See interface.Emails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._repetitions: dict[tuple[int, str | None], tuple[Signature, int]] = {}

    async def page(
        self, account_id: int, offset: int, limit: int, mailbox: str | None = None
    ) -> tuple[Sequence[EmailRow], int, int]:
        """See interface.Emails."""

        async def work(connection: Connection) -> tuple[Sequence[EmailRow], int, int]:
            boxes = await connection.all(_MAILBOXES, account_id=account_id)
            listed = [box for box in boxes if _is_listed(box, mailbox)]
            names = {box[0]: box[1] for box in listed}
            rows = await _newest(connection, list(names), offset, limit)
            emails = [_email(row, names[row[0]]) for row in rows]
            total = sum(box[3] for box in listed)
            if total > 1:
                total -= await self._repeated(connection, (account_id, mailbox), listed)
            return emails, total, sum(box[4] for box in boxes)

        return await self._database.read_at_once(work)

    async def _repeated(
        self, connection: Connection, key: tuple[int, str | None], listed: Sequence[Row]
    ) -> int:
        """How many of the entries are of messages that are listed already. Counting them reads all, so it
        is remembered until one comes or goes: UIDs only grow, and so does what was removed of them."""
        signature = tuple((box[0], box[5], box[3]) for box in listed)
        known = self._repetitions.get(key)
        if known is not None and known[0] == signature:
            return known[1]
        row = await connection.one(_REPETITIONS, ids=[box[0] for box in listed])
        assert row is not None
        self._repetitions[key] = (signature, row[0])
        if len(self._repetitions) > REMEMBERED_ACCOUNTS:
            del self._repetitions[next(iter(self._repetitions))]
        return int(row[0])

    async def get(self, account_id: int, email_id: UUID) -> EmailRow:
        """See interface.Emails."""
        row = await self._database.read(
            lambda connection: connection.one(_BY_EMAIL_ID, email_id=email_id, account_id=account_id)
        )
        if row is None:
            raise NotFound("There is no such message.")
        return _email(row, row[14])

    async def entries(self, account_id: int, email_ids: Collection[UUID]) -> Sequence[EmailRow]:
        """See interface.Emails."""
        ids = list(dict.fromkeys(email_ids))
        return await self._rows(lambda connection: finding.entries(connection, account_id, ids))

    async def count(self, account_id: int, which: EmailFilter) -> tuple[int, int]:
        """See interface.Emails."""
        return await self._database.read_at_once(
            lambda connection: finding.count(connection, account_id, which)
        )

    async def find(
        self, account_id: int, which: EmailFilter, offset: int, limit: int, after: EmailRow | None = None
    ) -> Sequence[EmailRow]:
        """See interface.Emails."""
        page = finding.Page(offset, limit, after)
        return await self._rows(lambda connection: finding.find(connection, account_id, which, page))

    async def thread(self, account_id: int, email_id: UUID, limit: int) -> Sequence[EmailRow]:
        """See interface.Emails."""
        return await self._rows(lambda connection: threads.related(connection, account_id, email_id, limit))

    async def senders(self, account_id: int, special_use: SpecialUse) -> Sequence[str]:
        """See interface.Emails."""
        rows = await self._database.read(
            lambda connection: connection.all(_SENDERS, account_id=account_id, use=special_use.value)
        )
        return sorted(row[0] for row in rows if row[0])

    async def with_keyword(self, account_id: int, keyword: str) -> Sequence[tuple[int, int]]:
        """See interface.Emails."""
        wanted = f" {keyword.lower()} "
        rows = await self._database.read(
            lambda connection: connection.all(finding.WITH_KEYWORD, account_id=account_id, keyword=wanted)
        )
        return [(row[0], row[1]) for row in rows]

    async def news(self, account_id: int, since: Mapping[int, int] | None = None) -> AccountNews:
        """See interface.Emails."""
        return await self._database.read_at_once(
            lambda connection: account_news.news(connection, account_id, since)
        )

    async def unread(self, user_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """See interface.Emails."""
        ids = list(dict.fromkeys(user_ids))
        rows = await self._database.read(lambda connection: _unread(connection, ids))
        return {as_uuid(row[0]): int(row[1]) for row in rows}

    async def _rows(self, work: Callable[[Connection], Awaitable[Sequence[Row]]]) -> Sequence[EmailRow]:
        """Rows of `COLUMNS` and the mailbox's name."""
        return [_email(row, row[14]) for row in await self._database.read_at_once(work)]


async def _newest(connection: Connection, ids: list[int], offset: int, limit: int) -> Sequence[Row]:
    if connection.dialect == "postgres":
        return await connection.all(_NEWEST, ids=ids, upto=offset + limit, most=limit, skip=offset)
    # SQLite knows no LATERAL; its calls cost no round trip.
    places: list[Row] = []
    for id in ids:
        places += await connection.all(_NEWEST_OF_ONE, id=id, ids=ids, upto=offset + limit)
    places.sort(key=lambda place: (place[2], place[3]), reverse=True)
    page = places[offset : offset + limit]
    rows = [await connection.one(_ROW, mailbox_id=place[0], uid=place[1]) for place in page]
    return [row for row in rows if row is not None]


async def _unread(connection: Connection, user_ids: list[UUID]) -> Sequence[Row]:
    if connection.dialect == "postgres":
        return await connection.all(_UNREAD, ids=user_ids)
    found = [await connection.one(_UNREAD_OF_ONE, id=id) for id in user_ids]
    return [row for row in found if row is not None]


def _is_listed(box: Row, mailbox: str | None) -> bool:
    _, name, special_use, *_ = box
    if mailbox is None:
        return special_use not in LEFT_OUT
    return bool(name == (INBOX if mailbox.upper() == INBOX else mailbox))


def _email(row: Row, mailbox: str) -> EmailRow:
    return EmailRow(
        email_id=as_uuid(row[7]),
        message_id=row[6],
        mailbox_id=row[0],
        mailbox=mailbox,
        uid=row[1],
        flags=as_flags(row[2], row[3]),
        received_at=as_datetime(row[4]),
        size=row[5],
        header_message_id=row[8],
        subject=row[9],
        from_address=row[10],
        from_name=row[11],
        attachment_count=row[12],
        preview=row[13],
    )
