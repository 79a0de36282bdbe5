"""The next piece of a long answer is read while its reader works on the one before.

One read at a time is ahead, so that no more than two pieces are in memory. Who leaves early cancels it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def ahead(read: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin to read. What it raises is for whoever awaits it, and nobody else hears of it."""
    reading = asyncio.create_task(read, name="read ahead")
    reading.add_done_callback(_heard)
    return reading


async def begun(read: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """The same, under way before the caller goes on, who may be long at work: a task alone begins with the
    loop's next turn. For answers of one row. SQLite's thread asks for the interpreter at each row, and many
    rows beside a caller at work cost a third more than rows that are read while it waits."""
    reading = ahead(read)
    try:
        await asyncio.sleep(0)
    except BaseException:
        reading.cancel()
        raise
    return reading


def _heard(reading: asyncio.Task[Any]) -> None:
    """Nobody may be left to hear that it failed."""
    if not reading.cancelled():
        reading.exception()
