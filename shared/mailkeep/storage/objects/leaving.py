"""Objects that nothing refers to: written down before they can exist, removed when nobody can need them.

A key is written down before its upload and struck out in the transaction that refers to it; what is referred
to no more is written down in the transaction that ends the reference. So whatever dies when, each object is
named by a blob or here. A day later it is given up, in a transaction of its own, and only then removed: a
mover that slept through that day finds its key given up and refers to nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from mailkeep.storage import tables
from mailkeep.storage.database import Database, Transaction
from mailkeep.storage.objects.bucket import Bucket
from mailkeep.storage.query import BulkInsert, Query
from mailkeep.storage.values import now

GRACE = 24 * 3600 * 1_000_000  # microseconds; readers, backups and uploads under way are done by then
WINDOW = 200

_WRITE_DOWN = BulkInsert(tables.object_leaving, conflict="(key) DO NOTHING")
_STRIKE_OUT = Query("DELETE FROM object_leaving WHERE key = :key AND NOT given_up")
_GIVE_UP = Query(
    "UPDATE object_leaving SET given_up = true WHERE key IN (SELECT key FROM object_leaving"
    " WHERE since < :before AND NOT given_up ORDER BY since LIMIT :most)"
)
_GIVEN_UP = Query("SELECT key FROM object_leaving WHERE given_up AND key > :after ORDER BY key LIMIT :most")
_GONE = Query("DELETE FROM object_leaving WHERE key = :key AND given_up")
# What goes with blobs whose rows are removed: see collecting.py, which appends which.
LEAVE_WITH_BLOBS = (
    "INSERT INTO object_leaving (key, since, given_up)"
    " SELECT key, :since, false FROM blob_object WHERE digest"
)


async def write_down(transaction: Transaction, keys: Collection[str]) -> None:
    """From now on nothing refers to these, or not yet."""
    await transaction.insert((_WRITE_DOWN, [(key, now(), False) for key in keys]))


async def strike_out(transaction: Transaction, key: str) -> bool:
    """The transaction will refer to it; False if it must not, for it is being removed."""
    return await transaction.run(_STRIKE_OUT, key=key) == 1


async def remove(database: Database, bucket: Bucket, *, grace: int = GRACE) -> int:
    """Delete what has been here for longer than the grace; how many objects. Raises StoreUnavailable."""
    await _give_up(database, now() - grace)
    removed, after = 0, ""
    while keys := await _given_up(database, after):
        for key in keys:
            await bucket.delete(key)
            await _forget(database, key)
        removed += len(keys)
        after = keys[-1]
    return removed


async def _give_up(database: Database, before: int) -> None:
    given_up = 1
    while given_up:
        given_up = await database.write(lambda t: t.run(_GIVE_UP, before=before, most=WINDOW))


async def _given_up(database: Database, after: str) -> list[str]:
    rows = await database.read(lambda connection: connection.all(_GIVEN_UP, after=after, most=WINDOW))
    return [row[0] for row in rows]


async def _forget(database: Database, key: str) -> None:
    await database.write(lambda transaction: transaction.run(_GONE, key=key))
