"""A host with `workers = N`: a parent that serves nobody itself, and N processes on the same listening
sockets.

The parent binds the sockets, or has them from the service manager, and its workers inherit them: a connection
that waits belongs to no worker yet, so that one that dies refuses nobody. To the service manager the parent
is the host: it is ready when all workers are, passes SIGHUP and SIGTERM on, feeds the watchdog only while
every worker's loop turns, and answers /metrics and /health for all of them. A worker whose loop is stuck is
killed and started again.

It opens no store and imports no host. What the hosts keep in memory, each worker keeps for itself.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from mailkeep.errors import SettingsError
from mailkeep.net import sdnotify
from mailkeep.net.exits import EXIT_FAULT, EXIT_OK
from mailkeep.net.inherited import inherited
from mailkeep.net.listen import Endpoint, bind
from mailkeep.net.worker import Worker
from mailkeep.net.worker_place import WorkerPlace
from mailkeep.net.workers_observed import observed_workers
from mailkeep.observe.logs import get_logger, set_level
from mailkeep.settings import Settings

STOP_SECONDS = 12.0  # from SIGTERM to SIGKILL; a worker gives itself ten
WATCH_SECONDS = 30.0  # of silence after which a worker counts as dead, unless the service manager says less
RELOAD_SECONDS = 30.0

log = get_logger(__name__)


def count_of(name: str, settings: Settings) -> int:
    """How many workers a host is to have."""
    return int(getattr(getattr(settings, name, None), "workers", 1))


def endpoints_of(name: str, settings: Settings) -> tuple[str, ...]:
    """Every address that the host's workers will ask for."""
    if name == "smtp":
        smtp = settings.smtp
        return (*smtp.mx, *smtp.lmtp, *smtp.submission, *smtp.submissions)
    host = settings.imap if name == "imap" else settings.pop3
    return (*host.plain, *(host.tls if settings.tls.certificate else ()))


class Workers:
    """One host's. `run` is its whole life."""

    def __init__(self, name: str, settings: Settings, load: Callable[[], Settings]) -> None:
        self._name = name
        self._settings = settings
        self._load = load
        self._watchdog = sdnotify.watchdog_seconds()
        self._limit = self._watchdog or WATCH_SECONDS
        self._workers: list[Worker] = []
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._reloading: asyncio.TimerHandle | None = None
        self._told = ""

    async def run(self) -> int:
        """Returns the exit code. Raises SettingsError if an address cannot be listened on."""
        listeners = self._bind()
        try:
            async with AsyncExitStack() as stack:
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailkeep-")))
                self._make(directory, listeners)
                await stack.enter_async_context(observed_workers(self._name, self._settings, self._workers))
                self._install_signals()
                return await self._live(listeners)
        finally:
            _close(listeners)

    def _bind(self) -> dict[str, socket.socket]:
        bound: dict[str, socket.socket] = {}
        try:
            for text in endpoints_of(self._name, self._settings):
                endpoint = Endpoint.parse(text)
                bound[str(endpoint)] = bind(endpoint)
        except SettingsError:
            _close(bound)
            raise
        for address in inherited().left():
            log.warning(
                "a socket that was handed over is in no setting: nobody answers there", address=address
            )
        return bound

    def _make(self, directory: Path, listeners: Mapping[str, socket.socket]) -> None:
        descriptors = {text: listener.fileno() for text, listener in listeners.items()}
        for number in range(1, count_of(self._name, self._settings) + 1):
            place = WorkerPlace(number, directory, descriptors)
            self._workers.append(Worker(place, self._limit / 4, self._changed))

    def _install_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    async def _live(self, listeners: Mapping[str, socket.socket]) -> int:
        keepers = [asyncio.create_task(worker.keep(self._begun)) for worker in self._workers]
        watching = asyncio.create_task(self._watch())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopping, watching, *keepers}, return_when=asyncio.FIRST_COMPLETED)
            ended = next((keeper.result() for keeper in keepers if keeper.done()), None)
            log.info("stopping", workers=len(self._workers))
            sdnotify.notify({"STOPPING": "1", "STATUS": "Stopping"})
            _close(listeners)  # what comes now finds nobody, instead of waiting for workers that leave
            killed = await self._stop(keepers)
            if ended is None:
                return EXIT_FAULT if killed else EXIT_OK
            return ended if ended > 0 else EXIT_FAULT
        finally:
            watching.cancel()
            stopping.cancel()

    async def _stop(self, keepers: list[asyncio.Task[int]]) -> bool:
        """True if one had to be killed."""
        for worker in self._workers:
            worker.stop()
        _, late = await asyncio.wait(keepers, timeout=STOP_SECONDS)
        if late:
            log.error("workers did not stop in time and are killed", workers=len(late))
            for worker in self._workers:
                worker.kill()
            await asyncio.wait(late)
        return bool(late)

    # --- what workers say ---------------------------------------------------------------------------

    def _changed(self) -> None:
        ready = [worker for worker in self._workers if worker.is_ready]
        if not self._begun.is_set() and len(ready) == len(self._workers):
            self._begun.set()
            log.info("ready", workers=len(ready))
            self._tell_ready()
        if self._reloading is not None and not any(worker.is_reloading for worker in self._workers):
            self._reloaded()
        self._tell_status()

    @property
    def _status(self) -> str:
        ready = [worker for worker in self._workers if worker.is_ready]
        listeners = ready[0].listeners if ready else {}
        connections = sum(worker.connections for worker in ready)
        where = sdnotify.listening(listeners) if ready else "Not listening"
        return f"{where}; {connections} connections; {len(ready)} of {len(self._workers)} workers"

    def _tell_ready(self) -> None:
        self._told = self._status
        listeners = next((worker.listeners for worker in self._workers if worker.is_ready), {})
        sdnotify.notify({**sdnotify.ready_fields(listeners), "STATUS": self._told})

    def _tell_status(self) -> None:
        if self._begun.is_set() and self._status != self._told and not self._stopping.is_set():
            self._told = self._status
            sdnotify.notify({"STATUS": self._told})

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._limit / 4)
            silent = 0.0
            for worker in self._workers:
                silence = time.monotonic() - worker.beaten_at if worker.is_ready else 0.0
                if silence > self._limit * 3 / 4:
                    log.error("a worker's loop is stuck: it is killed", worker=worker.place.number)
                    worker.kill()
                silent = max(silent, silence)
            if self._watchdog is not None and silent <= self._limit / 2:
                sdnotify.notify({"WATCHDOG": "1"})

    # --- reloading ----------------------------------------------------------------------------------

    def _reload(self) -> None:
        if not self._begun.is_set() or self._stopping.is_set():
            return
        sdnotify.notify(sdnotify.reloading_fields())
        if self._reloading is not None:
            self._reloading.cancel()
        self._reloading = asyncio.get_running_loop().call_later(RELOAD_SECONDS, self._reloaded)
        try:
            set_level(self._load().log.level)  # a small file; nobody is served here meanwhile
        except SettingsError as error:
            log.error("not reloaded: the settings cannot be used", reason=str(error))
        for worker in self._workers:
            worker.reload()
        self._changed()

    def _reloaded(self) -> None:
        if self._reloading is not None:
            self._reloading.cancel()
            self._reloading = None
            self._tell_ready()


def _close(listeners: Mapping[str, socket.socket]) -> None:
    for listener in listeners.values():
        listener.close()
