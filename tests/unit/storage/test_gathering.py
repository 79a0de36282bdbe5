"""One question for many who ask, and none of them hears what was so before they asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from mailkeep.errors import StoreUnavailable
from mailkeep.storage.gathering import Gathering


class Database:
    """Answers with what holds when it is asked, and as slowly as a test wants."""

    def __init__(self) -> None:
        self.now = 0
        self.asked: list[list[str]] = []
        self.answering = asyncio.Event()
        self.answering.set()
        self.failure: Exception | None = None

    async def ask(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(keys))
        at = self.now
        await self.answering.wait()
        if self.failure is not None:
            raise self.failure
        return {key: at for key in keys if key != "unknown"}


async def started(*asking: asyncio.Task[int]) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert not any(one.done() for one in asking)


async def test_those_who_ask_together_cost_one_question() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)
    assert await asyncio.gather(*(gathered.get(key) for key in ("a", "b", "unknown"))) == [0, 0, -1]
    assert database.asked == [["a", "b", "unknown"]]


async def test_who_comes_while_a_question_is_under_way_hears_of_the_next() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)
    database.answering.clear()
    first = asyncio.create_task(gathered.get("a"))
    await started(first)
    database.now = 1  # what the first question cannot tell of any more
    second = asyncio.create_task(gathered.get("a"))
    await started(first, second)
    database.answering.set()
    assert (await first, await second) == (0, 1)


async def test_a_failure_is_told_to_each_and_not_to_the_next() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)
    database.failure = StoreUnavailable("away")
    failed = await asyncio.gather(gathered.get("a"), gathered.get("b"), return_exceptions=True)
    assert [str(one) for one in failed] == ["away", "away"]
    assert failed[0] is not failed[1]
    database.failure = None
    assert await gathered.get("a") == 0


async def test_whoever_goes_takes_nothing_from_the_others() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)
    database.answering.clear()
    going, staying = (asyncio.create_task(gathered.get(key)) for key in "ab")
    await started(going, staying)
    going.cancel()
    database.answering.set()
    assert await staying == 0
    with pytest.raises(asyncio.CancelledError):
        await going


async def test_nothing_is_asked_for_those_who_have_gone() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)
    database.answering.clear()
    staying, going = (asyncio.create_task(gathered.get(key)) for key in "ab")
    await started(staying)  # its question is under way
    late = asyncio.create_task(gathered.get("c"))
    await started(staying, late)
    going.cancel()
    late.cancel()
    database.answering.set()
    assert await staying == 0
    await asyncio.gather(going, late, return_exceptions=True)
    assert database.asked == [["a", "b"]]


async def test_one_question_is_of_bounded_size() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=2)
    await asyncio.gather(*(gathered.get(str(number)) for number in range(5)))
    assert database.asked == [["0", "1"], ["2", "3"], ["4"]]


async def test_one_that_takes_long_does_not_hold_up_others() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9, questions=2)
    database.answering.clear()
    slow = asyncio.create_task(gathered.get("slow"))
    await started(slow)
    held, database.answering = database.answering, asyncio.Event()
    database.answering.set()
    assert await gathered.get("quick") == 0
    assert not slow.done()
    held.set()
    assert await slow == 0


async def test_whoever_comes_as_the_last_question_ends_is_answered_too() -> None:
    database = Database()
    gathered = Gathering(database.ask, -1, at_once=9)

    async def one_after_the_other() -> None:
        for _ in range(3):
            assert await asyncio.wait_for(gathered.get("a"), 10) == 0

    await asyncio.gather(one_after_the_other(), one_after_the_other())
