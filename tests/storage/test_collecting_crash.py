"""kill -9 on a collector: what is referred to is whole, and the next run finishes what this one began."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from contextlib import suppress
from datetime import timedelta

from tests.conftest import open_test_store
from tests.storage.making import append, inbox_of, new_user, octets_of
from tests.storage.test_collecting import database_of

from mailkeep.errors import InUse
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import collecting, open_store
from mailkeep.storage.interface import Store
from mailkeep.storage.query import Query

ROUNDS = 3
MESSAGES = 200
NOW = timedelta(seconds=-1)
_ROWS = Query("SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM blob)")


def _collect_until_killed(settings: StoreSettings, begun: object) -> None:
    collecting.WINDOW = 5  # many small steps, so that the end comes between any two

    async def work() -> None:
        store = await open_store(settings)
        begun.put(True)  # type: ignore[attr-defined]
        while True:
            await store.collector.collect(grace=NOW, in_a_hurry=True)

    asyncio.run(work())


async def test_a_killed_collector_leaves_nothing_half_done(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as store:
        user = await new_user(store)
        inbox = await inbox_of(store, user)
        uids = await append(store, inbox, MESSAGES)
        kept = uids[::7]
        await store.committer.expunge(
            inbox, UidSet.of(uid for uid in uids if uid not in kept), only_deleted=False
        )
    processes, chance = multiprocessing.get_context("spawn"), random.Random(11)
    for _ in range(ROUNDS):
        begun = processes.SimpleQueue()
        process = processes.Process(target=_collect_until_killed, args=(store_settings, begun))
        process.start()
        await asyncio.to_thread(begun.get)
        await asyncio.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.join()
    async with open_test_store(store_settings) as store, asyncio.timeout(60):
        await _collect_until(store, len(kept))
        for uid in kept:
            assert await octets_of(store, inbox, uid)
        await store.committer.expunge(inbox, None, only_deleted=False)
        await _collect_until(store, 0)


async def _collect_until(store: Store, rows: int) -> None:
    """Until so many messages and blobs are left. PostgreSQL may need a moment to part from who was killed."""
    while True:
        with suppress(InUse):
            await store.collector.collect(grace=NOW, in_a_hurry=True)
            counted = await database_of(store).read(lambda connection: connection.one(_ROWS))
            if counted is not None and tuple(counted) == (rows, rows):
                return
        await asyncio.sleep(0.05)
