"""Runs of the mover over the whole store, one process at a time. See interface.ObjectStorage."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from mailkeep.errors import SettingsError, StoreCorrupt, StoreUnavailable
from mailkeep.observe.logs import get_logger
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage.database import Database
from mailkeep.storage.interface import Locks
from mailkeep.storage.interface.objects import Moved, ObjectUsage, Told
from mailkeep.storage.objects import leaving, moving
from mailkeep.storage.objects.bucket import Bucket
from mailkeep.storage.query import Query
from mailkeep.storage.values import now

LOCK = "objects"
FAILURES_AT_MOST = 3  # one after the other, and a run ends

_USAGE = Query(
    "SELECT (SELECT count(*) FROM blob_chunk WHERE number = 1), (SELECT count(*) FROM blob_object),"
    " (SELECT coalesce(sum(size), 0) FROM blob_object), (SELECT count(*) FROM object_leaving)"
)

log = get_logger(__name__)


class StoredObjects:
    """See interface.ObjectStorage."""

    def __init__(
        self, database: Database, locks: Locks, bucket: Bucket | None, settings: ObjectSettings
    ) -> None:
        self._database = database
        self._locks = locks
        self._bucket = bucket
        self._moves = settings.move
        self._age = int(timedelta(days=settings.after_days).total_seconds() * 1_000_000)

    @property
    def is_set(self) -> bool:
        """See interface.ObjectStorage."""
        return self._bucket is not None

    async def tend(self) -> Moved:
        """See interface.ObjectStorage."""
        if self._bucket is None:
            return Moved()
        if self._moves:
            return await self.move()
        async with self._locks.hold(LOCK):
            return Moved(removed=await leaving.remove(self._database, self._bucket))

    async def move(self, *, in_a_hurry: bool = False, told: Told | None = None) -> Moved:
        """See interface.ObjectStorage."""
        bucket, lost, done = self._set(), asyncio.Event(), Moved()
        failures: list[StoreUnavailable] = []
        async with self._locks.hold(LOCK, lost.set):
            async for digest in moving.due(self._database, now() - self._age):
                if done == Moved():
                    await moving.raise_oldest(self._database)
                began = time.monotonic()
                done = _added(done, await self._moved_out(bucket, digest, failures))
                _step(told, lost)
                if not in_a_hurry:
                    await moving.rest(began)
            if failures:
                raise failures[-1]
            return replace(done, removed=await leaving.remove(self._database, bucket))

    async def _moved_out(self, bucket: Bucket, digest: bytes, failures: list[StoreUnavailable]) -> int | None:
        """One blob that cannot be moved does not keep those behind it from it; a store that is away does.
        `failures` are those of the last blobs, one after the other."""
        try:
            octets = await moving.move_out(self._database, bucket, digest)
        except StoreUnavailable as error:
            failures.append(error)
            if len(failures) == FAILURES_AT_MOST:
                raise
            return None
        except StoreCorrupt:
            log.error("content is damaged and stays where it is", digest=digest.hex())
            return None
        failures.clear()
        return octets

    async def bring_back(self, told: Told | None = None) -> Moved:
        """See interface.ObjectStorage."""
        bucket, lost, done, damaged = self._set(), asyncio.Event(), Moved(), 0
        async with self._locks.hold(LOCK, lost.set):
            async for digest in moving.moved(self._database):
                try:
                    done = _added(done, await moving.move_in(self._database, bucket, digest))
                except StoreCorrupt:
                    damaged += 1
                    log.error("content in the object store is damaged", digest=digest.hex())
                _step(told, lost)
            removed = await leaving.remove(self._database, bucket)
        if damaged:
            raise StoreCorrupt(
                f"{damaged} objects in the object store are missing or damaged; the rest is back."
            )
        return replace(done, removed=removed)

    async def usage(self) -> ObjectUsage:
        """See interface.ObjectStorage."""
        row = await self._database.read(lambda connection: connection.one(_USAGE))
        assert row is not None
        before, due = now() - self._age, 0
        async for _ in moving.due(self._database, before):
            due += 1
        return ObjectUsage(row[0], due, row[1], int(row[2]), row[3])

    async def probe(self) -> None:
        """See interface.ObjectStorage."""
        await self._set().probe()

    def _set(self) -> Bucket:
        if self._bucket is None:
            raise SettingsError("[objects] bucket is not set.")
        return self._bucket


def _step(told: Told | None, lost: asyncio.Event) -> None:
    if lost.is_set():
        raise StoreUnavailable("The lock of the mover was lost.")
    if told is not None:
        told(1)


def _added(done: Moved, octets: int | None) -> Moved:
    if octets is None:
        return replace(done, left=done.left + 1)
    return replace(done, blobs=done.blobs + (octets > 0), octets=done.octets + octets)
