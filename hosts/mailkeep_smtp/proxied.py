"""The PROXY protocol on SMTP's listeners: the header comes before anything else, TLS included.

Without TLS a small protocol reads it and gives the connection to the session. With TLS the socket is read up
to the header's last octet and not one further, since what follows belongs to the handshake.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from mailkeep.net.networks import Networks
from mailkeep.net.proxy_protocol import ProxyHeader, ProxySyntax, Source
from mailkeep.observe.logs import get_logger
from mailkeep.settings_net import NetSettings

MakeSession = Callable[[Source | None], asyncio.Protocol]

log = get_logger(__name__)


class Proxies:
    """Whom to believe about where a connection comes from."""

    def __init__(self, settings: NetSettings) -> None:
        self._trusted = Networks(settings.trusted_proxies)
        self.timeout = settings.proxy_timeout_seconds

    def __bool__(self) -> bool:
        return bool(self._trusted)

    def trusts(self, host: str) -> bool:
        """True if a connection from there begins with a header."""
        return host in self._trusted

    async def read_source(self, accepted: socket.socket) -> Source | None:
        """The header at the start of a socket's stream; what follows it stays unread. None for the proxy
        itself.

        Raises ProxySyntax, TimeoutError, OSError.
        """
        loop = asyncio.get_running_loop()
        header = ProxyHeader()
        async with asyncio.timeout(self.timeout):
            while not header.finished:
                octets = await loop.sock_recv(accepted, header.wanted)
                if not octets:
                    raise ProxySyntax("A trusted proxy sent half a PROXY header.")
                header.feed(octets)
        return header.source


class ProxiedConnection(asyncio.Protocol):
    """Stands before the session until it is known where the connection comes from."""

    def __init__(self, proxies: Proxies, make_session: MakeSession) -> None:
        self._proxies = proxies
        self._make_session = make_session
        self._header = ProxyHeader()
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Others than trusted proxies have their session at once."""
        self._transport = cast("asyncio.Transport", transport)
        host = (transport.get_extra_info("peername") or ("",))[0]
        if not self._proxies.trusts(host):
            self._begin(None)
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._proxies.timeout, self._refuse, "no header in time")

    def data_received(self, data: bytes) -> None:
        """Octets of the header, and perhaps what follows them."""
        try:
            self._header.feed(data)
        except ProxySyntax as error:
            self._refuse(str(error))
            return
        if self._header.finished:
            self._begin(self._header.source)

    def connection_lost(self, error: Exception | None) -> None:
        """Before the header was whole."""
        self._stop_timer()

    def _begin(self, source: Source | None) -> None:
        self._stop_timer()
        session = self._make_session(source)
        self._transport.set_protocol(session)
        session.connection_made(self._transport)
        if self._header.rest:
            session.data_received(self._header.rest)

    def _refuse(self, reason: str) -> None:
        self._stop_timer()
        peer = self._transport.get_extra_info("peername")
        log.warning("a trusted proxy was not understood", peer=peer and peer[0], reason=reason)
        self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
