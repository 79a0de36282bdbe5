"""Exclusive locks that die with their holder: places in a file on one machine.
PostgreSQL's are in `locks_postgres`.

Neither kind is a row: a row would outlive the process that wrote it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from mailkeep.errors import InUse
from mailkeep.storage.failures import store_failures

TAKEN = "Somebody else holds the lock."
"""What InUse says of it."""


def digest(name: str) -> bytes:
    """What stands for a name of any length."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


class FileLocks:
    """For SQLite: each lock is one octet of a file, at a place that its name gives; the file stays empty.

    The kernel keeps such locks in memory alone, and a try waits for nobody, so it is done on the loop: a file
    made and removed for each lock took a hundred times as long. They belong to the open file and not to the
    process, so that two stores in one process exclude each other.
    """

    of_a_server = False

    def __init__(self, directory: Path) -> None:
        self._path = directory / "held"
        self._descriptor: int | None = None
        self._held: set[int] = set()

    @asynccontextmanager
    async def hold(self, name: str, lost: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """See interface.Locks. A file's lock is never lost."""
        place = int.from_bytes(digest(name)[:8], "big") >> 1  # file offsets are signed
        if place in self._held:
            raise InUse(TAKEN)  # the kernel would let one open file take it twice
        with store_failures():
            try:
                self._set(fcntl.F_WRLCK, place)
            except BlockingIOError:
                raise InUse(TAKEN) from None
        self._held.add(place)
        try:
            yield
        finally:
            self._let_go(place)

    async def close(self) -> None:
        """Let go of everything."""
        descriptor, self._descriptor = self._descriptor, None
        self._held.clear()
        if descriptor is not None:
            os.close(descriptor)

    def _let_go(self, place: int) -> None:
        if place in self._held:  # unless the file is closed
            self._held.discard(place)
            self._set(fcntl.F_UNLCK, place)

    def _set(self, kind: int, place: int) -> None:
        if self._descriptor is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, place, 1, 0))


_FLOCK = struct.Struct("hhqqi0q")
"""Linux's struct flock: type, whence, start, length, and a process that must be 0."""
