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


def _heard(reading: asyncio.Task[Any]) -> None:
    """Nobody may be left to hear that it failed."""
    if not reading.cancelled():
        reading.exception()
