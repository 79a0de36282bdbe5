"""Tells the service manager that the event loop turns, and how busy it is.

WATCHDOG=1 comes from the loop itself: a host whose loop is stuck falls silent and is started again. Without
$NOTIFY_SOCKET nothing runs.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from mailkeep.net import sdnotify

if TYPE_CHECKING:
    from mailkeep.net.lifecycle import Lifecycle

STATUS_SECONDS = 10.0


def beat(lifecycle: Lifecycle) -> None:
    """Begin, if there is somebody to tell."""
    if os.environ.get("NOTIFY_SOCKET"):
        lifecycle.tasks.spawn(_beat(lifecycle, sdnotify.watchdog_seconds()), "heartbeat")


async def _beat(lifecycle: Lifecycle, watchdog: float | None) -> None:
    # Half of the time that is allowed: sd_watchdog_enabled(3).
    pause = STATUS_SECONDS if watchdog is None else min(watchdog / 2, STATUS_SECONDS)
    told = ""
    while True:
        await asyncio.sleep(pause)
        fields = {} if watchdog is None else {"WATCHDOG": "1"}
        if told != lifecycle.status and not lifecycle.stopping.is_set():
            told = lifecycle.status
            fields["STATUS"] = told
            fields[sdnotify.CONNECTIONS] = str(lifecycle.count_connections())
        if fields:
            sdnotify.notify(fields)
