"""The real API host on a loopback port, inside the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import httpx2
from tests.support.ports import free_port

from mailkeep.auth import KeyService
from mailkeep.model.address import Address
from mailkeep.model.scope import Scope
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.settings import ApiSettings, AuthSettings, ImapSettings, Settings, SmtpSettings, StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api.server import serve

DOMAIN = "example.test"
START_SECONDS = 60
ANSWER_SECONDS = 60  # of a machine that is busy with much else; what hangs is still told from what is slow
NO_TLS = httpx2.create_ssl_context(verify=False)  # one for all: each reads the authorities' file otherwise
CHEAP_BCRYPT = 4  # the lowest that bcrypt has: tests make many keys


class _Started(Lifecycle):
    """The lifecycle of a host that a test waits for."""

    def __init__(self) -> None:
        super().__init__("api")
        self.started = asyncio.Event()

    def ready(self, listeners: object) -> None:
        self.started.set()


@dataclass(frozen=True, slots=True)
class ApiHost:
    """A running host: its address, and the store that stands for all other processes."""

    url: str
    store: Store
    settings: Settings

    async def user(self, address: str) -> UUID:
        """A user with an address in the hosted domain; returns the user's id."""
        return (await self.store.directory.add_user(Address.parse(address))).id

    async def key(self, user_id: UUID | None, *scopes: Scope) -> str:
        """A fresh API key."""
        keys = KeyService(self.store, self.settings.auth)
        return (await keys.create(user_id, "test", frozenset(scopes), (), None)).api_key

    def client(self, key: str = "", scheme: str = "Bearer") -> httpx2.AsyncClient:
        """An HTTP client that sends the key with every request."""
        headers = {"Authorization": f"{scheme} {key}"} if key else {}
        return httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=ANSWER_SECONDS, trust_env=False, verify=NO_TLS
        )


def api_settings(store: StoreSettings, port: int) -> Settings:
    """Settings of an API host on a loopback port; the mail listeners are named, not opened."""
    return Settings(
        store=store,
        auth=AuthSettings(bcrypt_cost=CHEAP_BCRYPT),
        smtp=SmtpSettings(mx=("127.0.0.1:2025",)),
        imap=ImapSettings(plain=("127.0.0.1:2143",)),
        api=ApiSettings(listen=(f"127.0.0.1:{port}",)),
    )


@asynccontextmanager
async def running_api(
    store: Store,
    store_settings: StoreSettings,
    port: int = 0,
    per_network: int = 1000,
    changed: Callable[[Settings], Settings] = lambda settings: settings,
) -> AsyncIterator[ApiHost]:
    """Start the host, with the domain example.test in the store, and stop it cleanly at the end."""
    settings = api_settings(store_settings, port or free_port())
    settings = replace(settings, api=replace(settings.api, max_connections_per_network=per_network))
    settings = changed(settings)
    if await store.directory.domain(DOMAIN) is None:
        await store.directory.add_domain(DOMAIN)
    lifecycle = _Started()
    serving = asyncio.create_task(serve(settings, lifecycle))
    try:
        await _until_started(lifecycle, serving)
        yield ApiHost(f"http://{settings.api.listen[0]}", store, replace(settings))
    finally:
        lifecycle.stopping.set()
        await asyncio.wait_for(serving, START_SECONDS)


async def _until_started(lifecycle: _Started, serving: asyncio.Task[None]) -> None:
    started = asyncio.create_task(lifecycle.started.wait())
    await asyncio.wait({started, serving}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    started.cancel()
    if serving.done():
        await serving
    assert lifecycle.started.is_set(), "the API host did not start in time"
