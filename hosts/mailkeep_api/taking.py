"""Takes the news of new mail out of the outbox, where no other host brings it.

Whoever stores mail writes its news down with it. The SMTP host brings it here by the internal channel, at
once; what has waited a moment longer (no such host runs, or none that knows where this one is) is taken from
the table. A claim is a lease, so that each item is one process's, however many look.
"""

from __future__ import annotations

import asyncio

from mailkeep.errors import StoreUnavailable
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import Topic, TopicKind
from mailkeep_api.announcing import Announcement, announce
from mailkeep_api.deps import Services
from mailkeep_api.news import of_item

PAGES = 20
GRACE_SECONDS = 2.0  # for the internal channel, where the settings name one
LEASE_SECONDS = 30.0
SWEEP_SECONDS = 10.0  # look without a hint: the feed may lose one, and leases of the dead end

_log = get_logger("api")


class OutboxTaker:
    """One a process: `run` it as an owned task and cancel it to stop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._grace = GRACE_SECONDS if services.settings.notify.api_url else 0.0
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Take until cancelled."""
        unwatch = self._services.store.feed.watch(Topic(TopicKind.OUTBOX), self._wake.set)
        try:
            while True:
                self._wake.clear()
                await self._take_all()
                await self._until_woken()
        finally:
            unwatch()

    async def _until_woken(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)
        except TimeoutError:
            return
        await asyncio.sleep(self._grace)

    async def _take_all(self) -> None:
        outbox = self._services.store.outbox
        try:
            while pages := await outbox.claim(PAGES, LEASE_SECONDS, self._grace):
                items = [item for page in pages for item in page.items]
                news = [
                    Announcement(str(item.id), (item.user_id,), of_item(item), item.origin) for item in items
                ]
                await announce(self._services, news)
                await outbox.finish([page.id for page in pages])
        except StoreUnavailable as error:
            _log.warning("news in the outbox cannot be taken now", error=str(error))
