"""Threads that run SQLite's units of work and answer them on the event loop.

Executors of the standard library would do it too, but their futures are made for threads that wait for each
other: a unit's way there and back took forty calls, six locks and two wakings of the loop, and a commit of
one message waited for all of them. Here the loop is woken once, with the answer and the news of the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Reply(Protocol):
    """How a unit is answered from its thread: once. Then the thread may go on with what nobody waits for."""

    def __call__(self, result: Any, first: Callable[[], None] | None = None) -> None:
        """Give the result to who waits. `first` is called on the loop before, even if nobody waits."""


Call = Callable[[Any, Reply], None]


class Threads:
    """At most so many, each started when all before it are busy. Used on one event loop."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._started: list[threading.Thread] = []
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._under_way = 0

    async def run(self, call: Call, work: object) -> Any:
        """What `call` replies. What a thread has begun goes on when the caller is cancelled."""
        job = _Job(self, call, work)
        self._under_way += 1
        if len(self._started) < min(self._under_way, self._most):
            self._start()
        self._jobs.put(job)
        return await job.answer

    def stop(self) -> None:
        """Do what was asked for, and wait for its end. Not on the loop."""
        for _ in self._started:
            self._jobs.put(None)
        for thread in self._started:
            thread.join()

    def ended(self) -> None:
        """One unit is done with. On the loop."""
        self._under_way -= 1

    def _start(self) -> None:
        name = f"{self._name}_{len(self._started)}"
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._started.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run()
            del job  # no unit is kept alive until the next one comes


class _Job:
    __slots__ = ("_call", "_loop", "_replied", "_threads", "_work", "answer")

    def __init__(self, threads: Threads, call: Call, work: object) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = self._loop.create_future()
        self._threads = threads
        self._call = call
        self._work = work
        self._replied = False

    def run(self) -> None:
        """In a thread."""
        if self.answer.cancelled():  # before anything was begun
            self._on_loop(self._threads.ended)
            return
        try:
            self._call(self._work, self._reply)
        except BaseException as error:
            if self._replied:  # it is done, and was answered
                raise
            self._on_loop(self._fail, error)

    def _reply(self, result: Any, first: Callable[[], None] | None = None) -> None:
        self._replied = True
        self._on_loop(self._succeed, result, first)

    def _on_loop(self, call: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(call, *arguments)

    def _succeed(self, result: Any, first: Callable[[], None] | None) -> None:
        self._threads.ended()
        if first is not None:
            first()
        if not self.answer.done():
            self.answer.set_result(result)

    def _fail(self, error: BaseException) -> None:
        self._threads.ended()
        if not self.answer.done():
            self.answer.set_exception(error)
