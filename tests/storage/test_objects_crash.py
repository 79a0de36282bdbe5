"""kill -9 on a mover: all content is readable, and objects that nothing refers to are found and removed."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from contextlib import suppress

from tests.conftest import open_test_store
from tests.storage.making import deliver, new_inbox, octets_of, prepared
from tests.storage.test_objects import age, counted, keys, leave_now
from tests.support.object_server.running import ObjectServer

from mailkeep.errors import InUse
from mailkeep.settings import StoreSettings
from mailkeep.settings_objects import ObjectSettings
from mailkeep.storage import open_store
from mailkeep.storage.blobs import CHUNK
from mailkeep.storage.interface import Store
from mailkeep.storage.objects import moving
from mailkeep.storage.objects.bucket import Bucket

ROUNDS = 3
CONTENTS = [random.Random(seed).randbytes((2 + seed) * CHUNK) for seed in range(4)]


def _move_until_killed(
    settings: StoreSettings, objects: ObjectSettings, begun: object, uploads: object
) -> None:
    refer = moving._refer

    async def refer_late(*given: object) -> int | None:
        uploads.put(True)  # type: ignore[attr-defined]
        await asyncio.sleep(3600)
        return await refer(*given)  # type: ignore[arg-type]

    if uploads is not None:
        moving._refer = refer_late

    async def work() -> None:
        store = await open_store(settings, objects)
        begun.put(True)  # type: ignore[attr-defined]
        while True:
            with suppress(InUse):
                await store.objects.move(in_a_hurry=True)
                await store.objects.bring_back()

    asyncio.run(work())


async def _readable(store: Store, inbox: int) -> None:
    for uid, content in enumerate(CONTENTS, start=1):
        assert (await octets_of(store, inbox, uid)).endswith(content)


async def _filled(settings: StoreSettings, objects: ObjectSettings) -> int:
    async with open_test_store(settings, objects) as store:
        inbox = await new_inbox(store)
        for content in CONTENTS:
            await deliver(store, "alice", message=prepared(content))
        await age(store)
    return inbox


async def _moved_to_the_end(store: Store) -> None:
    """PostgreSQL may need a moment to part from who was killed."""
    deadline = time.monotonic() + 60
    while await counted(store, "blob_chunk"):
        assert time.monotonic() < deadline
        with suppress(InUse):
            await store.objects.move(in_a_hurry=True)
        await asyncio.sleep(0.05)


async def test_killed_between_upload_and_commit(
    store_settings: StoreSettings, object_server: ObjectServer
) -> None:
    objects = object_server.settings()
    inbox = await _filled(store_settings, objects)
    processes = multiprocessing.get_context("spawn")
    begun, uploads = processes.SimpleQueue(), processes.SimpleQueue()
    process = processes.Process(target=_move_until_killed, args=(store_settings, objects, begun, uploads))
    process.start()
    await asyncio.to_thread(uploads.get)
    process.kill()
    process.join()
    async with open_test_store(store_settings, objects) as store:
        (orphan,) = await keys(store, "object_leaving")
        assert await counted(store, "blob_object") == 0
        assert await Bucket(objects).get(orphan, 0, 1)
        await _readable(store, inbox)
        await _moved_to_the_end(store)
        assert orphan not in await keys(store, "blob_object")
        assert await leave_now(store, objects) == 1
        await _readable(store, inbox)


async def test_killed_at_any_moment(store_settings: StoreSettings, object_server: ObjectServer) -> None:
    objects = object_server.settings()
    inbox = await _filled(store_settings, objects)
    processes, chance = multiprocessing.get_context("spawn"), random.Random(5)
    for _ in range(ROUNDS):
        begun = processes.SimpleQueue()
        process = processes.Process(target=_move_until_killed, args=(store_settings, objects, begun, None))
        process.start()
        await asyncio.to_thread(begun.get)
        await asyncio.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.join()
        async with open_test_store(store_settings, objects) as store:
            await _readable(store, inbox)
    async with open_test_store(store_settings, objects) as store:
        await _moved_to_the_end(store)
        await leave_now(store, objects)
        assert await counted(store, "object_leaving") == 0
        await _readable(store, inbox)
