"""The queue of outgoing mail: claimed under a lease, settled under the same one.

A row is free when its `due_at` has come. Claiming moves that to the lease's end, so that the next host finds
what a dead one had in hand by the same index as everything else, and no clock is asked but the claimers' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mailkeep.errors import NotFound
from mailkeep.model.address import Address
from mailkeep.model.queue import (
    Attempt,
    Claimed,
    DsnRequest,
    Envelope,
    QueuedMessage,
    QueueEntry,
    QueueState,
    QueueStatus,
    Settlement,
)
from mailkeep.storage.bodies import StoredBody
from mailkeep.storage.database import Database, Row, Transaction, changed
from mailkeep.storage.interface import Body, QueueFilter, TopicKind
from mailkeep.storage.interface.queue import ANYTHING
from mailkeep.storage.objects.contents import Contents
from mailkeep.storage.query import Query
from mailkeep.storage.queue_rows import listed, remove, settle
from mailkeep.storage.values import (
    as_datetime,
    as_datetime_or_none,
    as_uuid_or_none,
    now,
)

NEVER = (1 << 62) - 1
"""The `due_at` of what is held."""

_FREE = Query("SELECT 1 FROM queue_recipient WHERE due_at <= :now LIMIT 1")
_CLAIM = (
    "UPDATE queue_recipient SET lease = :lease, due_at = :until, attempts = attempts + 1 WHERE id IN"
    " (SELECT id FROM queue_recipient WHERE due_at <= :now AND domain {not_busy}"
    " ORDER BY due_at LIMIT :most{skip})"
    " RETURNING id, message_id, recipient, notify, orcpt, attempts, created_at, expires_at, delay_told,"
    " route, doubt"
)
_TAKE = Query(
    _CLAIM.format(not_busy="<> ALL(:busy)", skip=" FOR UPDATE SKIP LOCKED"),
    sqlite=_CLAIM.format(not_busy="NOT IN (SELECT value FROM json_each(:busy))", skip=""),
)
_NEXT = Query("SELECT due_at FROM queue_recipient ORDER BY due_at LIMIT 1")
_COLUMNS = (
    "SELECT q.user_id, q.sender, q.smtputf8, q.requiretls, q.ret, q.envid, q.created_at,"
    " q.size, q.header, blob.digest, blob.size, blob.chunk, q.id, q.traceparent"
    " FROM queue_message q JOIN blob ON blob.digest = q.digest WHERE"
)
_MESSAGE = Query(f"{_COLUMNS} q.id = :id")
_MESSAGES = Query(
    f"{_COLUMNS} q.id = ANY(:ids) AND q.size <= :largest",
    sqlite=f"{_COLUMNS} q.id IN (SELECT value FROM json_each(:ids)) AND q.size <= :largest",
)
_SENDING = listed("UPDATE queue_recipient SET doubt = :doubt WHERE {ids} AND lease = :lease")
_RENEW = listed("UPDATE queue_recipient SET due_at = :until WHERE {ids} AND lease = :lease")

# --- for operators --------------------------------------------------------------------------------

_WHICH = (
    " r.id > :after"
    " AND (:every OR r.id {ids} OR r.message_id {ids})"
    " AND (:domain = '' OR r.domain = :domain)"
    " AND (:sender IS NULL OR m.sender = :sender)"
    " AND (:user_id IS NULL OR m.user_id = :user_id)"
    " AND (:any_hold OR r.held = :held)"
)
_WHICH_POSTGRES = (
    _WHICH.format(ids="= ANY(:ids)")
    .replace(":sender IS", "CAST(:sender AS text) IS")
    .replace(":user_id IS", "CAST(:user_id AS uuid) IS")
)
_WHICH_SQLITE = _WHICH.format(ids="IN (SELECT value FROM json_each(:ids))")
_SELECT = (
    "SELECT r.id, r.message_id, m.user_id, m.sender, r.recipient, r.domain, m.size, r.held, r.lease,"
    " r.attempts, r.created_at, r.due_at, r.expires_at, r.last_at, r.last_status, r.last_reply, r.last_host,"
    " r.route"
    " FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id WHERE"
)
_ENTRIES = Query(
    f"{_SELECT}{_WHICH_POSTGRES} ORDER BY r.id LIMIT :most",
    sqlite=f"{_SELECT}{_WHICH_SQLITE} ORDER BY r.id LIMIT :most",
)
_STATUS = Query(
    "SELECT count(*), coalesce(sum(CASE WHEN held THEN 1 ELSE 0 END), 0),"
    " coalesce(sum(CASE WHEN lease IS NOT NULL AND due_at > :now AND NOT held THEN 1 ELSE 0 END), 0),"
    " min(created_at) FROM queue_recipient"
)
_FREE_IDS = (
    "SELECT r.id, r.message_id FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id WHERE"
    "{which} AND (r.lease IS NULL OR r.due_at <= :now OR r.held) ORDER BY r.id{lock}"
)
_CHOOSE = Query(
    _FREE_IDS.format(which=_WHICH_POSTGRES, lock=" FOR UPDATE OF r"),
    sqlite=_FREE_IDS.format(which=_WHICH_SQLITE, lock=""),
)
_RESCHEDULE = listed("UPDATE queue_recipient SET due_at = :due_at, held = :held, lease = NULL WHERE {ids}")


class StoredQueue:
    """See interface.Queue."""

    def __init__(self, database: Database, contents: Contents) -> None:
        self._database = database
        self._contents = contents

    async def claim(
        self, lease: str, limit: int, seconds: float, busy: Sequence[str] = ()
    ) -> Sequence[Claimed]:
        """See interface.Queue."""
        if not await self._database.read(lambda connection: connection.one(_FREE, now=now())):
            return []  # looking must not cost a write

        async def work(transaction: Transaction) -> Sequence[Row]:
            at = now()
            until = at + _microseconds(seconds)
            given: dict[str, Any] = {"lease": lease, "busy": list(busy), "most": limit}
            return await transaction.all(_TAKE, now=at, until=until, **given)

        # As they came in, by message: RETURNING has no order.
        rows = sorted(await self._database.write(work), key=lambda row: (row[6], row[1], row[0]))
        return [_claimed(row, lease) for row in rows]

    async def renew(self, claimed: Sequence[Claimed], seconds: float) -> int:
        """See interface.Queue."""
        return await self._under_leases(_RENEW, claimed, until=lambda: now() + _microseconds(seconds))

    async def sending(self, claimed: Sequence[Claimed], attempt: str) -> int:
        """See interface.Queue."""
        return await self._under_leases(_SENDING, claimed, doubt=lambda: attempt)

    async def _under_leases(
        self, query: Query, claimed: Sequence[Claimed], **given: Callable[[], Any]
    ) -> int:
        leases: dict[str, list[str]] = {}
        for one in claimed:
            leases.setdefault(one.lease, []).append(one.id)

        async def work(transaction: Transaction) -> int:
            values = {name: value() for name, value in given.items()}
            return sum(
                [
                    await transaction.run(query, lease=name, ids=sorted(ids), **values)
                    for name, ids in leases.items()
                ]
            )

        return await self._database.write(work)

    async def next_at(self) -> datetime | None:
        """See interface.Queue."""
        row = await self._database.read(lambda connection: connection.one(_NEXT))
        return None if row is None or row[0] >= NEVER else as_datetime(row[0])

    async def message(self, message_id: str) -> tuple[QueuedMessage, Body]:
        """See interface.Queue."""
        row = await self._database.read(lambda connection: connection.one(_MESSAGE, id=message_id))
        if row is None:
            raise NotFound("There is no such message in the queue.")
        return self._message(row)

    async def messages(
        self, message_ids: Sequence[str], largest: int
    ) -> Mapping[str, tuple[QueuedMessage, Body]]:
        """See interface.Queue."""
        ids = list(message_ids)
        rows = await self._database.read(lambda c: c.all(_MESSAGES, ids=ids, largest=largest))
        return {row[12]: self._message(row) for row in rows}

    def _message(self, row: Row) -> tuple[QueuedMessage, Body]:
        envelope = Envelope(
            sender=Address.parse(row[1]) if row[1] else None,
            smtputf8=bool(row[2]),
            requiretls=bool(row[3]),
            ret=row[4],
            envid=row[5],
        )
        message = QueuedMessage(
            row[12], envelope, row[8], row[7], as_datetime(row[6]), as_uuid_or_none(row[0]), row[13]
        )
        return message, StoredBody(self._contents, (None, *row[7:12]))

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """See interface.Queue."""
        if not settlements:
            return 0

        async def work(transaction: Transaction) -> int:
            return len(await settle(transaction, settlements))

        return await self._database.write(work)

    # --- for operators ----------------------------------------------------------------------------

    async def entries(
        self, which: QueueFilter = ANYTHING, limit: int = 100, after: str = ""
    ) -> Sequence[QueueEntry]:
        """See interface.Queue."""
        at = now()
        given = _parameters(which, after)
        rows = await self._database.read(lambda connection: connection.all(_ENTRIES, most=limit, **given))
        return [_entry(row, at) for row in rows]

    async def status(self) -> QueueStatus:
        """See interface.Queue."""
        row = await self._database.read(lambda connection: connection.one(_STATUS, now=now()))
        assert row is not None
        total, held, sending, oldest = row
        return QueueStatus(
            int(total) - int(held) - int(sending), int(sending), int(held), as_datetime_or_none(oldest)
        )

    async def retry(self, which: QueueFilter) -> int:
        """See interface.Queue."""
        return await self._reschedule(which, from_held=False, due_at=0, held=False)

    async def hold(self, which: QueueFilter) -> int:
        """See interface.Queue."""
        return await self._reschedule(which, from_held=False, due_at=NEVER, held=True)

    async def release(self, which: QueueFilter) -> int:
        """See interface.Queue."""
        return await self._reschedule(which, from_held=True, due_at=0, held=False)

    async def drop(self, which: QueueFilter) -> int:
        """See interface.Queue."""

        async def work(transaction: Transaction) -> int:
            chosen = await transaction.all(_CHOOSE, now=now(), **_parameters(which))
            await remove(transaction, [row[0] for row in chosen], sorted({row[1] for row in chosen}))
            return len(chosen)

        return await self._database.write(work)

    async def _reschedule(self, which: QueueFilter, *, from_held: bool, due_at: int, held: bool) -> int:
        async def work(transaction: Transaction) -> int:
            given = {**_parameters(which), "any_hold": False, "held": from_held}
            chosen = [row[0] for row in await transaction.all(_CHOOSE, now=now(), **given)]
            changed(transaction, TopicKind.QUEUE)
            return await transaction.run(_RESCHEDULE, ids=chosen, due_at=due_at or now(), held=held)

        return await self._database.write(work)


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _parameters(which: QueueFilter, after: str = "") -> dict[str, Any]:
    return {
        "after": after,
        "every": not which.ids,
        "ids": list(which.ids),
        "domain": which.domain or "",
        "sender": which.sender,
        "user_id": which.user_id,
        "any_hold": which.held is None,
        "held": bool(which.held),
    }


def _claimed(row: Row, lease: str) -> Claimed:
    return Claimed(
        id=row[0],
        message_id=row[1],
        lease=lease,
        recipient=Address.parse(row[2]),
        request=DsnRequest(row[3], row[4]),
        attempts=row[5],
        created_at=as_datetime(row[6]),
        expires_at=as_datetime(row[7]),
        delay_told=bool(row[8]),
        route=row[9],
        doubt=row[10],
    )


def _entry(row: Row, at: int) -> QueueEntry:
    held, lease, due_at = bool(row[7]), row[8], row[11]
    is_sending = lease is not None and due_at > at and not held
    state = QueueState.HELD if held else QueueState.SENDING if is_sending else QueueState.WAITING
    return QueueEntry(
        id=row[0],
        message_id=row[1],
        user_id=as_uuid_or_none(row[2]),
        sender=row[3],
        recipient=row[4],
        domain=row[5],
        size=row[6],
        state=state,
        attempts=row[9],
        created_at=as_datetime(row[10]),
        next_attempt_at=None if held else as_datetime(due_at),
        expires_at=as_datetime(row[12]),
        last_attempt_at=as_datetime_or_none(row[13]),
        last=Attempt(row[14], row[15], row[16]),
        route=row[17],
    )
