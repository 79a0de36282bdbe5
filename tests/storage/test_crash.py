"""kill -9 on a process that writes: all that it acknowledged is there once, the rest is whole or absent."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from typing import Any

from tests.conftest import open_test_store
from tests.storage.making import deliver, new_inbox, octets_of, prepared

from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store

ROUNDS = 4


def _write_until_killed(settings: StoreSettings, round_number: int, acknowledged: Any) -> None:
    async def work() -> None:
        store = await open_store(settings)

        async def produce(worker: int) -> None:
            for number in range(10_000):
                text = f"{round_number}.{worker}.{number}\r\n".encode()
                (delivered,) = await deliver(store, "alice", message=prepared(text))
                acknowledged.put((delivered.uid, text))

        await asyncio.gather(*[produce(worker) for worker in range(8)])

    asyncio.run(work())


async def test_what_was_acknowledged_is_there_once(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as store:
        inbox = await new_inbox(store)
    processes = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    acknowledged: dict[int, bytes] = {}
    for number in range(ROUNDS):
        queue = processes.SimpleQueue()
        process = processes.Process(target=_write_until_killed, args=(store_settings, number, queue))
        process.start()
        wanted = len(acknowledged) + chance.randint(1, 40)
        deadline = time.monotonic() + 60
        while len(acknowledged) < wanted and time.monotonic() < deadline:
            uid, text = await asyncio.to_thread(queue.get)
            assert uid not in acknowledged
            acknowledged[uid] = text
        process.kill()
        process.join()
    async with open_test_store(store_settings) as store:
        snapshot = await store.messages.snapshot(inbox)
        assert acknowledged.keys() <= set(snapshot.uids)
        for uid, text in acknowledged.items():
            assert (await octets_of(store, inbox, uid)).endswith(b"\r\n\r\n" + text)
        texts = [octets async for _, octets in store.messages.bodies(list(snapshot.message_ids))]
        assert len(texts) == len(snapshot) == len(set(texts))
        user = (await store.directory.users())[0]
        box = await store.mailboxes.get(user.account_id, "INBOX")
        assert (box.messages, box.size) == (len(snapshot), sum(snapshot.sizes))
        notified = 0
        while pages := await store.outbox.claim(1000, 60):
            notified += sum(len(page.items) for page in pages)
        assert notified == len(snapshot)
