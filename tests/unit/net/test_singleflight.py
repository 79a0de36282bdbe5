"""Concurrent callers share one piece of work, and none can take it from another."""

from __future__ import annotations

import asyncio

import pytest

from mailkeep.net.singleflight import SingleFlight


class Work:
    """Work that ends when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.begun


async def several(flights: SingleFlight, work: Work, count: int) -> list[asyncio.Task]:
    tasks = [asyncio.create_task(flights.run("key", work)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_many_callers_one_piece_of_work():
    flights, work = SingleFlight(), Work()
    tasks = await several(flights, work, 10)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [1] * 10
    assert len(flights) == 0
    assert await flights.run("key", work) == 2  # nothing is remembered


async def test_different_keys_are_different_work():
    flights, work = SingleFlight(), Work()
    work.gate.set()
    await asyncio.gather(flights.run("a", work), flights.run("b", work))
    assert work.begun == 2


async def test_the_first_caller_leaves_and_the_others_are_answered():
    flights, work = SingleFlight(), Work()
    tasks = await several(flights, work, 3)
    tasks[0].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*tasks[1:]) == [1, 1]
    assert tasks[0].cancelled()


async def test_when_all_leave_the_work_is_cancelled_and_a_newcomer_begins_anew():
    flights, work = SingleFlight(), Work()
    tasks = await several(flights, work, 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    newcomer = asyncio.create_task(flights.run("key", work))
    await asyncio.sleep(0.01)
    work.gate.set()
    assert await newcomer == 2
    assert work.cancelled == 1


async def test_a_failure_reaches_every_caller():
    async def fail() -> int:
        await asyncio.sleep(0)
        raise LookupError("no")

    flights: SingleFlight[str, int] = SingleFlight()
    outcomes = await asyncio.gather(*(flights.run("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
    with pytest.raises(LookupError):
        await flights.run("key", fail)
