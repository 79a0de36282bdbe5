"""Push subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from mailkeep.errors import NotFound
from mailkeep.storage.database import Database, Row, Transaction
from mailkeep.storage.interface import PushSubscription
from mailkeep.storage.interface.push import SUBSCRIPTIONS_LIMIT
from mailkeep.storage.query import Query
from mailkeep.storage.values import as_datetime, as_datetime_or_none, as_uuid, clean, new_uuid, now

_SELECT = (
    "SELECT p.id, p.user_id, p.endpoint, p.p256dh, p.auth, p.created_at, p.last_used_at"
    " FROM push_subscription p"
)
_OF_USER = Query(
    f'{_SELECT} JOIN "user" u ON u.id = p.user_id WHERE p.user_id = :user_id AND NOT u.disabled'
    " ORDER BY p.created_at, p.id"
)
_ONE = Query(f"{_SELECT} WHERE p.user_id = :user_id AND p.endpoint = :endpoint")
_ADD = Query(
    "INSERT INTO push_subscription (id, user_id, endpoint, p256dh, auth, created_at)"
    " VALUES (:id, :user_id, :endpoint, :p256dh, :auth, :created_at)"
    " ON CONFLICT (user_id, endpoint) DO UPDATE SET p256dh = :p256dh, auth = :auth"
)
_OLDEST = Query(
    "SELECT id FROM push_subscription WHERE user_id = :user_id ORDER BY created_at DESC, id DESC"
    " LIMIT 1000 OFFSET :kept"
)
_REMOVE = Query("DELETE FROM push_subscription WHERE id = :id AND user_id = :user_id")
_FORGET = Query("DELETE FROM push_subscription WHERE id = :id")
_TOUCH = Query("UPDATE push_subscription SET last_used_at = :at WHERE id = :id")
_CLAIM = Query(
    "INSERT INTO push_claim (id, claimed_at) VALUES (:id, :claimed_at) ON CONFLICT (id) DO NOTHING"
)
_FORGET_CLAIMS = Query("DELETE FROM push_claim WHERE claimed_at < :before")
_USERS = Query("SELECT DISTINCT user_id FROM push_subscription")


class StoredPushSubscriptions:
    """See interface.PushSubscriptions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, user_id: UUID, endpoint: str, p256dh: str, auth: str
    ) -> tuple[PushSubscription, bool]:
        """See interface.PushSubscriptions."""
        given = {"user_id": user_id, "endpoint": clean(endpoint)}

        async def work(transaction: Transaction) -> tuple[PushSubscription, bool]:
            known = await transaction.one(_ONE, **given)
            await transaction.run(
                _ADD, id=new_uuid(), p256dh=clean(p256dh), auth=clean(auth), created_at=now(), **given
            )
            for old in await transaction.all(_OLDEST, user_id=user_id, kept=SUBSCRIPTIONS_LIMIT):
                await transaction.run(_FORGET, id=as_uuid(old[0]))
            row = await transaction.one(_ONE, **given)
            assert row is not None
            return _of(row), known is None

        return await self._database.write(work)

    async def remove(self, user_id: UUID, subscription_id: UUID) -> None:
        """See interface.PushSubscriptions."""

        async def work(transaction: Transaction) -> None:
            if not await transaction.run(_REMOVE, id=subscription_id, user_id=user_id):
                raise NotFound("There is no such subscription.")

        await self._database.write(work)

    async def forget(self, subscription_ids: Collection[UUID]) -> None:
        """See interface.PushSubscriptions."""
        rows = [{"id": id} for id in sorted(subscription_ids)]
        await self._database.write(lambda transaction: transaction.many(_FORGET, rows))

    async def touch(self, subscription_ids: Collection[UUID]) -> None:
        """See interface.PushSubscriptions."""
        rows = [{"id": id, "at": now()} for id in sorted(subscription_ids)]
        await self._database.write(lambda transaction: transaction.many(_TOUCH, rows))

    async def of_user(self, user_id: UUID) -> Sequence[PushSubscription]:
        """See interface.PushSubscriptions."""
        rows = await self._database.read(lambda connection: connection.all(_OF_USER, user_id=user_id))
        return [_of(row) for row in rows]

    async def claim(self, news_id: UUID) -> bool:
        """See interface.PushSubscriptions."""

        async def work(transaction: Transaction) -> bool:
            return await transaction.run(_CLAIM, id=news_id, claimed_at=now()) == 1

        return await self._database.write_lightly(work)

    async def forget_claims(self, older_than_seconds: float) -> None:
        """See interface.PushSubscriptions."""
        before = now() - int(older_than_seconds * 1_000_000)
        await self._database.write_lightly(lambda transaction: transaction.run(_FORGET_CLAIMS, before=before))

    async def users(self) -> Collection[UUID]:
        """See interface.PushSubscriptions."""
        rows = await self._database.read(lambda connection: connection.all(_USERS))
        return {as_uuid(row[0]) for row in rows}


def _of(row: Row) -> PushSubscription:
    return PushSubscription(
        id=as_uuid(row[0]),
        user_id=as_uuid(row[1]),
        endpoint=row[2],
        p256dh=row[3],
        auth=row[4],
        created_at=as_datetime(row[5]),
        last_used_at=as_datetime_or_none(row[6]),
    )
