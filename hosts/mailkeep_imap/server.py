"""The listeners of the IMAP host, and its life: start, serve, stop with BYE."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailkeep.auth import Authenticator
from mailkeep.delivery.spool import spool_directory, sweep
from mailkeep.errors import TooManyConnections
from mailkeep.imap.responses import bye
from mailkeep.model.principal import Peer
from mailkeep.net.lifecycle import Lifecycle
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.listen import address_of, bind_all
from mailkeep.net.observed import observed
from mailkeep.net.tls import TwistedTls, twisted_tls
from mailkeep.net.twisted_proxy import behind_proxies
from mailkeep.net.twisted_writing import write_at_once
from mailkeep.settings import Settings
from mailkeep.storage import open_store
from mailkeep.storage.interface import Store
from mailkeep_imap.host import Host
from mailkeep_imap.session import Session
from mailkeep_imap.writer import Output, Transport

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress
    from twisted.python.failure import Failure

STOP_SECONDS = 5.0  # for commands under way when the host is told to stop


class ImapConnection(Protocol):
    """Twisted's end of a session."""

    __slots__ = ("_host", "_release", "_session", "_tls")

    def __init__(self, host: Host, *, tls: bool) -> None:
        self._host = host
        self._tls = tls
        self._session: Session | None = None
        self._release: Callable[[], None] | None = None

    def connectionMade(self) -> None:  # noqa: N802
        """Admit the connection, or say why not, and greet."""
        transport = cast("Any", self.transport)
        address = transport.getPeer()
        transport.setTcpNoDelay(True)
        try:
            self._release = self._host.limiter.admit(address.host)
        except TooManyConnections as error:
            transport.write(bye(str(error), b"LIMIT"))
            transport.loseConnection()
            return
        peer = Peer(address.host, address.port, self._tls)
        output = Output(cast("Transport", transport), self._resumed)
        self._session = Session(self._host, peer, output)
        self._host.sessions.add(self._session)
        self._session.greet()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Octets from the client."""
        if self._session is not None:
            self._session.data_received(data)

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """The connection is over."""
        if self._session is not None:
            self._host.sessions.discard(self._session)
            self._session.connection_lost()
            self._session = None
        if self._release is not None:
            self._release()
            self._release = None

    def _resumed(self) -> None:
        if self._session is not None:
            self._session.output_resumed()


class ImapFactory(Factory):
    """One for each kind of listener."""

    noisy = False

    def __init__(self, host: Host, *, tls: bool) -> None:
        self._host = host
        self._tls = tls

    def buildProtocol(self, addr: IAddress | None) -> ImapConnection:  # noqa: N802
        """A protocol for a new connection."""
        return ImapConnection(self._host, tls=self._tls)


async def main(settings: Settings, lifecycle: Lifecycle) -> None:
    """The host's whole life, in the frame of `run_twisted_host`."""
    tls = twisted_tls(settings.tls)
    listeners = Listeners(settings, tls)
    store = await open_store(settings.store, settings.objects)
    try:
        await asyncio.to_thread(sweep, spool_directory(settings.store.data_dir))
        authenticator = Authenticator(store, settings.auth, "imap", settings.net.trusted_proxies)
        await authenticator.start()
        try:
            host = make_host(settings, store, authenticator, tls)
            if tls is not None:
                lifecycle.on_reload(lambda renewed: tls.reload(renewed.tls))
            lifecycle.on_reload_in_loop(lambda renewed: authenticator.trust(renewed.auth))
            lifecycle.connections = lambda: host.limiter.count
            async with observed(settings, lifecycle, store, authenticator):
                lifecycle.ready(listeners.start(host))
                await lifecycle.stopping.wait()
                await listeners.stop()
                await end_sessions(host)
        finally:
            await authenticator.close()
    finally:
        await store.close()


def make_host(settings: Settings, store: Store, authenticator: Authenticator, tls: TwistedTls | None) -> Host:
    """What the sessions share."""
    imap = settings.imap
    return Host(
        settings=settings,
        store=store,
        authenticator=authenticator,
        tls=tls.factory if tls is not None else None,
        limiter=ConnectionLimiter(imap.max_connections, imap.max_connections_per_network),
        spool=spool_directory(settings.store.data_dir),
    )


async def end_sessions(host: Host) -> None:
    """BYE to everybody: at once to the idle, to others when their command is done or STOP_SECONDS over."""
    for session in host.sessions:
        session.finish("The server is stopping; please come back.")
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await host.sessions.ended()
    for session in host.sessions:
        session.output.abort()
    await host.tasks.close()


class Listeners:
    """Bound when made, so that a port in use is known before anything else is begun."""

    def __init__(self, settings: Settings, tls: TwistedTls | None) -> None:
        self._tls = tls
        self._sockets = {
            "imap": bind_all(settings.imap.plain),
            "imaps": bind_all(settings.imap.tls) if self._tls is not None else [],
        }
        self._ports: list[Any] = []

    def start(self, host: Host) -> dict[str, list[str]]:
        """Accept from now on. Returns the addresses by listener name."""
        # Exists only once the runtime has installed it.
        from twisted.internet import reactor as installed  # noqa: PLC0415

        reactor: Any = installed
        for name, sockets in self._sockets.items():
            for listener in sockets:
                # Twisted duplicates the descriptor; ours stays open to tell its address.
                factory = behind_proxies(self._factory(host, name), host.settings.net)
                port = reactor.adoptStreamPort(listener.fileno(), listener.family, factory)
                write_at_once(port)
                self._ports.append(port)
        return {name: [address_of(one) for one in sockets] for name, sockets in self._sockets.items()}

    async def stop(self) -> None:
        """Accept no more."""
        for port in self._ports:
            await port.stopListening().asFuture(asyncio.get_running_loop())
        for sockets in self._sockets.values():
            for listener in sockets:
                listener.close()

    def _factory(self, host: Host, name: str) -> Any:
        if name == "imap":
            return ImapFactory(host, tls=False)
        assert self._tls is not None
        wrapped: Any = ImapFactory(host, tls=True)  # mypy does not see zope's interfaces
        return TLSMemoryBIOFactory(self._tls.factory, False, wrapped)
