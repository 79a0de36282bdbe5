"""The account-wide view of mail, newest first, for the API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.model.mailbox import SpecialUse
from mailkeep.model.order import Order
from mailkeep.model.threads import root_of, thread_id
from mailkeep.storage import account_news, finding, threads
from mailkeep.storage.database import Connection, Database, Row
from mailkeep.storage.finding import COLUMNS
from mailkeep.storage.interface import AccountNews, EmailFilter, EmailPage, EmailRow
from mailkeep.storage.listing import Found, Listing, Wanted
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_flags, as_uuid

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
        self._listing = Listing(database)

    async def page(
        self, account_id: int, offset: int, limit: int, mailbox: str | None = None
    ) -> tuple[Sequence[EmailRow], int, int]:
        """See interface.Emails."""
        found = await self._listing.page(Wanted(account_id, offset, limit, mailbox))
        return _listed(found), found.total, found.unseen

    async def page_of_state(self, account_id: int, offset: int, limit: int) -> EmailPage:
        """See interface.Emails."""
        found = await self._listing.page(Wanted(account_id, offset, limit, None))
        return EmailPage(_listed(found), found.total, found.unseen, found.state)

    async def list_state(self, account_id: int) -> Hashable:
        """See interface.Emails."""
        return await self._listing.state(account_id)

    async def get(self, account_id: int, email_id: UUID) -> EmailRow:
        """See interface.Emails."""
        row = await self._database.read(
            lambda connection: connection.one(_BY_EMAIL_ID, email_id=email_id, account_id=account_id)
        )
        if row is None:
            raise NotFound("There is no such message.")
        return _email(row, row[15])

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
        self,
        account_id: int,
        which: EmailFilter,
        offset: int,
        limit: int,
        after: EmailRow | None = None,
        *,
        order: Order = Order.NEWEST,
    ) -> Sequence[EmailRow]:
        """See interface.Emails."""
        page = finding.Page(offset, limit, after, order)
        return await self._rows(lambda connection: finding.find(connection, account_id, which, page))

    async def thread(self, account_id: int, wanted: UUID, limit: int) -> Sequence[EmailRow]:
        """See interface.Emails."""
        found = await self._related(account_id, wanted, limit)
        if found:
            return found
        names = await self._database.read(lambda connection: threads.roots(connection, account_id))
        member = await asyncio.to_thread(threads.member, names, wanted)
        return [] if member is None else await self._related(account_id, member, limit)

    async def _related(self, account_id: int, email_id: UUID, limit: int) -> Sequence[EmailRow]:
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
        return [_email(row, row[15]) for row in await self._database.read_at_once(work)]


async def _unread(connection: Connection, user_ids: list[UUID]) -> Sequence[Row]:
    if connection.dialect == "postgres":
        return await connection.all(_UNREAD, ids=user_ids)
    found = [await connection.one(_UNREAD_OF_ONE, id=id) for id in user_ids]
    return [row for row in found if row is not None]


def _listed(found: Found) -> list[EmailRow]:
    return [_email(row, found.names[row[0]]) for row in found.rows]


def _email(row: Row, mailbox: str) -> EmailRow:
    """By place, as EmailRow has them: names take longer."""
    email_id = as_uuid(row[7])
    return EmailRow(
        email_id,
        row[6],
        row[0],
        mailbox,
        row[1],
        as_flags(row[2], row[3]),
        as_datetime(row[4]),
        row[5],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        row[13],
        thread_id(email_id, root_of(row[8], row[14])),
    )
