"""A task that writes what has gathered, now and then, and once more at a clean stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mailkeep.errors import StoreUnavailable
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger

CLOSE_SECONDS = 10.0
"""What the last write may take before a stopping process gives it up."""

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
        self._hurry = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        self._tasks.spawn(self._run(), self._name)

    def hurry(self) -> None:
        """Do not wait for the time: enough has gathered."""
        self._hurry.set()

    async def close(self) -> None:
        """Stop, and flush what is left."""
        await self._tasks.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._flush()
        except (StoreUnavailable, TimeoutError):
            log.error("not everything was written before the stop", what=self._name)

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._hurry.wait()
            except TimeoutError:
                pass  # the ordinary case: nothing was urgent
            self._hurry.clear()
            try:
                await self._flush()
            except StoreUnavailable:
                log.warning("the store is away; will be written later", what=self._name)
                await asyncio.sleep(self._seconds)
            except Exception:  # a fault of ours must not end the writing for good
                log.exception("could not be written; will be tried again", what=self._name)
                await asyncio.sleep(self._seconds)
