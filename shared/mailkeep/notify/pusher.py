"""Empties the outbox into the API host.

A notification leaves the outbox only after the API has answered 2xx, so one that the API did not hear waits,
however long the API is down. If the answer is lost, the same notification goes out again under the same id,
which the API publishes once. Several hosts may run a pusher on one outbox: a claim is a lease. It holds no
state that matters and may be killed at any moment.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Sequence
from pathlib import Path

import httpx2

from mailkeep.errors import SettingsError, StoreUnavailable
from mailkeep.notify.wire import BATCH_PATH, encode_batch
from mailkeep.observe import tracing
from mailkeep.observe.logs import get_logger
from mailkeep.settings import NotifySettings
from mailkeep.storage.interface import OutboxItem, Store, Topic, TopicKind

_log = get_logger("notify")

BATCH = 200  # notifications in one request
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
        self._failures = 0

    async def run(self) -> None:
        """Push until cancelled. Raises SettingsError at once if the key file cannot be read."""
        key = await asyncio.to_thread(read_key, self._settings.key_file)
        unwatch = self._store.feed.watch(Topic(TopicKind.OUTBOX), self._wake.set)
        try:
            async with self._client(key) as client:
                await self._push_forever(client)
        finally:
            unwatch()

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
                continue

    async def _push_all(self, client: httpx2.AsyncClient) -> float | None:
        """Push until the outbox is empty: None; or until something fails: seconds to wait."""
        try:
            while items := await self._store.outbox.claim(BATCH, self._settings.lease_seconds):
                await self._push(client, items)
                self._failures = 0
                if len(items) < BATCH:
                    await asyncio.sleep(GATHER_SECONDS if len(items) < LOAD else LOADED_GATHER_SECONDS)
        except (httpx2.HTTPError, StoreUnavailable) as error:
            return self._pause(error)
        return None

    async def _push(self, client: httpx2.AsyncClient, items: Sequence[OutboxItem]) -> None:
        ids = [item.id for item in items]
        try:
            with tracing.each("notify", tracing.PRODUCER, [one.origin.traceparent for one in items]) as on:
                answer = await client.post(BATCH_PATH, content=encode_batch(items, on))
                answer.raise_for_status()
        except BaseException:
            # Shielded, so that a stop frees the lease too; unheard, because the first error tells more.
            await asyncio.gather(asyncio.shield(self._store.outbox.release(ids)), return_exceptions=True)
            raise
        await self._store.outbox.finish(ids)

    def _pause(self, error: Exception) -> float:
        self._failures += 1
        if self._failures == 1:
            _log.warning(
                "the API host cannot be told of new mail; it waits in the outbox", reason=_reason(error)
            )
        backoff = self._settings.retry_seconds * 2 ** min(self._failures - 1, 10)
        return float(min(backoff, BACKOFF_LIMIT_SECONDS) * random.uniform(0.75, 1.0))  # noqa: S311  jitter


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
