"""Where bcrypt runs: a few threads, in two lanes.

bcrypt releases the GIL, so a thread per core is what the machine can give. The wide lane takes whoever
comes. The narrow lane is for those who have failed often: they pass one at a time, so that a flood of
wrong keys never holds more than one place in the queue, while a right key among them gets in, slowly.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

from mailkeep.auth import apikeys
from mailkeep.errors import Throttled

WAITING_LIMIT = 20_000
"""Verifications that wait for a thread; more than a host has connections."""

WAITING_SECONDS = 120.0
"""How long one waits at most."""

NICENESS = 5  # the event loop, which serves everybody who is in, goes before those who want in


class BcryptPool:
    """`verify(key, hash)`, off the event loop."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(self._threads, "bcrypt", _give_way)
        self._places = asyncio.Semaphore(self._threads)
        self._narrow = asyncio.Semaphore(1)
        self._waiting = 0
        self.verifications = 0  # for metrics and tests: warm logins add none

    async def verify(self, api_key: str, stored_hash: bytes, *, narrow: bool = False) -> bool:
        """True if the hash was made of this key. Raises Throttled if too many wait already."""
        if self._waiting >= WAITING_LIMIT:
            raise Throttled("Too many are logging in at once; try again soon.")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAITING_SECONDS), self._lane(narrow), self._places:
                self.verifications += 1
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._executor, apikeys.matches, api_key, stored_hash)
        except TimeoutError:
            raise Throttled("Too many are logging in at once; try again soon.") from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Start nothing more; what runs ends by itself within milliseconds."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _lane(self, narrow: bool) -> AsyncIterator[None]:
        if not narrow:
            yield
            return
        async with self._narrow:
            yield


def _give_way() -> None:
    if hasattr(os, "setpriority"):  # Linux keeps niceness by thread
        with suppress(OSError):  # a sandbox may forbid it: then keys are checked at the usual priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
