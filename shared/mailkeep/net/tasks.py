"""Owners for background tasks.

The event loop keeps only weak references: a task that nobody holds can vanish in the middle of its work.
A registry holds its tasks, logs the ones that fail, and ends them all within a time limit. It starts no
task again: what must run for ever loops by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

from mailkeep.observe.logs import get_logger, new_correlation_id

Result = TypeVar("Result")

log = get_logger(__name__)


class TaskRegistry:
    """The tasks of one owner: a process, a listener, a connection."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(
        self, coro: Coroutine[Any, Any, Result], name: str, context: Context | None = None
    ) -> asyncio.Task[Result]:
        """Run `coro` as a task and hold it until it ends. Its failure is logged, unless it is awaited.

        With `context` it runs in that one, as other tasks of its session do, and not in a copy of the
        caller's.
        """
        task = asyncio.get_running_loop().create_task(coro, name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self, timeout: float = 5.0) -> None:
        """Cancel every task and wait `timeout` seconds for them; those that stay are named in the log."""
        current = asyncio.current_task()
        tasks = {task for task in self._tasks if task is not current}
        for task in tasks:
            task.cancel()
        if not tasks:
            return
        _, pending = await asyncio.wait(tasks, timeout=timeout)
        for task in pending:
            log.warning("task did not end in time", task=task.get_name(), seconds=timeout)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error(
                "task failed", task=task.get_name(), correlation_id=new_correlation_id(), exc_info=error
            )
