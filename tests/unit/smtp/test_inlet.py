"""What waits between the wire and the session: backpressure, ends, and who is woken."""

from __future__ import annotations

import asyncio

import pytest

from mailkeep_smtp.inlet import HIGH_WATER, Disconnected, Inlet


class Tap:
    """The two methods of a transport that an inlet calls, with a memory."""

    def __init__(self) -> None:
        self.reading = True
        self.turns = 0

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False
        self.turns += 1

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


@pytest.fixture
async def inlet() -> Inlet:
    return Inlet(asyncio.get_running_loop())


async def test_reading_pauses_past_the_mark_and_resumes_below_half(inlet: Inlet) -> None:
    tap = Tap()
    inlet.attach(tap)  # type: ignore[arg-type]  # the part of a transport that it uses
    inlet.feed(b"N" * 98 + b"\r\n")
    assert tap.reading
    for _ in range(HIGH_WATER // 100 + 1):
        inlet.feed(b"N" * 98 + b"\r\n")
    assert not tap.reading
    assert tap.turns == 1
    while not tap.reading:
        assert inlet.take_line() is not None
    assert inlet.has_octets
    while inlet.take_line() is not None:
        assert tap.reading


async def test_taking_everything_resumes(inlet: Inlet) -> None:
    tap = Tap()
    inlet.attach(tap)  # type: ignore[arg-type]
    inlet.feed(b"x" * (HIGH_WATER + 1))
    assert not tap.reading
    assert len(inlet.take_octets()) == HIGH_WATER + 1
    assert tap.reading


async def test_a_line_past_its_limit_does_not_stop_the_wire(inlet: Inlet) -> None:
    """It is discarded as it arrives, or else nobody would ever read on."""
    tap = Tap()
    inlet.attach(tap)  # type: ignore[arg-type]
    inlet.feed(b"x" * (HIGH_WATER + 1))
    assert inlet.take_line() is None
    assert tap.reading


async def test_waiting_ends_when_octets_come(inlet: Inlet) -> None:
    waiting = asyncio.ensure_future(inlet.wait())
    await asyncio.sleep(0)
    assert inlet.waiting
    inlet.feed(b"x")
    await waiting
    assert not inlet.waiting


async def test_what_came_before_the_end_can_still_be_taken(inlet: Inlet) -> None:
    inlet.feed(b"QUIT\r\nhalf")
    inlet.feed_eof()
    assert inlet.take_line() == b"QUIT"
    assert inlet.take_line() is None
    with pytest.raises(Disconnected):
        await inlet.wait()


async def test_the_first_failure_stays(inlet: Inlet) -> None:
    waiting = asyncio.ensure_future(inlet.wait())
    await asyncio.sleep(0)
    inlet.fail(TimeoutError("first"))
    inlet.fail(Disconnected())
    with pytest.raises(TimeoutError, match="first"):
        await waiting
    with pytest.raises(TimeoutError, match="first"):
        await inlet.wait()


async def test_cancelling_a_wait_leaves_the_octets(inlet: Inlet) -> None:
    waiting = asyncio.ensure_future(inlet.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    inlet.feed(b"NOOP\r\n")
    assert inlet.take_line() == b"NOOP"
