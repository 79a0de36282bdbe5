"""uvicorn on sockets that we bound, inside the process's own lifecycle.

uvicorn would take the signals for itself; here the runtime has them, and says when to stop. Streams are ended
first, because uvicorn waits for what is open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import uvicorn
from fastapi import FastAPI

from mailkeep.auth import Authenticator
from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.delivery.signing import Signer
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.networks import Networks
from mailkeep.net.observed import observed
from mailkeep.net.tasks import TaskRegistry
from mailkeep.settings import Settings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep_api.app import create_app
from mailkeep_api.assistant.server import AssistantServer
from mailkeep_api.browsers import Browsers
from mailkeep_api.deps import Services
from mailkeep_api.digesting.sender import DigestSender
from mailkeep_api.following import Following
from mailkeep_api.forwarded import Forwarded
from mailkeep_api.guarded import GuardedHttp, GuardedWebSocket
from mailkeep_api.hub import Hub
from mailkeep_api.observed_requests import ObservedRequests
from mailkeep_api.pushing.pusher import Pusher
from mailkeep_api.ready_lists import ReadyLists
from mailkeep_api.request_ids import RequestIds
from mailkeep_api.sessions.door import BrowserDoor
from mailkeep_api.signalr import FRAME_LIMIT
from mailkeep_api.taking import OutboxTaker
from mailkeep_api.upstream_news import UpstreamNews

BODY_SECONDS_TO_STOP = 5  # what an unfinished request gets when the process stops
KEEPALIVE_SECONDS = 30


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, lifecycle: Lifecycle) -> None:
    """Run the API host until `lifecycle.stopping`. Raises SettingsError if a listener cannot be bound."""
    sockets = bind_all(settings.api.listen)
    store = await open_store(settings.store, settings.objects)
    proxies = (*settings.net.trusted_proxies, *settings.api.trusted_proxies)
    trusted = Networks(proxies)
    authenticator = Authenticator(store, settings.auth, "api", proxies)
    services = _services(settings, store, authenticator)
    upstream_news = UpstreamNews(store, services.hub)
    tasks = TaskRegistry()
    try:
        await authenticator.start()
        services.browser.start()
        services.pusher.start()
        app = create_app(services)
        lifecycle.on_reload_in_loop(partial(_reload, app, services))
        limiter = ConnectionLimiter(settings.api.max_connections, settings.api.max_connections_per_network)
        lifecycle.connections = lambda: limiter.count
        seen = ObservedRequests(Forwarded(app, trusted), trusted)
        server = _Server(_config(RequestIds(seen), limiter))
        async with observed(settings, lifecycle, store, authenticator):
            serving = asyncio.create_task(server.serve(sockets), name="uvicorn")
            await _first(server.accepting, serving)
            tasks.spawn(OutboxTaker(services).run(), "outbox taker")
            tasks.spawn(DigestSender(store, settings).run(), "digest sender")
            lifecycle.ready({"api": [address_of(listener) for listener in sockets]})
            await _until_stopped(lifecycle, server, serving, services.hub)
    finally:
        await tasks.close()
        await services.assistant.close()
        await services.browser.close()
        await services.pusher.close()
        await services.following.close()
        await upstream_news.close()
        await authenticator.close()
        await store.close()


def _services(settings: Settings, store: Store, authenticator: Authenticator) -> Services:
    """What the routes work with, not started yet."""
    hub = Hub()
    return Services(
        settings,
        store,
        authenticator,
        hub,
        BrowserDoor(settings, store, authenticator),
        Following(store, hub),
        Browsers(authenticator),
        Pusher(store, settings),
        Signer(DkimKeyFiles(settings.dkim.keys_directory(settings.store.data_dir))),
        AssistantServer(),
        ReadyLists(store),
    )


def _reload(app: FastAPI, services: Services, renewed: Settings) -> None:
    """What routes tell of issuers, and whom they believe, from the next request on."""
    services.authenticator.trust(renewed.auth)
    settings = replace(services.settings, auth=renewed.auth)
    app.state.services = replace(services, settings=settings)


def _config(app: object, limiter: ConnectionLimiter) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's own ASGI types differ from Starlette's in name only
        loop="none",
        http=partial(GuardedHttp, limiter=limiter),  # type: ignore[arg-type]  # it is only ever called
        lifespan="off",
        proxy_headers=False,  # uvicorn would believe loopback, whatever the settings say: see `forwarded`
        ws=GuardedWebSocket,
        ws_max_size=FRAME_LIMIT,
        ws_ping_interval=None,  # the hub's protocol has its own
        ws_per_message_deflate=False,  # 64 KiB a connection, for messages of a few hundred octets
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEPALIVE_SECONDS,
        timeout_graceful_shutdown=BODY_SECONDS_TO_STOP,
    )


async def _first(event: asyncio.Event, serving: asyncio.Task[None]) -> None:
    """Wait for the event, or for the server's end, which is raised if it was a failure."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if serving.done():
        await serving


async def _until_stopped(
    lifecycle: Lifecycle, server: uvicorn.Server, serving: asyncio.Task[None], hub: Hub
) -> None:
    await _first(lifecycle.stopping, serving)
    hub.close()
    server.should_exit = True
    await serving
