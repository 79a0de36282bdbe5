"""Empties the outbox into the API host.

A notification leaves the outbox only after the API has answered 2xx, so one that the API did not hear waits,
however long the API is down. If the answer is lost, the same notification goes out again under the same id,
which the API publishes once. Several hosts may run a pusher on one outbox: a claim is a lease. What its own
process commits is leased to it already, as long as the API answers, and costs no claim. It holds no state
that matters and may be killed at any moment.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx2

from mailkeep.errors import SettingsError, StoreUnavailable
from mailkeep.notify.wire import BATCH_LIMIT, BATCH_PATH, encode_batch
from mailkeep.observe import tracing
from mailkeep.observe.logs import get_logger
from mailkeep.settings import NotifySettings
from mailkeep.storage.interface import OutboxPage, Store, Topic, TopicKind

_log = get_logger("notify")

PAGES = 200  # of the outbox at a time
GATHER_SECONDS = 0.1  # between requests, so that under load each carries many; the first goes at once
LOAD = 20  # notifications in a request: from here on it is load
LOADED_GATHER_SECONDS = 0.2  # under which the requests cost more than what they carry
REQUEST_SECONDS = 10.0
SWEEP_SECONDS = 10.0  # look without a hint: the feed may lose one, and leases of the dead end
BACKOFF_LIMIT_SECONDS = 30.0


class OutboxPusher:
    """One per host process that writes mail. `run` it as an owned task and cancel it to stop."""

    def __init__(self, store: Store, settings: NotifySettings) -> None:
        self._store = store
        self._settings = settings
        self._wake = asyncio.Event()
        self._others = True  # there may be pages to claim
        self._failures = 0

    async def run(self) -> None:
        """Push until cancelled. Raises SettingsError at once if the key file cannot be read."""
        key = await asyncio.to_thread(read_key, self._settings.key_file)
        unwatch = self._store.feed.watch(Topic(TopicKind.OUTBOX), self._look_around)
        try:
            async with self._client(key) as client:
                await self._push_forever(client)
        finally:
            unwatch()
            # Shielded, so that a stop frees the leases too; unheard, because what stopped it tells more.
            await asyncio.gather(asyncio.shield(self._store.outbox.let_go()), return_exceptions=True)

    def _look_around(self) -> None:
        """Others have left something, or may have."""
        self._others = True
        self._wake.set()

    def _client(self, key: str) -> httpx2.AsyncClient:
        verify: ssl.SSLContext | bool = True
        if self._settings.ca_file:
            verify = ssl.create_default_context(cafile=self._settings.ca_file)
        return httpx2.AsyncClient(
            base_url=self._settings.api_url,
            headers={"Authorization": f"ApiKey {key}", "Content-Type": "application/json"},
            timeout=REQUEST_SECONDS,
            verify=verify,
            trust_env=False,  # a proxy from the environment must not see the internal key
        )

    async def _push_forever(self, client: httpx2.AsyncClient) -> None:
        while True:
            self._wake.clear()
            pause = await self._push_all(client)
            if pause is not None:
                await asyncio.sleep(pause)
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), SWEEP_SECONDS)
            except TimeoutError:
                self._others = True

    async def _push_all(self, client: httpx2.AsyncClient) -> float | None:
        """Push until there is nothing left: None; or until something fails: seconds to wait."""
        try:
            self._store.outbox.hold(self._settings.lease_seconds, self._wake.set)
            while pages := await self._next_pages():
                told = await self._push_pages(client, pages)
                self._failures = 0
                if len(pages) < PAGES:
                    await asyncio.sleep(GATHER_SECONDS if told < LOAD else LOADED_GATHER_SECONDS)
        except (httpx2.HTTPError, StoreUnavailable) as error:
            return await self._pause(error)
        return None

    async def _next_pages(self) -> Sequence[OutboxPage]:
        """What this process has committed, then what others have left."""
        if held := self._store.outbox.take(PAGES):
            return held
        if not self._others:
            return ()
        self._others = False
        claimed = await self._store.outbox.claim(PAGES, self._settings.lease_seconds)
        self._others = self._others or bool(claimed)
        return claimed

    async def _push_pages(self, client: httpx2.AsyncClient, pages: Sequence[OutboxPage]) -> int:
        """In as few requests as the API takes; how many notifications there were."""
        waiting = deque(_requests(pages))
        try:
            while waiting:
                await self._push(client, waiting[0])
                waiting.popleft()
        except BaseException:
            ids = [page.id for request in waiting for page in request]
            # Shielded and unheard, as above.
            await asyncio.gather(asyncio.shield(self._store.outbox.release(ids)), return_exceptions=True)
            raise
        return sum(len(page.items) for page in pages)

    async def _push(self, client: httpx2.AsyncClient, pages: Sequence[OutboxPage]) -> None:
        items = [item for page in pages for item in page.items]
        with tracing.each("notify", tracing.PRODUCER, [one.origin.traceparent for one in items]) as on:
            answer = await client.post(BATCH_PATH, content=encode_batch(items, on))
            answer.raise_for_status()
        await self._store.outbox.finish([page.id for page in pages])

    async def _pause(self, error: Exception) -> float:
        """Seconds to wait; meanwhile anybody may tell what is here."""
        self._failures += 1
        self._others = True
        await asyncio.gather(self._store.outbox.let_go(), return_exceptions=True)
        if self._failures == 1:
            _log.warning(
                "the API host cannot be told of new mail; it waits in the outbox", reason=_reason(error)
            )
        backoff = self._settings.retry_seconds * 2 ** min(self._failures - 1, 10)
        return float(min(backoff, BACKOFF_LIMIT_SECONDS) * random.uniform(0.75, 1.0))  # noqa: S311  jitter


def _requests(pages: Sequence[OutboxPage]) -> Iterator[Sequence[OutboxPage]]:
    """The pages in their order, as many together as one request takes."""
    together: list[OutboxPage] = []
    room = BATCH_LIMIT
    for page in pages:
        if len(page.items) > room:
            yield together
            together, room = [], BATCH_LIMIT
        together.append(page)
        room -= len(page.items)
    yield together


def read_key(path: str) -> str:
    """The internal API key out of its file. Raises SettingsError."""
    try:
        key = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"[notify] key_file: the file {path} cannot be read.") from None
    if not key:
        raise SettingsError(f"[notify] key_file: the file {path} is empty; put an internal API key in it.")
    return key


def _reason(error: Exception) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"it answered {error.response.status_code}"
    return type(error).__name__
