"""Many who ask the database the same question, each about something else, are answered by one statement.

While as many questions are under way as there may be, those who come wait for the next, which begins after
they came: no answer is older than one of their own would be. With few who ask nobody waits for company, and
with many a round trip costs all of them as much as it would have cost one.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar, cast

from mailkeep.errors import StoreUnavailable

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Gathering(Generic[Key, Answer]):
    """`ask` answers for several keys; those that it knows nothing of are given `nothing`. A question is of
    `at_once` keys at most, and of `questions` at a time one that takes long does not hold up all."""

    def __init__(
        self,
        ask: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Answer]]],
        nothing: Answer,
        at_once: int,
        questions: int = 1,
    ) -> None:
        self._ask = ask
        self._nothing = nothing
        self._at_once = at_once
        self._questions = questions
        self._waiting: list[tuple[Key, asyncio.Future[Answer]]] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, key: Key) -> Answer:
        """The answer for one. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((key, answer))
        if len(self._asking) < self._questions:
            # In no request's context: it asks for others too.
            asking = loop.create_task(
                self._until_answered(), name="gathered questions", context=contextvars.Context()
            )
            self._asking.add(asking)
        return await answer

    async def _until_answered(self) -> None:
        try:
            await self._answer_all()
        finally:  # in the same turn as the last look: whoever comes after it begins anew
            self._asking.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _answer_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting[: self._at_once], self._waiting[self._at_once :]
            waiting = [(key, answer) for key, answer in asked if not answer.done()]
            if not waiting:  # all of them have gone
                continue
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
