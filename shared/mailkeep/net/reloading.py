"""SIGHUP: the settings are read again, and what can change while a host runs is changed.

That is the log level and what a host registered with `Lifecycle.on_reload`, its certificates above all. Open
connections stay as they are. Settings that cannot be used change nothing: they are one line in the log, and
the host goes on with what it had. What listens, limits and the store need a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailkeep.errors import SettingsError
from mailkeep.net import sdnotify
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.observe.logs import get_logger, new_correlation_id, set_level
from mailkeep.settings import Settings

log = get_logger(__name__)


class Reloader:
    """One reload at a time; to be asked again meanwhile means one more, however often."""

    def __init__(self, lifecycle: Lifecycle, load: Callable[[], Settings]) -> None:
        self._lifecycle = lifecycle
        self._load = load
        self._running = False
        self._asked = False

    def ask(self) -> None:
        """From the loop. Before the host is ready, and once it stops, there is nothing to reload."""
        if not self._lifecycle.listeners or self._lifecycle.stopping.is_set():
            return
        self._asked = True
        if not self._running:
            self._running = True
            self._lifecycle.tasks.spawn(self._run(), "reload")

    async def _run(self) -> None:
        try:
            while self._asked:
                self._asked = False
                sdnotify.notify(sdnotify.reloading_fields())
                try:
                    await self._reload()
                finally:
                    sdnotify.notify(sdnotify.ready_fields(self._lifecycle.listeners))
        finally:
            self._running = False

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(self._load)
        except SettingsError as error:
            log.error("not reloaded: the settings cannot be used", reason=str(error))
            return
        set_level(settings.log.level)
        for apply in self._lifecycle.reloads:
            try:
                await asyncio.to_thread(apply, settings)
            except SettingsError as error:
                log.error("not reloaded", reason=str(error))
            except Exception as error:  # one part's fault must not keep the others from reloading
                log.error("not reloaded", correlation_id=new_correlation_id(), exc_info=error)
        log.info("reloaded", log_level=settings.log.level)
