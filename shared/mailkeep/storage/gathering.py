"""Many who ask the database the same question, each about something else, are answered by one statement.

While a question is under way, those who come wait for the next, which begins after they came: no answer is
older than one of their own would be. With few who ask nobody waits for company, and with many a round trip
costs all of them as much as it would have cost one.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from mailkeep.errors import StoreUnavailable

AT_ONCE = 128  # keys of one question: what comes after them waits for the next

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Gathering(Generic[Key, Answer]):
    """`ask` answers for several keys; those that it knows nothing of are given `nothing`."""

    def __init__(
        self, ask: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Answer]]], nothing: Answer
    ) -> None:
        self._ask = ask
        self._nothing = nothing
        self._waiting: list[tuple[Key, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Answer:
        """The answer for one. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((key, answer))
        if self._asking is None or self._asking.done():
            # In no request's context: it asks for others too.
            self._asking = loop.create_task(
                self._until_answered(), name="gathered questions", context=contextvars.Context()
            )
        return await answer

    async def _until_answered(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            waiting = [(key, answer) for key, answer in asked if not answer.done()]
            try:
                found = await self._ask([key for key, _ in waiting])
            except BaseException as error:
                for _, answer in waiting:
                    _fail(answer, error)
                if not isinstance(error, Exception):
                    raise
            else:
                for key, answer in waiting:
                    if not answer.done():  # whoever asked may have gone
                        answer.set_result(found.get(key, self._nothing))


def _fail(answer: asyncio.Future[Answer], error: BaseException) -> None:
    """Each with an exception of its own, which must not be raised twice."""
    if answer.done():
        return
    if isinstance(error, StoreUnavailable):
        answer.set_exception(type(error)(*error.args).with_traceback(error.__traceback__))
    elif isinstance(error, Exception):
        answer.set_exception(error)
    else:
        answer.cancel()
