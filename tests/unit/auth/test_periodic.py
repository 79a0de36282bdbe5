"""Writes happen in time, on hurry and at the stop, and none is begun and then broken off."""

from __future__ import annotations

import asyncio

from mailkeep.auth.periodic import PeriodicFlush
from mailkeep.errors import StoreUnavailable


class Writer:
    """Counts writes; may be held up, or fail at first."""

    def __init__(self, failures: list[Exception] | None = None) -> None:
        self.begun = self.ended = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures = failures or []

    async def __call__(self) -> None:
        self.begun += 1
        if self.failures:
            raise self.failures.pop(0)
        await self.gate.wait()
        self.ended += 1


async def test_it_writes_again_and_again(eventually):
    writer = Writer()
    periodic = PeriodicFlush("test", writer, 0.01)
    periodic.start()
    await eventually(lambda: writer.ended > 3)
    await periodic.close()


async def test_hurry_does_not_wait_for_the_time(eventually):
    writer = Writer()
    periodic = PeriodicFlush("test", writer, 3600)
    periodic.start()
    periodic.hurry()
    await eventually(lambda: writer.ended == 1)
    await periodic.close()
    assert writer.ended > 1  # and the stop writes once more


async def test_a_stop_lets_the_write_under_way_end(eventually):
    writer = Writer()
    writer.gate.clear()
    periodic = PeriodicFlush("test", writer, 3600)
    periodic.start()
    periodic.hurry()
    await eventually(lambda: writer.begun == 1)
    closing = asyncio.create_task(periodic.close())
    await asyncio.sleep(0.05)
    assert writer.begun == 1  # no second write beside the first
    writer.gate.set()
    await closing
    assert writer.begun == writer.ended


async def test_a_store_that_is_away_and_a_fault_do_not_end_the_writing(eventually):
    writer = Writer([StoreUnavailable("away"), ZeroDivisionError()])
    periodic = PeriodicFlush("test", writer, 0.01)
    periodic.start()
    await eventually(lambda: writer.ended > 1)
    await periodic.close()


async def test_a_stop_without_a_start_writes_what_there_is():
    writer = Writer()
    await PeriodicFlush("test", writer, 3600).close()
    assert writer.ended == 1


async def test_a_store_that_stays_away_does_not_keep_the_process(eventually):
    writer = Writer([StoreUnavailable("away")] * 3)
    periodic = PeriodicFlush("test", writer, 3600)
    periodic.start()
    periodic.hurry()
    await eventually(lambda: writer.begun == 1)
    async with asyncio.timeout(5):
        await periodic.close()
