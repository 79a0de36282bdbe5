"""Exclusive locks that die with their holder. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Locks(Protocol):
    """Exclusive locks that die with their holder, over all processes on the store.

    `of_a_server` says that taking one waits for the database's answer.
    """

    of_a_server: bool

    def hold(self, name: str, lost: Callable[[], None] | None = None) -> AbstractAsyncContextManager[None]:
        """Hold the lock while in the context. Raises InUse, within 0.1 s, if somebody has it.

        If the connection that holds it breaks, the lock is gone and somebody else may have it: then
        `lost` is called, once, on the event loop, and the holder must stop what the lock protects.
        """
