"""The feed between processes on one SQLite store: Unix datagrams, and a counter that shows what was lost.

Every process binds a socket in `feed/` beside the database and reads its own; after each commit the
committer sends the commit's number and topics to all of them. The number comes from a row that the
commit itself counts up, so a process that lacks a number a second later knows that a datagram was lost
(a full buffer, a crash between commit and sending) and tells its watchers that there was a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import socket
import sqlite3
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from mailkeep.errors import StoreUnavailable
from mailkeep.storage.failures import store_failures
from mailkeep.storage.feed import Hub, pack, stamped, unpack
from mailkeep.storage.interface import Topic

CHECK_SECONDS = 1.0
DATAGRAM_LIMIT = 60_000  # octets; far below the kernel's default send buffer
PATH_LIMIT = 107  # octets of sun_path without its NUL, unix(7)
EVERYTHING = "*"  # in place of topics that do not fit

_COUNT = "UPDATE feed_counter SET value = value + 1 WHERE id = 1 RETURNING value"


class SqliteCarrier:
    """`count` and `announce` are called by the writer thread, the rest on the event loop."""

    def __init__(self, data_dir: Path, hub: Hub) -> None:
        self._hub = hub
        self._directory = socket_directory(data_dir)
        self._name = f"{secrets.token_hex(8)}.sock"
        self._loop = asyncio.get_running_loop()
        self._inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._outward = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._seen: set[int] = set()
        self._complete_to = 0
        self._check_to = 0
        self._checker: asyncio.Task[None] | None = None

    async def start(self, counter: Callable[[], Awaitable[int]]) -> None:
        """Hear from now on; `counter` reads the number of the last commit."""
        with store_failures():
            _make_private(self._directory)
            self._inbox.bind(str(self._directory / self._name))
        self._loop.add_reader(self._inbox, self._receive)
        self._complete_to = self._check_to = await counter()
        self._checker = asyncio.create_task(self._check(counter), name="feed-check")

    async def close(self) -> None:
        """Hear no more."""
        if self._checker is not None:
            self._checker.cancel()
            await asyncio.wait([self._checker])
        self._loop.remove_reader(self._inbox)
        self._inbox.close()
        self._outward.close()
        with contextlib.suppress(OSError):
            os.unlink(self._directory / self._name)

    # --- in the writer thread -------------------------------------------------------------------

    def count(self, connection: sqlite3.Connection) -> int:
        """Number the commit that is about to be made."""
        return int(connection.execute(_COUNT).fetchone()[0])

    def announce(self, number: int, topics: Iterable[Topic]) -> None:
        """Tell every process of a commit that has been made."""
        self._loop.call_soon_threadsafe(self._committed, number, topics)
        texts = pack(topics, DATAGRAM_LIMIT)
        datagram = f"{number} {stamped(texts[0]) if len(texts) == 1 else EVERYTHING}".encode("ascii")
        with contextlib.suppress(OSError):  # who cannot be told here notices the missing number
            for name in os.listdir(self._directory):
                if name != self._name:
                    self._send(datagram, self._directory / name)

    def _send(self, datagram: bytes, path: Path) -> None:
        try:
            self._outward.sendto(datagram, str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)  # its process is gone
        except (BlockingIOError, FileNotFoundError):
            pass  # its buffer is full, or it has just left

    # --- on the event loop ----------------------------------------------------------------------

    def _committed(self, number: int, topics: Iterable[Topic]) -> None:
        self._seen.add(number)
        self._hub.publish(topics)

    def _receive(self) -> None:
        while True:
            try:
                datagram = self._inbox.recv(DATAGRAM_LIMIT + 32)
            except BlockingIOError:
                return
            number, _, text = datagram.decode("ascii", "replace").partition(" ")
            if not number.isdigit():
                continue
            if text == EVERYTHING:
                self._hub.gap()
            self._committed(int(number), unpack(text))

    async def _check(self, counter: Callable[[], Awaitable[int]]) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            with contextlib.suppress(StoreUnavailable):  # asked again a second later
                self._compare(await counter())

    def _compare(self, number: int) -> None:
        """Numbers up to the last check's must have come by now; later ones may still be on their way."""
        due = range(self._complete_to + 1, self._check_to + 1)
        lost = sum(1 for seen in self._seen if seen in due) < len(due) or number < self._check_to
        self._complete_to, self._check_to = self._check_to, number
        self._seen = {seen for seen in self._seen if seen > self._complete_to}
        if lost:
            self._hub.gap()


def socket_directory(data_dir: Path) -> Path:
    """`feed/` in the data directory, or a short one of the same meaning where that path is too long."""
    directory = data_dir.absolute() / "feed"
    if len(os.fsencode(directory / ("x" * 21))) <= PATH_LIMIT:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mailkeep-{os.getuid()}-{digest}"


def _make_private(directory: Path) -> None:
    """Others on the machine must neither read topics nor send false ones."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise OSError(f"{directory} can be written to by others")
