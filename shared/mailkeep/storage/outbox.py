"""Notifications that the API has not acknowledged yet.

Each is written durably in its message's own transaction. What happens to it afterwards may be forgotten when
the machine loses its power: then it goes out again under the same id, as after a lost answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from mailkeep.storage import outbox_pages
from mailkeep.storage.database import Database, Row, Transaction, changed
from mailkeep.storage.interface import OutboxPage, TopicKind
from mailkeep.storage.outbox_pages import HeldPages, Identified, Page
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_uuid, new_uuid, now

_IS_FREE = "leased_until <= :now AND created_at <= :before"
_FREE = Query(
    f"SELECT 1 WHERE EXISTS (SELECT 1 FROM outbox_page WHERE {_IS_FREE})"
    f" OR EXISTS (SELECT 1 FROM outbox WHERE {_IS_FREE})"
)
_FREE_IDS = f"(SELECT id FROM {{table}} WHERE {_IS_FREE} ORDER BY id LIMIT :most{{skip}})"


def _on_free(statement: str, table: str) -> Query:
    """What ends in `WHERE id IN`, for the oldest free rows of a table; then RETURNING what is asked for."""
    head, tail = statement.split("{free}")
    postgres = head + _FREE_IDS.format(table=table, skip=" FOR UPDATE SKIP LOCKED") + tail
    return Query(postgres, sqlite=head + _FREE_IDS.format(table=table, skip="") + tail)


_CLAIM = _on_free(
    "UPDATE outbox_page SET leased_until = :until WHERE id IN {free} RETURNING id, packed", "outbox_page"
)
# What hosts from before tables 0026 have left.
_ADOPT = _on_free(
    "DELETE FROM outbox WHERE id IN {free} RETURNING id, item_id, user_id, email_id, created_at,"
    " from_address, from_name, subject, has_attachments, mail_id, traceparent",
    "outbox",
)
_COUNT = Query(
    "SELECT CAST(coalesce(sum(items), 0) + (SELECT count(*) FROM outbox) AS bigint) FROM outbox_page"
)
_FINISH = Query(
    "DELETE FROM outbox_page WHERE id = ANY(:ids)",
    sqlite="DELETE FROM outbox_page WHERE id = :id",  # JSON holds no octets
)
_RELEASE = Query("UPDATE outbox_page SET leased_until = 0 WHERE id = :id")


class StoredOutbox:
    """See interface.Outbox."""

    def __init__(self, database: Database, held: HeldPages) -> None:
        self._database = database
        self._held = held

    async def claim(
        self, limit: int, lease_seconds: float, waited_seconds: float = 0.0
    ) -> Sequence[OutboxPage]:
        """See interface.Outbox."""
        waited = int(waited_seconds * 1_000_000)
        at = now()
        if not await self._database.read(
            lambda connection: connection.one(_FREE, now=at, before=at - waited)
        ):
            return []  # looking must not cost a write

        async def work(transaction: Transaction) -> Sequence[Row]:
            at = now()
            until = at + int(lease_seconds * 1_000_000)
            free = {"now": at, "before": at - waited, "most": limit}
            await _adopt(transaction, free)
            return await transaction.all(_CLAIM, until=until, **free)

        rows = await self._database.write_lightly(work)
        pages = [outbox_pages.unpacked(as_uuid(page_id), packed) for page_id, packed in rows]
        return sorted(pages, key=lambda page: page.id)

    def hold(self, lease_seconds: float, came: Callable[[], None]) -> None:
        """See interface.Outbox."""
        self._held.open(lease_seconds, came)

    def take(self, limit: int) -> Sequence[OutboxPage]:
        """See interface.Outbox."""
        return [page.unpacked() for page in self._held.take(limit)]

    async def let_go(self) -> None:
        """See interface.Outbox."""
        if left := self._held.close():
            await self.release([page.id for page in left])

    async def count(self) -> int:
        """See interface.Outbox."""
        row = await self._database.read(lambda connection: connection.one(_COUNT))
        assert row is not None
        return int(row[0])

    async def finish(self, ids: Sequence[UUID]) -> None:
        """See interface.Outbox."""

        async def work(transaction: Transaction) -> None:
            if transaction.dialect == "postgres":
                await transaction.run(_FINISH, ids=sorted(ids))
            else:
                await transaction.many(_FINISH, [{"id": page_id} for page_id in ids])

        await self._database.write_lightly(work)

    async def release(self, ids: Sequence[UUID]) -> None:
        """See interface.Outbox."""

        async def work(transaction: Transaction) -> None:
            await transaction.many(_RELEASE, [{"id": page_id} for page_id in sorted(ids)])
            changed(transaction, TopicKind.OUTBOX)

        await self._database.write_lightly(work)


async def _adopt(transaction: Transaction, free: dict[str, int]) -> None:
    """Make pages of what hosts of the version before have left, under the ids that it has there."""
    rows = sorted(await transaction.all(_ADOPT, **free), key=lambda row: row[0])
    pages = [Page(new_uuid(), 0, [_identified(row)]) for row in rows]
    await transaction.insert((outbox_pages.INSERT, [page.columns() for page in pages]))


def _identified(row: Row) -> Identified:
    _, item_id, user_id, email_id, created_at, address, name, subject, has_attachments, mail_id, trace = row
    ids = (as_uuid(item_id).bytes, as_uuid(user_id).bytes, as_uuid(email_id).bytes)
    return *ids, created_at, address, name, subject, bool(has_attachments), mail_id, trace
