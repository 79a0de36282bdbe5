"""What a host is told about its own life, and what it tells the service manager.

A host gets one `Lifecycle`. It says `ready` when all its listeners accept, waits for `stopping`, closes its
listeners, lets open sessions end, and returns. Background work that lives as long as the process is
spawned on `tasks`, which the runtime closes after the host has returned. What can change while it runs
(certificates) is registered with `on_reload`; see `mailkeep.net.reloading`.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping, Sequence

from mailkeep.net import sdnotify
from mailkeep.net.heartbeat import beat
from mailkeep.net.inherited import inherited
from mailkeep.net.tasks import TaskRegistry
from mailkeep.observe.logs import get_logger
from mailkeep.settings import Settings

GARBAGE_THRESHOLDS = (10_000, 20, 20)
"""For `gc.set_threshold`. Nearly all that a command makes goes by its count of references: looking for cycles
after every 700 objects took six or seven hundredths of what a host does under load."""

log = get_logger(__name__)


class Lifecycle:
    """One process's life. `stopping` is set once and never cleared."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = asyncio.Event()
        self.tasks = TaskRegistry()
        self.reloads: list[Callable[[Settings], None]] = []
        self.connections: Callable[[], int] = lambda: 0
        self.listeners: Mapping[str, Sequence[str]] = {}

    def on_reload(self, apply: Callable[[Settings], None]) -> None:
        """Call `apply` in a thread with the settings as they are now, whenever SIGHUP asks for it. It raises
        SettingsError, with everything left as it was, if it cannot use them."""
        self.reloads.append(apply)

    def on_reload_in_loop(self, apply: Callable[[Settings], None]) -> None:
        """The same for what belongs to the loop, where `apply` is called. It raises nothing."""
        loop = asyncio.get_running_loop()

        def hand_over(settings: Settings) -> None:
            loop.call_soon_threadsafe(apply, settings)  # comes there before the end of this thread's work

        self.on_reload(hand_over)

    def count_connections(self) -> int:
        """How many are open, as the host counts them."""
        return self.connections()

    @property
    def status(self) -> str:
        """One line for `systemctl status`."""
        return f"{sdnotify.listening(self.listeners)}; {self.connections()} connections"

    def ready(self, listeners: Mapping[str, Sequence[str]]) -> None:
        """Every listener accepts: listener name (mx, imaps, api, ...) -> "host:port" addresses.

        Those who started us hear it by sd_notify(3) READY=1.
        """
        self.listeners = listeners
        log.info("ready", **{name: " ".join(places) for name, places in listeners.items() if places})
        for address in inherited().left():
            log.warning(
                "a socket that was handed over is in no setting: nobody answers there", address=address
            )
        sdnotify.notify(sdnotify.ready_fields(listeners))
        beat(self)
        if not gc.isenabled():  # see runtime
            gc.freeze()  # what the start has made stays, and no collection need look at it again
            gc.set_threshold(*GARBAGE_THRESHOLDS)
            gc.enable()

    def stop(self, reason: str) -> None:
        """Begin to stop. Calling it again changes nothing."""
        if self.stopping.is_set():
            return
        log.info("stopping", reason=reason)
        sdnotify.notify({"STOPPING": "1", "STATUS": f"Stopping: {reason}"})
        self.stopping.set()
