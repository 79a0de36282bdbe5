"""Output holds back while the client does not read."""

from __future__ import annotations

import asyncio

import pytest

from mailkeep.net.twisted_bridge import PeerGone
from mailkeep_imap.writer import FLUSH_SIZE, Output


class Wire:
    """A transport with a buffer of 64 KiB, as Twisted's, that a test empties by hand."""

    def __init__(self) -> None:
        self.sent = b""
        self.waiting = 0
        self.producer: Output | None = None
        self.closed = ""

    def registerProducer(self, producer: Output, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        self.sent += data
        self.waiting += len(data)
        if self.waiting > 65536 and self.producer is not None:
            self.producer.pauseProducing()

    def take(self) -> None:
        self.waiting = 0
        if self.producer is not None:
            self.producer.resumeProducing()

    def loseConnection(self) -> None:
        self.closed = "after writing"

    def abortConnection(self) -> None:
        self.closed = "at once"

    def startTLS(self, contextFactory: object) -> None:  # noqa: N803
        raise AssertionError("not here")

    def pauseProducing(self) -> None:
        raise AssertionError("not here")

    def resumeProducing(self) -> None:
        raise AssertionError("not here")


def output() -> tuple[Wire, Output]:
    wire = Wire()
    return wire, Output(wire, lambda: None)


async def test_writes_are_gathered_until_flushed() -> None:
    wire, out = output()
    out.write(b"a")
    out.write(b"b")
    assert wire.sent == b""
    out.flush()
    assert wire.sent == b"ab"


async def test_a_long_answer_waits_for_the_client() -> None:
    wire, out = output()

    async def answer() -> None:
        for _ in range(100):
            out.write(b"x" * FLUSH_SIZE)
            await out.make_room()

    task = asyncio.create_task(answer())
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(wire.sent) <= 3 * FLUSH_SIZE
    while not task.done():
        wire.take()
        await asyncio.sleep(0)
    assert len(wire.sent) == 100 * FLUSH_SIZE


async def test_a_client_that_takes_nothing_is_dropped() -> None:
    wire, out = output()
    out.stall_seconds = 0.01
    out.write(b"x" * 100_000)
    with pytest.raises(PeerGone):
        await out.drain()
    assert wire.closed == "at once"


async def test_a_lost_connection_wakes_who_waits() -> None:
    wire, out = output()
    out.write(b"x" * 100_000)
    waiting = asyncio.create_task(out.drain())
    await asyncio.sleep(0)
    out.stopProducing()
    with pytest.raises(PeerGone):
        await waiting
    out.write(b"more")
    out.flush()
    assert len(wire.sent) == 100_000


async def test_close_sends_what_was_gathered() -> None:
    wire, out = output()
    out.write(b"bye")
    out.close()
    assert (wire.sent, wire.closed) == (b"bye", "after writing")
    assert wire.producer is None  # Twisted does not close under a registered producer
    assert out.gone


async def test_a_client_that_does_not_answer_our_goodbye_is_dropped() -> None:
    wire, out = output()
    out.linger_seconds = 0.01
    out.close()
    while wire.closed == "after writing":
        await asyncio.sleep(0.01)
    assert wire.closed == "at once"
