"""The process: listeners on sockets that we bound, one store, one authenticator, and a clean end.

When it is told to stop it closes the listeners, lets each session finish the command that it is answering,
and drops those that take longer than DRAIN_SECONDS. Deletions that were not sealed by QUIT are not made.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailkeep.auth import Authenticator
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.observed import observed
from mailkeep.net.tls import twisted_tls
from mailkeep.net.twisted_proxy import behind_proxies
from mailkeep.net.twisted_writing import write_at_once
from mailkeep.settings import Settings
from mailkeep.storage import open_store
from mailkeep_pop3.logins import LastLogins
from mailkeep_pop3.maildrop import RecentSnapshots
from mailkeep_pop3.services import Services
from mailkeep_pop3.wire import OpenWires, Pop3Factory

DRAIN_SECONDS = 5.0


async def serve(settings: Settings, lifecycle: Lifecycle) -> None:
    """Run the POP3 host until `lifecycle.stopping`. Raises SettingsError, StoreUnavailable."""
    tls = twisted_tls(settings.tls)
    sockets = {
        "pop3": bind_all(settings.pop3.plain),
        "pop3s": bind_all(settings.pop3.tls) if tls is not None else [],
    }
    store = await open_store(settings.store, settings.objects)
    authenticator = Authenticator(store, settings.auth, "pop3", settings.net.trusted_proxies)
    try:
        await authenticator.start()
        services = Services(
            settings,
            store,
            authenticator,
            lifecycle.tasks,
            RecentSnapshots(),
            LastLogins(settings.pop3.login_delay_seconds),
        )
        server = Server(services, tls.factory if tls is not None else None)
        if tls is not None:
            lifecycle.on_reload(lambda renewed: tls.reload(renewed.tls))
        lifecycle.on_reload_in_loop(lambda renewed: authenticator.trust(renewed.auth))
        lifecycle.connections = server.connections
        async with observed(settings, lifecycle, store, authenticator):
            server.listen(sockets)
            lifecycle.ready({name: [address_of(one) for one in bound] for name, bound in sockets.items()})
            await lifecycle.stopping.wait()
            await server.close()
    finally:
        await authenticator.close()
        await store.close()


class Server:
    """The listeners and the open connections."""

    def __init__(self, services: Services, tls: IOpenSSLContextFactory | None) -> None:
        self._services = services
        self._tls = tls
        self._wires = OpenWires()
        self._ports: list[Any] = []
        pop3 = services.settings.pop3
        self._limiter = ConnectionLimiter(pop3.max_connections, pop3.max_connections_per_network)

    def listen(self, sockets: dict[str, list[socket.socket]]) -> None:
        """Accept on bound sockets: "pop3" in the clear with STLS, "pop3s" over TLS."""
        # Exists only once the runtime has installed it.
        from twisted.internet import reactor as installed  # noqa: PLC0415

        reactor: Any = installed
        factories = {"pop3": self._factory(secure=False), "pop3s": self._tls_factory()}
        for name, listeners in sockets.items():
            for listener in listeners:
                # Twisted duplicates the descriptor; ours stays open to tell its address.
                factory = behind_proxies(factories[name], self._services.settings.net)
                port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
                write_at_once(port)
                self._ports.append((port, listener))

    def connections(self) -> int:
        """How many are open."""
        return self._limiter.count

    async def close(self) -> None:
        """Accept no more, let sessions finish what they are doing, drop the rest."""
        for port, listener in self._ports:
            await port.stopListening().asFuture(asyncio.get_running_loop())
            listener.close()
        for wire in self._wires:
            wire.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._wires.ended()
        for wire in self._wires:
            wire.abort()

    def _factory(self, *, secure: bool) -> Pop3Factory:
        return Pop3Factory(self._services, self._limiter, self._wires, self._tls, secure=secure)

    def _tls_factory(self) -> Any:
        if self._tls is None:
            return None
        wrapped: Any = self._factory(secure=True)  # mypy does not see zope's interfaces
        return TLSMemoryBIOFactory(self._tls, False, wrapped)
