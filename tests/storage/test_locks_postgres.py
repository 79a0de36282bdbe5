"""What PostgreSQL is asked about locks, and how often: by a connection that only counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest

from mailkeep.errors import InUse, StoreUnavailable
from mailkeep.storage.locks_postgres import LINGER, AdvisoryLocks


class Server:
    """What its connections have asked and hold."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []  # how many were wanted, how many given back
        self.held: set[int] = set()
        self.answers = asyncio.Event()
        self.answers.set()
        self.connections: list[Connection] = []

    async def connect(self) -> Connection:
        self.connections.append(Connection(self))
        return self.connections[-1]


class Connection:
    """Answers as PostgreSQL does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._closed = False
        self._listener: Callable[[object], None] | None = None

    def add_termination_listener(self, listener: Callable[[object], None]) -> None:
        self._listener = listener

    def is_closed(self) -> bool:
        return self._closed

    def terminate(self) -> None:
        """As the driver: the locks are gone, and it is told with the loop's next turn."""
        if not self._closed:
            self._closed = True
            self._server.held.clear()
            assert self._listener is not None
            asyncio.get_running_loop().call_soon(self._listener, self)

    async def fetch(
        self, _statement: str, keys: list[int], wanted: list[bool], timeout: float
    ) -> list[tuple[int, bool]]:
        self._server.asked.append((wanted.count(True), wanted.count(False)))
        for key, want in zip(keys, wanted, strict=True):
            assert (key in self._server.held) is not want, "taken twice, or given back without being held"
            self._server.held ^= {key}
        async with asyncio.timeout(timeout):
            await self._server.answers.wait()
        return [(key, True) for key in keys]


async def test_who_comes_back_at_once_has_the_lock_without_asking() -> None:
    server = Server()
    locks = AdvisoryLocks(server.connect, 10)
    for _ in range(5):
        async with locks.hold("a"):
            with pytest.raises(InUse):
                async with locks.hold("a"):
                    pass
    assert server.asked == [(1, 0)]
    await _until(lambda: not server.held)
    assert server.asked == [(1, 0), (0, 1)]
    await locks.close()


async def test_what_comes_together_is_one_statement() -> None:
    server = Server()
    locks = AdvisoryLocks(server.connect, 10)
    async with AsyncExitStack() as holders:
        await asyncio.gather(
            *[holders.enter_async_context(locks.hold(f"maildrop {number}")) for number in range(50)]
        )
    async with locks.hold("another"):
        assert server.asked == [(50, 0), (1, 50)]
    await locks.close()


async def test_a_lock_is_given_back_though_it_was_taken_for_nobody() -> None:
    """And though somebody else here wants it, whom the server would let take it a second time."""
    server = Server()
    locks = AdvisoryLocks(server.connect, 10)
    server.answers.clear()
    gone = asyncio.create_task(_hold(locks, "a"))
    await _until(lambda: bool(server.asked))
    gone.cancel()
    await asyncio.wait([gone])
    next_one = asyncio.create_task(_hold(locks, "a"))
    await asyncio.sleep(0)
    server.answers.set()
    await next_one
    assert server.asked == [(1, 0)]
    await _until(lambda: not server.held)
    await locks.close()


async def test_a_broken_connection_is_told_to_each_holder_once_and_to_who_asks() -> None:
    server = Server()
    locks = AdvisoryLocks(server.connect, 10)
    lost: list[str] = []
    async with locks.hold("a", lambda: lost.append("a")):
        async with locks.hold("b", lambda: lost.append("b")):
            pass  # has let go: nothing is lost for it
        server.answers.clear()
        asking = asyncio.create_task(_hold(locks, "c", lambda: lost.append("c")))
        await _until(lambda: len(server.asked) == 3)
        server.connections[0].terminate()
        server.answers.set()
        with pytest.raises(StoreUnavailable):
            await asking
        async with locks.hold("a"):  # it is free again
            assert lost == ["a"]
    await _until(lambda: not server.held)
    await locks.close()


async def test_an_answer_that_never_comes_is_no_lock() -> None:
    server = Server()
    locks = AdvisoryLocks(server.connect, LINGER)
    server.answers.clear()
    with pytest.raises(StoreUnavailable):
        await _hold(locks, "a")
    server.answers.set()
    await _hold(locks, "a")
    await locks.close()


async def test_who_waits_when_the_store_closes_hears_of_it() -> None:
    server = Server()
    locks = AdvisoryLocks(server.connect, 10)
    server.answers.clear()
    asking = [asyncio.create_task(_hold(locks, name)) for name in "ab"]
    await _until(lambda: bool(server.asked))
    asking.append(asyncio.create_task(_hold(locks, "c")))
    await asyncio.sleep(0)
    await locks.close()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert server.connections[0].is_closed()


async def _hold(locks: AdvisoryLocks, name: str, lost: Callable[[], None] | None = None) -> None:
    async with locks.hold(name, lost):
        pass


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)
