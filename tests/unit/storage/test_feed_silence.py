"""Who is busy and falls silent is a gap, twice; who says that all is told, or goes on, is none."""

from __future__ import annotations

import asyncio

import pytest

from mailkeep.storage import feed_silence
from mailkeep.storage.feed import unpack
from mailkeep.storage.feed_silence import BUSY, DONE, Silence
from mailkeep.storage.interface import Topic, TopicKind


class Gaps:
    """Counts them."""

    def __init__(self) -> None:
        self.count = 0
        self.more = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.more.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(20):
            while self.count < count:
                self.more.clear()
                await self.more.wait()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_silence, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(feed_silence, "LOOK_SECONDS", 0.01)


async def _all_is_looked_at(silence: Silence) -> None:
    async with asyncio.timeout(20):
        while silence._timer is not None:
            await asyncio.sleep(0.01)


async def test_a_silent_one_is_a_gap_soon_and_when_its_last_statement_must_be_over() -> None:
    gaps = Gaps()
    silence = Silence(gaps, 0.1)
    silence.heard("one", f"t1 m1 {BUSY}")
    await gaps.wait_for(1)
    assert silence._due.keys() == {"one"}
    await gaps.wait_for(2)
    await _all_is_looked_at(silence)
    assert gaps.count == 2
    assert not silence._due


async def test_whoever_said_that_all_is_told_may_be_silent() -> None:
    gaps = Gaps()
    silence = Silence(gaps, 0.1)
    silence.heard("one", BUSY)
    silence.heard("one", f"t1 m1 {DONE}")
    await _all_is_looked_at(silence)
    assert gaps.count == 0


async def test_news_without_a_state_leaves_it_as_it_is() -> None:
    gaps = Gaps()
    silence = Silence(gaps, 0.1)
    silence.heard("never busy", "t1 m1")
    silence.heard("busy", BUSY)
    due = silence._due["busy"]
    silence._due["busy"] = (due[0] + 9,)
    silence.heard("busy", "t1 kabc")
    assert silence._due == {"busy": (due[0] + 9,)}
    silence.heard("busy", BUSY)
    assert len(silence._due["busy"]) == 2
    silence.close()


async def test_who_was_busy_before_we_listened_may_never_be_heard() -> None:
    gaps = Gaps()
    silence = Silence(gaps, 0.1)
    silence.begin()
    await gaps.wait_for(1)
    silence.close()


def test_versions_that_do_not_know_the_states_pass_them_over() -> None:
    assert unpack(f"t1 m1 {BUSY}") == unpack(f"m1 {DONE}") == [Topic(TopicKind.MAILBOX, "1")]
    assert unpack(BUSY) == []
