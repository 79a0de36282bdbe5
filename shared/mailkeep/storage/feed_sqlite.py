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
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from mailkeep.errors import StoreUnavailable
from mailkeep.storage.failures import store_failures
from mailkeep.storage.feed import Hub, pack, stamped, unpack
from mailkeep.storage.interface import Topic

CHECK_SECONDS = 1.0
GATHER_SECONDS = 0.01
"""Between two sendings of a process that commits all the time: waking all the others for each message took a
fifth of what the message cost."""

GATHERED_LIMIT = 8  # datagrams sent at once: a kernel may keep no more than ten (net.unix.max_dgram_qlen)
SETTLED_NANOSECONDS = 2_000_000_000
DATAGRAM_LIMIT = 60_000  # octets; far below the kernel's default send buffer
PATH_LIMIT = 107  # octets of sun_path without its NUL, unix(7)
EVERYTHING = "*"  # in place of topics that do not fit

_COUNT = "UPDATE feed_counter SET value = value + 1 WHERE id = 1 RETURNING value"


class SqliteCarrier:
    """`count` and `announce` are called by the writer thread, the rest on the event loop.

    The names of the others' sockets are kept: looking into the directory costs more than sending.
    """

    def __init__(self, data_dir: Path, hub: Hub) -> None:
        self._hub = hub
        self._directory = socket_directory(data_dir)
        self._name = f"{secrets.token_hex(8)}.sock"
        self._loop = asyncio.get_running_loop()
        self._inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._outward = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._gathered: deque[bytes] = deque()
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        # The others' sockets, and the directory's time when they were looked up, if it is sure.
        self._others: tuple[int | None, Sequence[str]] = (None, ())
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

    async def ask_no_more(self) -> None:
        """The store's number is not looked at any more."""
        if self._checker is not None:
            self._checker.cancel()
            await asyncio.wait([self._checker])

    async def close(self) -> None:
        """Hear and tell no more: the writer thread has ended."""
        await self.ask_no_more()
        if self._timer is not None:
            self._timer.cancel()
        self._send_gathered()
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
        """Tell the others of a commit, now or in a moment: waking them is no work for the loop."""
        texts = pack(topics, DATAGRAM_LIMIT)
        text = stamped(texts[0]) if len(texts) == 1 else EVERYTHING
        self._gathered.append(f"{number} {text}".encode("ascii"))
        is_due = self._loop.time() >= self._sent_at + GATHER_SECONDS
        if is_due or len(self._gathered) >= GATHERED_LIMIT:
            self._send_gathered()

    # --- on the event loop ----------------------------------------------------------------------

    def committed(self, number: int, topics: Iterable[Topic]) -> None:
        """Tell this process of a commit of its own. What `announce` leaves gathered is sent from here."""
        self._heard(number, topics)
        if self._timer is None:
            self._timer = self._loop.call_later(GATHER_SECONDS, self._look_after_gathered)

    def _look_after_gathered(self) -> None:
        self._timer = None
        left = self._sent_at + GATHER_SECONDS - self._loop.time()
        if not self._gathered:
            return
        if left > 0:  # the writer thread has sent meanwhile, and may again
            self._timer = self._loop.call_later(left, self._look_after_gathered)
        else:
            self._send_gathered()

    def _send_gathered(self) -> None:
        """In either thread."""
        self._sent_at = self._loop.time()
        datagrams: list[bytes] = []
        with contextlib.suppress(IndexError):
            while True:
                datagrams.append(self._gathered.popleft())
        with contextlib.suppress(OSError):  # who cannot be told here notices the missing numbers
            for path in self._paths_of_others() if datagrams else ():
                self._send(datagrams, path)

    def _paths_of_others(self) -> Sequence[str]:
        """A directory's time moves in steps: what is younger than a few of them is looked up again."""
        changed_at = os.stat(self._directory).st_mtime_ns
        of, paths = self._others
        if changed_at != of:
            is_sure = time.time_ns() - changed_at > SETTLED_NANOSECONDS
            names = os.listdir(self._directory)
            paths = [f"{self._directory}/{name}" for name in names if name != self._name]
            self._others = (changed_at if is_sure else None, paths)
        return paths

    def _send(self, datagrams: Sequence[bytes], path: str) -> None:
        try:
            for datagram in datagrams:
                self._outward.sendto(datagram, path)
        except ConnectionRefusedError:
            Path(path).unlink(missing_ok=True)  # its process is gone
        except (BlockingIOError, FileNotFoundError):
            pass  # its buffer is full, or it has just left

    def _heard(self, number: int, topics: Iterable[Topic]) -> None:
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
            self._heard(int(number), unpack(text))

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
