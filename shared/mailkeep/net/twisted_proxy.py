"""The PROXY protocol on Twisted's listeners: the header is read before anything else, TLS included.

The protocol behind it is made when the header is whole. It gets a transport that names the real client as its
peer and is the real one otherwise. Nothing here may be imported before the reactor is installed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Factory, Protocol

from mailkeep.net.networks import Networks
from mailkeep.net.proxy_protocol import ProxyHeader, ProxySyntax, Source
from mailkeep.observe.logs import get_logger
from mailkeep.settings_net import NetSettings

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress
    from twisted.python.failure import Failure

log = get_logger(__name__)


def behind_proxies(factory: Any, settings: NetSettings) -> Any:
    """A factory for listeners that trusted proxies connect to; the same factory if there are none."""
    if not settings.trusted_proxies:
        return factory
    return _ProxiedFactory(factory, Networks(settings.trusted_proxies), settings.proxy_timeout_seconds)


class _ProxiedFactory(Factory):
    noisy = False

    def __init__(self, behind: Any, trusted: Networks, timeout: float) -> None:
        self._behind = behind
        self._trusted = trusted
        self._timeout = timeout

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802  Twisted's name
        """The protocol behind, or one that reads the header for it."""
        if getattr(addr, "host", "") not in self._trusted:
            return self._behind.buildProtocol(addr)
        return _Proxied(self._behind, self._timeout)


class _Proxied(Protocol):
    """Reads the header, then hands everything on."""

    def __init__(self, factory: Any, timeout: float) -> None:
        self._factory = factory
        self._timeout = timeout
        self._header = ProxyHeader()
        self._behind: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def connectionMade(self) -> None:  # noqa: N802  Twisted's name
        """The header has to come soon."""
        self._timer = asyncio.get_running_loop().call_later(self._timeout, self._refuse, "no header in time")

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  Twisted's name
        """Octets of the header, or of what is behind it."""
        if self._behind is not None:
            self._behind.dataReceived(data)
            return
        try:
            self._header.feed(data)
        except ProxySyntax as error:
            self._refuse(str(error))
            return
        if self._header.finished:
            self._begin()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802  Twisted's name
        """The connection is over."""
        self._stop_timer()
        if self._behind is not None:
            self._behind.connectionLost(reason)

    def _begin(self) -> None:
        self._stop_timer()
        real = cast("Any", self.transport)
        transport = real if self._header.source is None else _ProxiedTransport(real, self._header.source)
        self._behind = self._factory.buildProtocol(transport.getPeer())
        self._behind.makeConnection(transport)
        if self._header.rest:
            self._behind.dataReceived(self._header.rest)

    def _refuse(self, reason: str) -> None:
        self._stop_timer()
        real = cast("Any", self.transport)
        log.warning("a trusted proxy was not understood", peer=real.getPeer().host, reason=reason)
        real.abortConnection()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _ProxiedTransport:
    """A transport with another peer."""

    def __init__(self, real: Any, source: Source) -> None:
        self._real = real
        kind = IPv6Address if ":" in source.host else IPv4Address
        self._peer = kind("TCP", source.host, source.port)

    def getPeer(self) -> IPv4Address | IPv6Address:  # noqa: N802  Twisted's name
        """Who is behind the proxy."""
        return self._peer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
