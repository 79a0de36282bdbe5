"""Tasks have an owner: they are held, their failures are told, and they end with it."""

from __future__ import annotations

import asyncio
import gc

import pytest
import structlog

from mailkeep.net.tasks import TaskRegistry


async def test_a_task_that_only_the_registry_holds_survives_the_garbage_collector() -> None:
    registry = TaskRegistry()
    finished = asyncio.Event()

    async def work() -> None:
        # Nothing but the task itself refers to this future: the classic way to lose one.
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, lambda: waiting.done() or waiting.set_result(None))
        await waiting
        finished.set()

    registry.spawn(work(), "work")
    await asyncio.sleep(0)
    gc.collect()
    async with asyncio.timeout(5):
        await finished.wait()
    await asyncio.sleep(0)
    assert len(registry) == 0


async def test_a_failure_is_logged_with_a_correlation_id() -> None:
    registry = TaskRegistry()

    async def fail() -> None:
        raise ValueError("broken")

    with structlog.testing.capture_logs() as captured:
        task = registry.spawn(fail(), "delivery 7")
        with pytest.raises(ValueError, match="broken"):
            await task
        await asyncio.sleep(0)
    (entry,) = captured
    assert (entry["event"], entry["task"]) == ("task failed", "delivery 7")
    assert entry["correlation_id"]


async def test_closing_cancels_all_and_leaves_out_its_caller() -> None:
    registry = TaskRegistry()
    ended = []

    async def wait_for_ever(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def close() -> None:
        await registry.close()
        ended.append("closer")

    registry.spawn(wait_for_ever("one"), "one")
    registry.spawn(wait_for_ever("two"), "two")
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await registry.spawn(close(), "closer")
    assert sorted(ended) == ["closer", "one", "two"]


async def test_a_task_that_will_not_end_is_named() -> None:
    registry = TaskRegistry()
    let_go = asyncio.Event()

    async def stubborn() -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    task = registry.spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    with structlog.testing.capture_logs() as captured:
        await registry.close(timeout=0.05)
    assert captured[0]["task"] == "stubborn"
    let_go.set()
    await task
