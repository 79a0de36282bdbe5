"""A task that writes what has gathered, now and then, and once more at a clean stop.

A write that has begun is never cancelled: it could be committed already, and would be done twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mailkeep.errors import StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger

CLOSE_SECONDS = 10.0
"""What the last writes may take before a stopping process gives them up."""

SHORTEST_SECONDS = 0.01
"""A setting of 0 means often, not a loop that does nothing else."""

log = get_logger(__name__)


class PeriodicFlush:
    """Calls `flush` every `seconds`, and at once after `hurry`. A store that is away is tried again."""

    def __init__(self, name: str, flush: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._name = name
        self._flush = flush
        self._seconds = max(seconds, SHORTEST_SECONDS)
        self._tasks = TaskRegistry()
        self._task: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._task = self._tasks.spawn(self._run(), self._name)

    def hurry(self) -> None:
        """Do not wait for the time: enough has gathered."""
        self._hurry.set()

    async def close(self) -> None:
        """Let a write that is under way end, then flush what is left, and stop."""
        self._stopping.set()
        self._hurry.set()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._task is not None:
                    await asyncio.wait({self._task})
                await self._flush()
        except (StoreUnavailable, TimeoutError):
            log.error("not everything was written before the stop", what=self._name)
        await self._tasks.close()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._wait_for(self._hurry)
            self._hurry.clear()
            try:
                await self._flush()
            except StoreUnavailable:
                log.warning("the store is away; will be written later", what=self._name)
                await self._wait_for(self._stopping)
            except Exception:  # a fault of ours must not end the writing for good
                log.exception("could not be written; will be tried again", what=self._name)
                await self._wait_for(self._stopping)

    async def _wait_for(self, event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await event.wait()
        except TimeoutError:
            return
