"""Where a message waits between the wire and the store: in memory, past SPOOL_MEMORY in a file. Spools that
share a `Room` go to files sooner once it is full.

A spool file is of mode 0600 and locked by its owner. It needs no durability, because nothing in it has been
acknowledged. What a killed process leaves is known by its missing lock, and `sweep` removes it at the
next start. Writing goes to a thread; the loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mailkeep.errors import SpoolUnavailable
from mailkeep.model.message import SpooledContent

SPOOL_MEMORY = 1024 * 1024  # octets kept in memory
ROOM_MEMORY = 32 * 1024 * 1024  # octets kept in memory by all spools of a room
HEADROOM = 32 * 1024  # octets of room in a file for what is put before a message: trace fields, signatures
_WRITE_SIZE = 256 * 1024  # octets gathered for one write
_PREFIX = "message-"


def spool_directory(data_dir: str) -> Path:
    """The one place under the data directory for spool files."""
    return Path(data_dir) / "spool"


class Room:
    """Octets that the spools of a host may yet keep in memory: many messages at once cost no more than it."""

    __slots__ = ("free",)

    def __init__(self, free: int = ROOM_MEMORY) -> None:
        self.free = free


class Spool:
    """Octets of one message. `close` it when the commit has been answered, or leave the context.

    At most `memory` octets stay in memory, and past the first write's worth only if `room` has place.
    """

    def __init__(self, directory: Path, memory: int = SPOOL_MEMORY, room: Room | None = None) -> None:
        self._directory = directory
        self._memory = memory
        self._room = room
        self._taken = 0  # octets of the room
        self._waiting = bytearray()  # one buffer: a list of pieces would weigh many times their octets
        self._file: _SpoolFile | None = None
        self.size = 0

    async def append(self, octets: bytes) -> None:
        """Add octets at the end. Raises SpoolUnavailable; the spool can only be closed then."""
        self._waiting += octets
        self.size += len(octets)
        if len(self._waiting) >= _WRITE_SIZE and not self._stays():
            await self._write_out()

    def _stays(self) -> bool:
        """Whether what is here may be kept in memory, and its place in the room taken."""
        if self._file is not None or self.size > self._memory:
            return False
        if self._room is not None:
            more = self.size - self._taken
            if more > self._room.free:
                return False
            self._room.free -= more
            self._taken = self.size
        return True

    async def content(self, head: bytes = b"", replaced: int = 0) -> bytes | SpooledContent:
        """All that was appended, with `head` in place of its first `replaced` octets: octets if they stayed
        in memory, else the file. `head` is at most HEADROOM octets longer than what it replaces.

        Raises SpoolUnavailable.
        """
        if self._file is None and self.size <= self._memory:
            return b"".join((head, memoryview(self._waiting)[replaced:]))
        await self._write_out()
        assert self._file is not None
        offset = HEADROOM + replaced - len(head)
        if offset < 0:
            raise ValueError("more is put before a message than there is room for")
        if head:
            await self._in_thread(self._overwrite, offset, head)
        return SpooledContent(self._file.path, offset, self.size - replaced + len(head))

    async def last_content(self, head: bytes, replaced: int) -> bytes | SpooledContent:
        """`content`, after which only `close` comes: octets in memory are not kept twice."""
        content = await self.content(head, replaced)
        self._waiting = bytearray()
        return content

    async def beginning(self, limit: int) -> bytes:
        """The first `limit` octets, or all that there are. Raises SpoolUnavailable."""
        if self._file is None:
            return bytes(memoryview(self._waiting)[:limit])
        return await asyncio.to_thread(self._read, min(limit, self.size))

    async def close(self) -> None:
        """Forget the octets and remove the file. Closing twice changes nothing."""
        self._waiting = bytearray()
        self._leave_room()
        file, self._file = self._file, None
        if file is not None:
            await asyncio.to_thread(file.remove)  # removed also if the waiter is cancelled

    async def _write_out(self) -> None:
        octets, self._waiting = self._waiting, bytearray()
        self._leave_room()
        await self._in_thread(self._write, octets)

    def _leave_room(self) -> None:
        if self._room is not None:
            self._room.free += self._taken
            self._taken = 0

    async def _in_thread(self, function: Callable[..., None], *arguments: object) -> None:
        # Shielded: a thread cannot be stopped, and a file that it makes afterwards would have no owner.
        work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})
            raise

    def _write(self, octets: bytearray) -> None:
        try:
            if self._file is None:
                self._file = _SpoolFile(self._directory)
                self._file.write(bytearray(HEADROOM))
            self._file.write(octets)
        except OSError as error:
            raise SpoolUnavailable(f"The spool cannot be written: {error.strerror}.") from error

    def _overwrite(self, offset: int, octets: bytes) -> None:
        assert self._file is not None
        try:
            self._file.overwrite(offset, octets)
        except OSError as error:
            raise SpoolUnavailable(f"The spool cannot be written: {error.strerror}.") from error

    def _read(self, size: int) -> bytes:
        assert self._file is not None
        try:
            written = self._file.read(HEADROOM, size)
        except OSError as error:
            raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error
        return written + bytes(memoryview(self._waiting)[: size - len(written)])

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

    def overwrite(self, offset: int, octets: bytes) -> None:
        view = memoryview(octets)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

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
