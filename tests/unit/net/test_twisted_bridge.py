"""Between Twisted and asyncio: nothing is lost to the garbage collector, and writers wait."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.testing import StringTransport

from mailkeep.net.twisted_bridge import PeerGone, WriteGate, deferred


async def outcome(waiting: Deferred[Any]) -> Any:
    async with asyncio.timeout(5):
        return await waiting.asFuture(asyncio.get_running_loop())


async def test_a_result_arrives_although_nobody_holds_the_task() -> None:
    async def work() -> int:
        waiting = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, lambda: waiting.done() or waiting.set_result(None))
        await waiting
        return 7

    result = deferred(work())
    await asyncio.sleep(0)
    gc.collect()
    assert await outcome(result) == 7


async def test_an_error_arrives_as_itself() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await outcome(deferred(fail()))


async def test_cancelling_the_deferred_cancels_the_task() -> None:
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    result = deferred(wait())
    failures: list[type[BaseException]] = []
    result.addErrback(lambda failure: failures.append(failure.type))
    await asyncio.sleep(0)
    result.cancel()
    async with asyncio.timeout(5):
        await cancelled.wait()
    assert failures == [CancelledError]


async def test_a_writer_waits_while_the_buffer_is_full() -> None:
    gate, transport = WriteGate(), StringTransport()
    gate.attach(transport)
    assert transport.producer is gate
    assert transport.streaming
    await gate.wait(1)
    gate.pauseProducing()
    assert not gate.is_open
    waiting = asyncio.ensure_future(gate.wait(5))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.resumeProducing()
    await waiting


async def test_a_peer_that_takes_nothing_ends_the_wait() -> None:
    gate = WriteGate()
    gate.pauseProducing()
    with pytest.raises(TimeoutError):
        await gate.wait(0.01)


async def test_a_lost_connection_ends_the_wait_at_once() -> None:
    gate = WriteGate()
    gate.pauseProducing()
    waiting = asyncio.ensure_future(gate.wait(60))
    await asyncio.sleep(0)
    gate.stopProducing()
    with pytest.raises(PeerGone):
        await waiting
    with pytest.raises(PeerGone):
        await gate.wait(60)
