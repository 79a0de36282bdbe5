"""Exclusive locks: one holder over all processes, gone with the holder."""

from __future__ import annotations

import asyncio
import multiprocessing
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.support.postgres import PostgresCluster

from mailkeep.errors import InUse, StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store


async def test_one_holder_in_a_process(store: Store) -> None:
    async with store.locks.hold("maildrop 1"), store.locks.hold("maildrop 2"):
        with pytest.raises(InUse):
            async with store.locks.hold("maildrop 1"):
                pass
    async with store.locks.hold("maildrop 1"):
        pass


async def test_one_holder_over_all_processes(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        async with one.locks.hold("maildrop 1"):
            with pytest.raises(InUse):
                async with other.locks.hold("maildrop 1"):
                    pass
        async with other.locks.hold("maildrop 1"):
            pass


async def test_who_comes_for_what_was_just_let_go_gets_it(store_settings: StoreSettings) -> None:
    """Also while the database hears of that lock's end after those of many others."""
    names = [f"maildrop {number}" for number in range(100)]
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        async with other.locks.hold("connected"), AsyncExitStack() as holders:
            for name in names:
                await holders.enter_async_context(one.locks.hold(name))
        async with other.locks.hold(names[0]), one.locks.hold(names[1]):  # the last two to be let go
            pass


async def test_locks_leave_one_empty_file(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as store:
        for number in range(20):
            async with store.locks.hold(f"maildrop {number}"):
                pass
    assert _files_and_sizes(Path(sqlite_settings.data_dir, "locks")) == {"held": 0}


def _files_and_sizes(directory: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in directory.iterdir()}


async def test_a_closed_store_holds_nothing(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as other, AsyncExitStack() as holders:
        async with open_test_store(store_settings) as one:
            await holders.enter_async_context(one.locks.hold("maildrop 1"))
        await _taken_soon(other, "maildrop 1")


async def test_a_failing_holder_lets_go(store: Store) -> None:
    with pytest.raises(ValueError, match="mine"):
        async with store.locks.hold("x"):
            raise ValueError("mine")
    async with store.locks.hold("x"):
        pass


async def test_a_cancelled_holder_lets_go(store: Store) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with store.locks.hold("x"):
            held.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    async with asyncio.timeout(60):
        await held.wait()
    task.cancel()
    await asyncio.wait([task])
    async with store.locks.hold("x"):
        pass


async def test_whoever_is_cancelled_while_taking_it_keeps_nothing(store_settings: StoreSettings) -> None:
    async def hold(store: Store, name: str) -> None:
        async with store.locks.hold(name):
            await asyncio.sleep(60)

    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        async with one.locks.hold("connected"):
            pass
        for number in range(60):
            name = f"maildrop {number % 3}"
            task = asyncio.create_task(hold(one, name))
            for _ in range(number % 6):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await _taken_soon(other, name)


async def _taken_soon(store: Store, name: str) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                async with store.locks.hold(name):
                    return
            except InUse:
                await asyncio.sleep(0.01)


async def test_of_many_who_try_at_once_one_gets_it(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        held = 0

        async def attempt(store: Store) -> bool:
            nonlocal held
            try:
                async with store.locks.hold("x"):
                    held += 1
                    assert held == 1
                    await asyncio.sleep(0.001)
                    held -= 1
                    return True
            except InUse:
                return False

        for _ in range(10):
            assert any(await asyncio.gather(*[attempt(store) for store in (one, other) for _ in range(4)]))


@pytest.mark.parametrize("name", ["", "x" * 10_000, "../../etc/passwd", "nul\x00", "\ud800"])
async def test_any_text_names_a_lock(store: Store, name: str) -> None:
    async with store.locks.hold(name):
        pass


def _hold_for_ever(settings: StoreSettings, holding: Any) -> None:
    async def work() -> None:
        store = await open_store(settings)
        async with store.locks.hold("x"):
            holding.set()
            await asyncio.sleep(600)

    asyncio.run(work())


async def test_a_killed_holder_lets_go(store_settings: StoreSettings) -> None:
    processes = multiprocessing.get_context("spawn")
    holding = processes.Event()
    process = processes.Process(target=_hold_for_ever, args=(store_settings, holding))
    process.start()
    try:
        assert await asyncio.to_thread(holding.wait, 60)
        async with open_test_store(store_settings) as store:
            with pytest.raises(InUse):
                async with store.locks.hold("x"):
                    pass
            process.kill()
            async with asyncio.timeout(30):
                while not await _can_hold(store):
                    await asyncio.sleep(0.01)
    finally:
        process.kill()
        process.join()


async def _can_hold(store: Store) -> bool:
    try:
        async with store.locks.hold("x"):
            return True
    except InUse:
        return False


async def test_holders_hear_that_the_connection_and_so_the_lock_is_lost(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    async with open_test_store(postgres_settings) as store:
        lost: list[str] = []
        async with store.locks.hold("a", lambda: lost.append("a")), store.locks.hold("b"):
            await asyncio.to_thread(
                postgres_cluster.execute,
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'",
            )
            async with asyncio.timeout(10):
                while not lost:
                    await asyncio.sleep(0.005)
            async with store.locks.hold("a"):  # it was free again
                pass
        assert lost == ["a"]


async def test_without_a_database_there_is_no_lock(
    postgres_settings: StoreSettings, postgres_cluster: PostgresCluster
) -> None:
    async with open_test_store(postgres_settings) as store:
        postgres_cluster.stop()
        try:
            with pytest.raises(StoreUnavailable):
                async with store.locks.hold("a"):
                    pass
        finally:
            postgres_cluster.start()
        async with store.locks.hold("a"):
            pass
