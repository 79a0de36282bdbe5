"""What a host is told about its own life, and what it tells the service manager.

A host gets one `Lifecycle`. It says `ready` when all its listeners accept, waits for `stopping`, closes its
listeners, lets open sessions end, and returns. Background work that lives as long as the process is
spawned on `tasks`, which the runtime closes after the host has returned.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping, Sequence

from mailkeep.net import sdnotify
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger

log = get_logger(__name__)


class Lifecycle:
    """One process's life. `stopping` is set once and never cleared."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = asyncio.Event()
        self.tasks = TaskRegistry()

    def ready(self, listeners: Mapping[str, Sequence[str]]) -> None:
        """Every listener accepts: listener name (mx, imaps, api, ...) -> "host:port" addresses.

        Those who started us hear it by sd_notify(3) READY=1.
        """
        log.info("ready", **{name: " ".join(places) for name, places in listeners.items() if places})
        sdnotify.notify(sdnotify.ready_fields(listeners))
        if not gc.isenabled():  # see runtime
            gc.freeze()  # what the start has made stays, and no collection need look at it again
            gc.enable()

    def stop(self, reason: str) -> None:
        """Begin to stop. Calling it again changes nothing."""
        if self.stopping.is_set():
            return
        log.info("stopping", reason=reason)
        sdnotify.notify({"STOPPING": "1", "STATUS": f"Stopping: {reason}"})
        self.stopping.set()
