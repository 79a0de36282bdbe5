"""The collector and the mover run now and then, where nobody else is at it, and no failure ends the host."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from tests.conftest import open_test_store
from tests.storage.making import deliver, prepared
from tests.support.object_server.running import ObjectServer

from mailkeep.delivery import housekeeping
from mailkeep.delivery.housekeeping import Housekeeper
from mailkeep.errors import StoreUnavailable
from mailkeep.settings import StoreSettings
from mailkeep.storage import collecting
from mailkeep.storage.interface import Collected, Moved, Store


async def test_it_does_nothing_if_it_is_switched_off(store: Store) -> None:
    await Housekeeper(store, StoreSettings(collect_hours=0)).run()


async def test_another_process_is_left_to_its_work(sqlite_settings: StoreSettings) -> None:
    async with open_test_store(sqlite_settings) as store, store.locks.hold(collecting.LOCK):
        assert await Housekeeper(store, sqlite_settings).collect() == Collected()


async def test_a_store_that_is_away_is_tried_again(sqlite_settings: StoreSettings, monkeypatch) -> None:
    async def collect(**_given) -> Collected:
        raise StoreUnavailable("The mail store does not answer at present.")

    async with open_test_store(sqlite_settings) as store:
        monkeypatch.setattr(store.collector, "collect", collect)
        assert await Housekeeper(store, sqlite_settings).collect() == Collected()


async def test_unclaimed_mail_goes_by_the_settings(sqlite_settings: StoreSettings, monkeypatch) -> None:
    async with open_test_store(sqlite_settings) as store:
        await deliver(store, "bob")
        keeping = Housekeeper(store, sqlite_settings)
        assert await keeping.collect() == Collected()
        monkeypatch.setattr(housekeeping, "timedelta", lambda days: -timedelta(days=days))
        assert (await Housekeeper(store, replace(sqlite_settings, unclaimed_days=1)).collect()).expired == 1


async def test_large_content_is_moved_after_it(
    sqlite_settings: StoreSettings, object_server: ObjectServer
) -> None:
    async with open_test_store(sqlite_settings, object_server.settings()) as store:
        await deliver(store, "bob", message=prepared(b"0123456789abcdef" * 20_000))
        keeping = Housekeeper(store, sqlite_settings)
        async with store.locks.hold("objects"):
            assert await keeping.move() == Moved()
        assert (await keeping.move()).blobs == 1


async def test_an_object_store_that_is_away_is_tried_again(
    sqlite_settings: StoreSettings, object_server: ObjectServer
) -> None:
    away = replace(object_server.settings(), endpoint="http://127.0.0.1:9", timeout_seconds=0.5)
    async with open_test_store(sqlite_settings, away) as store:
        await deliver(store, "bob", message=prepared(b"0123456789abcdef" * 20_000))
        assert await Housekeeper(store, sqlite_settings).move() == Moved()


async def test_a_store_without_objects_moves_nothing(store: Store) -> None:
    assert await Housekeeper(store, StoreSettings()).move() == Moved()


async def test_it_runs_again_and_again(store: Store, monkeypatch) -> None:
    runs = asyncio.Semaphore(0)
    keeping = Housekeeper(store, StoreSettings(collect_hours=1))
    monkeypatch.setattr(keeping, "_seconds", 0.001)

    async def counted() -> Collected:
        runs.release()
        return Collected()

    monkeypatch.setattr(keeping, "collect", counted)
    task = asyncio.create_task(keeping.run())
    async with asyncio.timeout(20):
        for _ in range(3):
            await runs.acquire()
    task.cancel()
