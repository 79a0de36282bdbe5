"""PostgreSQL's advisory locks: all of a process on one connection, asked for and given back together.

What is given back waits a moment for a statement that it can go with. Whoever asks for it meanwhile in this
process has it at once, since the server never heard that it was let go; who does in another one tries again
for longer than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mailkeep.errors import InUse, StoreUnavailable
from mailkeep.storage.failures import SENTENCE, store_failures
from mailkeep.storage.locks import TAKEN, digest

LINGER = 0.004
"""Seconds that what is given back may wait for company: less than the first wait of who wants it."""

WAITS = (0.005, 0.01, 0.02, 0.04)
"""Seconds between tries: the database hears of the end of a lock behind its holder."""

_ASK = (
    "SELECT key, CASE WHEN wanted THEN pg_try_advisory_lock(key) ELSE pg_advisory_unlock(key) END"
    " FROM unnest($1::bigint[], $2::boolean[]) AS t(key, wanted)"
)


class _Holder:
    """Who has a lock, or asks for it; compared by identity."""

    __slots__ = ("has", "lost")

    def __init__(self, lost: Callable[[], None] | None) -> None:
        self.lost = lost
        self.has = False


class AdvisoryLocks:
    """If the connection breaks, all locks are lost at once, and each holder is told.

    Nothing is asked for a second time while the session on the server has it, which would let it.
    """

    of_a_server = True

    def __init__(self, connect: Callable[[], Awaitable[Any]], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self._connection: Any = None
        self._holders: dict[int, _Holder] = {}
        self._asked: dict[int, asyncio.Future[Any]] = {}  # each is told the connection, or None
        self._returned: set[int] = set()  # without a holder, and the server does not know yet
        self._due: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[None] | None = None  # one statement at a time on a connection

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks."""
        key = int.from_bytes(digest(name)[:8], "big", signed=True)
        if key in self._holders:
            raise InUse(TAKEN)
        holder = self._holders[key] = _Holder(lost)
        try:
            await self._take(key)
            holder.has = True
            yield
        finally:
            if self._holders.get(key) is holder:  # unless it was lost with its connection
                del self._holders[key]
                if holder.has:
                    self._give_back(key, self._connection)

    async def close(self) -> None:
        """Let go of everything."""
        connection, self._connection = self._connection, None
        self._holders.clear()
        self._returned.clear()
        if self._due is not None:
            self._due.cancel()
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
        if connection is not None:
            connection.terminate()

    # --- taking and giving back -----------------------------------------------------------------

    async def _take(self, key: int) -> None:
        if key in self._returned:
            self._returned.discard(key)
            return
        for seconds in WAITS:
            if await self._try(key):
                return
            await asyncio.sleep(seconds)
        if not await self._try(key):
            raise InUse(TAKEN)

    async def _try(self, key: int) -> bool:
        """False if another process has it. A statement that was sent is not broken off: nobody could tell
        whether it took the lock. What it took for a caller who was cancelled meanwhile is given back."""
        answer = self._asked[key] = asyncio.get_running_loop().create_future()
        self._wake()
        try:
            connection = await answer
        except asyncio.CancelledError:
            if not answer.cancelled() and answer.exception() is None:
                self._give_back(key, answer.result())
            raise
        if connection is not None and connection is not self._connection:
            raise StoreUnavailable(SENTENCE)  # it broke after it had answered
        return connection is not None

    def _give_back(self, key: int, connection: Any) -> None:
        if connection is None or connection is not self._connection:
            return  # never taken, or lost with its connection
        self._returned.add(key)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(LINGER, self._now_due)

    def _now_due(self) -> None:
        self._due = None
        if self._returned:
            self._wake()

    # --- asking the server ----------------------------------------------------------------------

    def _wake(self) -> None:
        if self._work is None:
            self._work = asyncio.create_task(self._ask_all(), name="advisory locks")

    async def _ask_all(self) -> None:
        try:
            while self._asked or (self._returned and self._due is None):
                await self._ask_once()
        finally:
            self._work = None
            self._fail(self._asked, StoreUnavailable(SENTENCE))  # there are none, unless we are cancelled

    async def _ask_once(self) -> None:
        """All that is asked for and given back by now."""
        asked = self._asked_now()
        try:
            with store_failures():
                connection = await self._connected()
                returned, self._returned = self._returned, set()
                taken = await self._ask(connection, list(asked), list(returned))
        except Exception as error:
            self._fail(asked, error)
            return
        except BaseException:
            self._fail(asked, StoreUnavailable(SENTENCE))
            raise
        for key, answer in asked.items():
            has = connection if key in taken else None
            if answer.done():  # cancelled
                self._give_back(key, has)
            else:
                answer.set_result(has)

    def _asked_now(self) -> dict[int, asyncio.Future[Any]]:
        """Without those who went, and those for whom the server has it already."""
        asked, self._asked = self._asked, {}
        for key, answer in list(asked.items()):
            if not answer.done() and key not in self._returned:
                continue
            del asked[key]
            if not answer.done():
                self._returned.discard(key)
                answer.set_result(self._connection)
        return asked

    async def _ask(self, connection: Any, wanted: list[int], returned: list[int]) -> set[int]:
        """Which of `wanted` are taken. If that stays unknown the connection ends, and all of its locks with
        it: better lost, which their holders hear, than held by nobody for ever."""
        if not wanted and not returned:
            return set()
        kinds = [True] * len(wanted) + [False] * len(returned)
        try:
            rows: Sequence[Any] = await connection.fetch(
                _ASK, wanted + returned, kinds, timeout=self._timeout
            )
        except BaseException:
            connection.terminate()
            raise
        return {key for key, done in rows if done}

    @staticmethod
    def _fail(asked: dict[int, asyncio.Future[Any]], error: Exception) -> None:
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(error)
        asked.clear()

    async def _connected(self) -> Any:
        if self._connection is not None and self._connection.is_closed():
            self._terminated(self._connection)  # the library says so only with the loop's next turn
        if self._connection is None:
            connection = await self._connect()
            connection.add_termination_listener(self._terminated)
            self._connection = connection
        return self._connection

    def _terminated(self, connection: Any) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        self._returned.clear()
        lost = {key: holder for key, holder in self._holders.items() if holder.has}
        for key, holder in lost.items():
            del self._holders[key]
            if holder.lost is not None:
                holder.lost()
