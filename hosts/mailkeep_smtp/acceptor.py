"""Accepting for implicit TLS: a connection is counted before its handshake, not after.

asyncio's own TLS server would hold any number of connections that never say a word for as long as a handshake
may take, outside of every limit. Here those past the limit are closed at once: no reply can be read there.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from mailkeep.errors import TooManyConnections
from mailkeep.net.proxy_protocol import ProxySyntax, Source
from mailkeep.observe.logs import get_logger
from mailkeep_smtp.context import Listener, Services
from mailkeep_smtp.session import SmtpSession

HANDSHAKE_SECONDS = 30.0
SHUTDOWN_SECONDS = 5.0  # for the client's close_notify
_OUT_OF_FILES_SECONDS = 1.0  # until it is tried again

log = get_logger(__name__)


class TlsAcceptor:
    """One listening socket. `start`, then `close`."""

    def __init__(self, listener: Listener, services: Services, bound: socket.socket) -> None:
        self._listener = listener
        self._services = services
        self._bound = bound
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to accept."""
        self._task = self._services.tasks.spawn(self._accept(), f"accept {self._listener.name}")

    def close(self) -> None:
        """Accept no more; handshakes under way go on."""
        if self._task is not None:
            self._task.cancel()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, address = await loop.sock_accept(self._bound)
                except OSError as error:
                    log.warning("a connection could not be accepted", error=str(error))
                    await asyncio.sleep(_OUT_OF_FILES_SECONDS)
                    continue
                self._take(accepted, address[0])
        finally:
            self._bound.close()  # only when the loop does not look at it any more

    def _take(self, accepted: socket.socket, host: str) -> None:
        if self._services.proxies.trusts(host):
            self._services.tasks.spawn(self._find_source(accepted, host), f"proxy {host}")
        else:
            self._admit(accepted, host, None)

    async def _find_source(self, accepted: socket.socket, host: str) -> None:
        try:
            source = await self._services.proxies.read_source(accepted)
        except (ProxySyntax, OSError) as error:  # a timeout is an OSError
            log.warning("a trusted proxy was not understood", peer=host, reason=str(error) or "timeout")
            accepted.close()
            return
        except BaseException:
            accepted.close()
            raise
        self._admit(accepted, source.host if source else host, source)

    def _admit(self, accepted: socket.socket, host: str, source: Source | None) -> None:
        try:
            release = self._services.limiter.admit(host)
        except TooManyConnections as error:
            log.info("connection refused", peer=host, reason=str(error))
            accepted.close()
            return
        self._services.tasks.spawn(self._shake_hands(accepted, release, source), f"handshake {host}")

    async def _shake_hands(
        self, accepted: socket.socket, release: Callable[[], None], source: Source | None
    ) -> None:
        """The session takes `release` over when it begins."""
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: SmtpSession(self._listener, self._services, release, source),
                accepted,
                ssl=self._services.tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:  # ssl.SSLError and timeouts are OSErrors
            log.info("TLS handshake failed", error=type(error).__name__)
            release()
        except BaseException:
            release()
            raise
