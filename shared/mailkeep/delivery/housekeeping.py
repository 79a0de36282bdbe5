"""Lets the store's collector and its mover run now and then, in one process of all that are on the store.

A run that fails is tried again at its next time: nothing depends on it but room on the disk.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

from mailkeep.errors import InUse, MailkeepError
from mailkeep.observe.logs import cause_of, get_logger
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Collected, Moved, Store

EARLIEST = 0.25  # of the interval: processes that start together begin apart, and a short life costs nothing

log = get_logger(__name__)


class Housekeeper:
    """`run` it as a task; it ends when it is cancelled."""

    def __init__(self, store: Store, settings: StoreSettings) -> None:
        self._store = store
        self._seconds = settings.collect_hours * 3600.0
        self._unclaimed_days = settings.unclaimed_days

    async def run(self) -> None:
        """Collect, move, wait, collect."""
        if not self._seconds:
            return
        await asyncio.sleep(self._seconds * random.uniform(EARLIEST, 1))  # noqa: S311  no secret
        while True:
            await self.collect()
            await self.move()
            await asyncio.sleep(self._seconds)

    async def collect(self) -> Collected:
        """Once; what another process is at is left to it."""
        before = datetime.now(UTC) - timedelta(days=self._unclaimed_days) if self._unclaimed_days else None
        try:
            done = await self._store.collector.collect(unclaimed_before=before)
        except InUse:
            return Collected()
        except MailkeepError as error:
            log.warning("the store could not be tidied; will be tried again", **cause_of(error))
            return Collected()
        if done != Collected():
            log.info(
                "tidied the store",
                messages=done.messages,
                octets=done.octets,
                unclaimed_messages=done.expired,
            )
        return done

    async def move(self) -> Moved:
        """Large content to the object store, once, if the settings name one."""
        try:
            done = await self._store.objects.tend()
        except InUse:
            return Moved()
        except MailkeepError as error:
            log.warning(
                "content could not be moved to the object store; will be tried again", **cause_of(error)
            )
            return Moved()
        if done != Moved():
            log.info(
                "moved content to the object store",
                blobs=done.blobs,
                octets=done.octets,
                left=done.left,
                objects_removed=done.removed,
            )
        return done
