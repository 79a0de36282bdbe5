"""One worker of a host: a process that is started, heard, started again when it dies, and stopped.

It runs the command that started its parent, with a variable that makes it a worker. Once all workers have
been ready, one that dies is started again after a pause that doubles with every quick death; before that its
end is the end of all, because then the settings or the database are at fault.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mailkeep.net import parent, sdnotify, worker_place
from mailkeep.net.notices import NoticeSocket
from mailkeep.net.worker_place import WorkerPlace
from mailkeep.observe.logs import get_logger

START_SECONDS = 60.0  # for a worker to say that it is ready
STEADY_SECONDS = 30.0  # one that lived so long starts anew with the shortest pause
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0

log = get_logger(__name__)


class Worker:
    """`changed` is called whenever it has said something, or has ended. `beat_seconds` is how often it shall
    say that its loop turns."""

    def __init__(self, place: WorkerPlace, beat_seconds: float, changed: Callable[[], None]) -> None:
        self.place = place
        self.is_ready = False
        self.is_reloading = False
        self.connections = 0
        self.listeners: Mapping[str, Sequence[str]] = {}
        self.beaten_at = 0.0
        self._beat_seconds = beat_seconds
        self._changed = changed
        self._notices = NoticeSocket(place.notify_socket, self._heard)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._must_reload = False
        self._deaths = 0

    async def keep(self, begun: asyncio.Event) -> int:
        """Run it until `stop`; until `begun` is set, until it ends. Returns its last exit code."""
        await self._notices.open()
        try:
            while True:
                started = time.monotonic()
                code = await self._run_once()
                if self._stopping.is_set() or not begun.is_set():
                    return code
                pause = self._pause(time.monotonic() - started)
                log.error("a worker ended and starts again", worker=self.place.number, code=code, pause=pause)
                self._changed()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                if self._stopping.is_set():
                    return 0
        finally:
            self._notices.close()

    def reload(self) -> None:
        """Have it read the settings again, now or as soon as it can."""
        if self.is_ready:
            self.is_reloading = True
            self._signal(signal.SIGHUP)
        else:  # it may have read them before they were changed, and a signal would end it yet
            self._must_reload = True

    def stop(self) -> None:
        """Ask the process to end, and start it no more."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._signal(signal.SIGKILL)

    async def _run_once(self) -> int:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, *sys.orig_argv[1:]),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=tuple(self.place.listeners.values()),
            env=self._environment(),
        )
        if self._stopping.is_set():
            self._signal(signal.SIGTERM)
        starting = asyncio.get_running_loop().call_later(START_SECONDS, self._late)
        try:
            return await process.wait()
        finally:
            starting.cancel()
            self.is_ready = self.is_reloading = self._must_reload = False
            self.connections = 0

    def _late(self) -> None:
        if not self.is_ready:
            log.error("a worker was not ready in time and is ended", worker=self.place.number)
            self.kill()

    def _pause(self, lived: float) -> float:
        self._deaths = 1 if lived >= STEADY_SECONDS else self._deaths + 1
        return float(min(FIRST_PAUSE_SECONDS * 2 ** (self._deaths - 1), LONGEST_PAUSE_SECONDS))

    def _heard(self, fields: Mapping[str, str]) -> None:
        if self._process is None or fields.get("MAINPID", "") not in ("", str(self._process.pid)):
            return
        self.beaten_at = time.monotonic()
        if fields.get(sdnotify.CONNECTIONS, "").isdigit():
            self.connections = int(fields[sdnotify.CONNECTIONS])
        if fields.get("READY") == "1":
            self.is_ready, self.is_reloading = True, False
            self.listeners = sdnotify.parse_listeners(fields)
            if self._must_reload:
                self._must_reload = False
                self.reload()
        self._changed()

    def _environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
        return {
            **given,
            "NOTIFY_SOCKET": str(self.place.notify_socket),
            "WATCHDOG_USEC": str(int(self._beat_seconds * 2_000_000)),  # it beats in half of what it may
            parent.VARIABLE: str(os.getpid()),
            worker_place.VARIABLE: self.place.variable(),
        }

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
