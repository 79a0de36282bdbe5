"""A host as its operators see it: the gauges that have to be asked for, readiness, and the listener for both.

Nothing of it runs unless `[metrics]` names an address for the host, except that what a host counts is counted
in any case.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from mailkeep import __version__
from mailkeep.errors import StoreUnavailable
from mailkeep.net import worker_place
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.listen import address_of, bind_all
from mailkeep.observe import metrics, slow_list
from mailkeep.observe.logs import get_logger
from mailkeep.observe.timed import TIMINGS
from mailkeep.settings import Settings
from mailkeep.storage.interface import Store

PING_SECONDS = 3.0  # an operator's probe does not wait for the store's own timeout
ASK_SECONDS = 5.0  # the queue's size is asked for at most this often, however many scrape
LAG_SECONDS = 0.5

log = get_logger(__name__)


class Counted(Protocol):
    """What knows how many sessions are logged in."""

    @property
    def sessions(self) -> int:
        """How many are."""


@asynccontextmanager
async def observed(
    settings: Settings, lifecycle: Lifecycle, store: Store, counted: Counted
) -> AsyncIterator[None]:
    """Be observable while the host serves. Raises SettingsError if an address cannot be listened on."""
    addresses: tuple[str, ...] = getattr(settings.metrics, lifecycle.name, ())
    if not addresses:
        yield
        return
    from mailkeep.observe.operator_listener import OperatorListener  # noqa: PLC0415  brings h11 along

    worker = worker_place.place()
    sockets = bind_all(addresses) if worker is None else [_private(worker.operator_socket)]
    observation = Observation(settings, lifecycle, store, counted)
    listener = OperatorListener(observation.objection, observation.exposition, observation.slow)
    await listener.start(sockets)
    if worker is None:  # else the parent answers for it
        log.info("observable", metrics=" ".join(address_of(one) for one in sockets))
    lifecycle.tasks.spawn(_measure_lag(), "loop lag")
    try:
        yield
    finally:
        listener.close()


def _private(path: Path) -> socket.socket:
    """A listening socket for the parent of this worker. One that died has left its own there."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(str(path))
    listener.listen()
    return listener


class Observation:
    """Asks the parts of one host."""

    def __init__(self, settings: Settings, lifecycle: Lifecycle, store: Store, counted: Counted) -> None:
        self._settings = settings
        self._lifecycle = lifecycle
        self._store = store
        self._asked = -ASK_SECONDS
        TIMINGS.slow_seconds = settings.metrics.slow_command_seconds
        metrics.BUILD.info({"version": __version__, "host": lifecycle.name})
        metrics.CONNECTIONS.set_function(lifecycle.count_connections)
        metrics.SESSIONS.set_function(lambda: counted.sessions)

    async def objection(self) -> str:
        """Why the host cannot serve now; "" if it can."""
        if self._lifecycle.stopping.is_set():
            return "It is stopping."
        if not self._lifecycle.listeners:
            return "It is starting."
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._store.ping()
        except (StoreUnavailable, TimeoutError):
            return "The database does not answer."
        return ""

    async def exposition(self) -> bytes:
        """Everything, as text for a scraper."""
        await self.refresh()
        return metrics.exposition()

    async def slow(self) -> bytes:
        """Commands of late that took long, as JSON."""
        return slow_list.encode(TIMINGS.slow)

    async def refresh(self) -> None:
        """Bring the gauges up to date; what cannot be asked keeps its last value."""
        objection = await self.objection()
        metrics.READY.set(0 if objection else 1)
        usage = self._store.usage()
        metrics.POOL_IN_USE.set(usage.in_use)
        metrics.POOL_LIMIT.set(usage.limit)
        metrics.WAITING.set(usage.waiting_operations)
        metrics.WAITING_OCTETS.set(usage.waiting_octets)
        metrics.SNAPSHOTS.set(usage.snapshots)
        metrics.SNAPSHOT_ENTRIES.set(usage.snapshot_entries)
        metrics.SNAPSHOT_OCTETS.set(usage.snapshot_octets)
        if not objection and time.monotonic() - self._asked >= ASK_SECONDS:
            self._asked = time.monotonic()
            await self._ask()

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                metrics.OUTBOX.set(await self._store.outbox.count())
                status = await self._store.queue.status()
        except (StoreUnavailable, TimeoutError):
            return
        for state in ("waiting", "sending", "held"):
            metrics.QUEUE.labels(state).set(getattr(status, state))
        age = (datetime.now(UTC) - status.oldest_at).total_seconds() if status.oldest_at else 0.0
        metrics.QUEUE_AGE.set(age)
        await asyncio.to_thread(read_certificates, self._settings)


def read_certificates(settings: Settings) -> None:
    """When the certificates in the files end. Blocks."""
    from cryptography import x509  # noqa: PLC0415  only who is scraped pays for it

    tls = settings.tls
    for path in (tls.certificate, *(pair.certificate for pair in tls.certificates)):
        if path:
            try:
                certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
            except (OSError, ValueError):
                continue  # the reload that tries to use it says so in the log
            metrics.CERTIFICATE_END.labels(path).set(certificate.not_valid_after_utc.timestamp())


async def _measure_lag() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        metrics.LOOP_LAG.observe(max(0.0, loop.time() - due))
