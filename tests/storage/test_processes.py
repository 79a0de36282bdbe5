"""The feed between real processes: a commit in one is heard in the other."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

from tests.conftest import open_test_store
from tests.storage.making import append, new_inbox

from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store


def _append_on_request(settings: StoreSettings, inbox: int, requests: Any) -> None:
    async def work() -> None:
        store = await open_store(settings)
        while await asyncio.to_thread(requests.get):
            await append(store, inbox)
        await store.close()

    asyncio.run(work())


async def test_a_snapshot_follows_another_process(store_settings: StoreSettings) -> None:
    processes = multiprocessing.get_context("spawn")
    requests = processes.SimpleQueue()
    async with open_test_store(store_settings) as store:
        inbox = await new_inbox(store)
        snapshot = await store.messages.snapshot(inbox)
        process = processes.Process(target=_append_on_request, args=(store_settings, inbox, requests))
        process.start()
        try:
            for number in range(1, 6):
                moved = asyncio.Event()
                stop = snapshot.listen(moved.set)
                requests.put(True)
                async with asyncio.timeout(60):
                    while len(snapshot) < number:
                        await moved.wait()
                        moved.clear()
                stop()
            requests.put(False)
            await asyncio.to_thread(process.join, 60)
            assert process.exitcode == 0
        finally:
            process.kill()


def _open_and_close(settings: StoreSettings, start: Any) -> None:
    async def work() -> None:
        store = await open_store(settings)
        await store.ping()
        await store.close()

    start.wait()
    asyncio.run(work())


async def _open_at_once(settings: StoreSettings) -> None:
    processes = multiprocessing.get_context("spawn")
    start = processes.Barrier(4)
    hosts = [processes.Process(target=_open_and_close, args=(settings, start)) for _ in range(4)]
    for host in hosts:
        host.start()
    for host in hosts:
        await asyncio.to_thread(host.join, 120)
    assert [host.exitcode for host in hosts] == [0, 0, 0, 0]
    async with open_test_store(settings) as store:
        await append(store, await new_inbox(store))


async def test_four_processes_may_open_a_new_sqlite_store_at_once(tmp_path: Any) -> None:
    await _open_at_once(StoreSettings(data_dir=str(tmp_path / "new")))


async def test_four_processes_may_open_a_new_postgres_store_at_once(
    tmp_path: Any, postgres_cluster: Any
) -> None:
    url = postgres_cluster.url(postgres_cluster.create_database())
    await _open_at_once(StoreSettings(data_dir=str(tmp_path), database=url))
