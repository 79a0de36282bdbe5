"""Where a message waits between the wire and the store: in memory, past SPOOL_MEMORY in a file.

A spool file is of mode 0600 and locked by its owner. It needs no durability, because nothing in it has been
acknowledged. What a killed process leaves is known by its missing lock, and `sweep` removes it at the
next start. Writing goes to a thread; the loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from pathlib import Path
from types import TracebackType

from mailkeep.errors import SpoolUnavailable
from mailkeep.model.message import SpooledContent

SPOOL_MEMORY = 1024 * 1024  # octets kept in memory
_WRITE_SIZE = 256 * 1024  # octets gathered for one write
_PREFIX = "message-"


def spool_directory(data_dir: str) -> Path:
    """The one place under the data directory for spool files."""
    return Path(data_dir) / "spool"


class Spool:
    """Octets of one message. `close` it when the commit has been answered, or leave the context."""

    def __init__(self, directory: Path, memory: int = SPOOL_MEMORY) -> None:
        self._directory = directory
        self._memory = memory
        self._waiting = bytearray()  # one buffer: a list of pieces would weigh many times their octets
        self._file: _SpoolFile | None = None
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """Add octets at the end. Raises SpoolUnavailable; the spool can only be closed then."""
        self._waiting += octets
        self.size += len(octets)
        if len(self._waiting) >= _WRITE_SIZE and self.size > self._memory:
            await self._write_out()

    async def content(self) -> bytes | SpooledContent:
        """All that was appended: octets if they stayed in memory, else the file. Raises SpoolUnavailable."""
        if self._file is None and self.size <= self._memory:
            return bytes(self._waiting)
        await self._write_out()
        assert self._file is not None
        return SpooledContent(self._file.path, 0, self.size)

    async def close(self) -> None:
        """Forget the octets and remove the file. Closing twice changes nothing."""
        self._waiting = bytearray()
        file, self._file = self._file, None
        if file is not None:
            await asyncio.to_thread(file.remove)  # removed also if the waiter is cancelled

    async def _write_out(self) -> None:
        octets, self._waiting = self._waiting, bytearray()
        # Shielded: a thread cannot be stopped, and a file that it makes afterwards would have no owner.
        work = asyncio.ensure_future(asyncio.to_thread(self._write, octets))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            raise

    def _write(self, octets: bytearray) -> None:
        try:
            if self._file is None:
                self._file = _SpoolFile(self._directory)
            self._file.write(octets)
        except OSError as error:
            raise SpoolUnavailable(f"The spool cannot be written: {error.strerror}.") from error

    async def __aenter__(self) -> Spool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _SpoolFile:
    """An open, locked file."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            self._descriptor, self.path = tempfile.mkstemp(prefix=_PREFIX, dir=directory)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            if os.fstat(self._descriptor).st_nlink:  # else a sweep took it before it was locked
                return
            os.close(self._descriptor)

    def write(self, octets: bytearray) -> None:
        view = memoryview(octets)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def remove(self) -> None:
        Path(self.path).unlink(missing_ok=True)
        os.close(self._descriptor)


def sweep(directory: Path) -> int:
    """Remove the files whose owner is gone; returns how many. For a thread, at start."""
    removed = 0
    for path in directory.glob(_PREFIX + "*") if directory.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            removed += 1
        except BlockingIOError:
            continue  # its owner lives
        finally:
            os.close(descriptor)
    return removed
