"""Threads for units of work: they are answered on the loop, once, whoever still waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mailkeep.storage.sqlite_threads import Reply, Threads


@pytest.fixture
async def two() -> AsyncIterator[Threads]:
    threads = Threads(2, "test")
    yield threads
    await asyncio.to_thread(threads.stop)


async def test_a_result_comes_after_what_must_be_heard_first(two: Threads) -> None:
    heard: list[str] = []

    def call(work: Any, reply: Reply) -> None:
        reply(work + 1, lambda: heard.append(threading.current_thread().name))

    assert await two.run(call, 1) == 2
    assert heard == [threading.current_thread().name]


async def test_an_error_is_the_callers(two: Threads) -> None:
    def fail(_work: Any, _reply: Reply) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await two.run(fail, None)
    assert await two.run(lambda work, reply: reply(work), "next") == "next"


async def test_as_many_at_once_as_there_are_threads_and_the_rest_in_turn(two: Threads) -> None:
    both_there = threading.Barrier(2, timeout=10)

    def meet(work: Any, reply: Reply) -> None:
        both_there.wait()
        reply((work, threading.current_thread().name))

    answers = await asyncio.gather(*[two.run(meet, number) for number in range(6)])
    assert [number for number, _ in answers] == list(range(6))
    assert {name for _, name in answers} == {"test_0", "test_1"}


async def test_what_a_thread_has_begun_is_heard_of_though_its_caller_is_gone(two: Threads) -> None:
    begun, go_on = threading.Event(), threading.Event()
    heard = asyncio.Event()

    def call(_work: Any, reply: Reply) -> None:
        begun.set()
        go_on.wait(10)
        reply(None, heard.set)

    caller = asyncio.create_task(two.run(call, None))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    async with asyncio.timeout(10):
        await heard.wait()


async def test_what_is_cancelled_in_the_queue_is_never_begun() -> None:
    one = Threads(1, "test")
    go_on = threading.Event()
    done: list[int] = []

    def wait(_work: Any, reply: Reply) -> None:
        go_on.wait(10)
        reply(None)

    def note(work: Any, reply: Reply) -> None:
        done.append(work)
        reply(None)

    first = asyncio.create_task(one.run(wait, None))
    second, third = asyncio.create_task(one.run(note, 2)), asyncio.create_task(one.run(note, 3))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, third)
    await asyncio.to_thread(one.stop)
    assert done == [3]
