"""One connection to an SMTP server: octets out with backpressure, replies in, TLS when asked for.

Everything that goes wrong raises NotSent with a status that a report can carry: the peer is gone, silent, or
says what is no reply. Octets that stand behind the reply to STARTTLS were put there by somebody on the way,
and end the connection (RFC 3207 section 4.2).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import cast

from mailkeep.delivery.remote.outcome import NotSent, later
from mailkeep.smtp.client import ReplyReader, ReplySyntax, ServerReply

REPLIES_LIMIT = 2000  # that wait to be read; a pipeline of ours has far fewer commands


class TlsFailed(NotSent):
    """The handshake failed; `reason` is the TLS library's word for why."""


class Wire(asyncio.Protocol):
    """`connect`, then `write` and `reply`, then `close` or `abort`."""

    def __init__(self, host: str) -> None:
        self.host = host  # as reports name it
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._reader = ReplyReader()
        self._replies: deque[ServerReply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._clogged: asyncio.Future[None] | None = None
        self._failure: NotSent | None = None

    @classmethod
    async def connect(
        cls, host: str, address: str, port: int, seconds: float, local: str | None = None
    ) -> Wire:
        """Raises NotSent."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(
                    lambda: cls(host), address, port, local_addr=(local, 0) if local else None
                )
        except OSError as error:  # TimeoutError is one
            reason = error.strerror or type(error).__name__
            raise later("4.4.1", f"connect to {host}[{address}]:{port}: {reason}", host) from None
        return wire

    @classmethod
    async def connect_tls(
        cls, host: str, port: int, seconds: float, context: ssl.SSLContext, local: str | None = None
    ) -> Wire:
        """Implicit TLS (RFC 8314 section 3.3), to a name that the system looks up. Raises NotSent."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                _, wire = await loop.create_connection(
                    lambda: cls(host),
                    host,
                    port,
                    ssl=context,
                    server_hostname=host,
                    local_addr=(local, 0) if local else None,
                )
        except ssl.SSLError as error:
            raise _tls_failed(host, error) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise later("4.4.1", f"connect to {host}:{port}: {reason}", host) from None
        return wire

    @property
    def is_open(self) -> bool:
        """False once the peer has gone, or has said something unasked."""
        return self._failure is None and not self._replies and not self._reader.pending

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """TLS as it was negotiated; None without."""
        return cast("ssl.SSLObject | None", self._transport.get_extra_info("ssl_object"))

    async def reply(self, seconds: float) -> ServerReply:
        """The next reply. Raises NotSent."""
        if not self._replies:
            await self._wait(seconds)
        return self._replies.popleft()

    def write(self, octets: bytes) -> None:
        """Send; a peer that is gone is noticed at the next `reply`."""
        if self._failure is None:
            self._transport.write(octets)

    async def drain(self, seconds: float) -> None:
        """Return when the peer has room for more. Raises NotSent."""
        if self._clogged is not None and self._failure is None:
            try:
                async with asyncio.timeout(seconds):
                    await asyncio.shield(self._clogged)
            except TimeoutError:
                raise self._fail(later("4.4.2", "timeout while sending", self.host)) from None
        if self._failure is not None:
            raise self._failure

    async def start_tls(self, context: ssl.SSLContext, name: str, seconds: float) -> None:
        """Raises TlsFailed, and NotSent if octets came before the handshake."""
        if self._reader.pending or self._replies:
            raise self._fail(
                later("4.7.0", "octets before the TLS handshake: somebody is on the line", self.host)
            )
        try:
            transport = await self._loop.start_tls(
                self._transport, self, context, server_hostname=name, ssl_handshake_timeout=seconds
            )
        except OSError as error:  # ssl.SSLError and timeouts are OSErrors
            self.abort()
            raise _tls_failed(self.host, error) from None
        self._transport = cast("asyncio.Transport", transport)

    def close(self) -> None:
        """Close when all is sent; nothing more goes out."""
        self._failure = self._failure or later("4.4.2", "the connection is closed", self.host)
        self._transport.close()

    def abort(self) -> None:
        """Close at once; nothing more may be tried here."""
        self._failure = self._failure or later("4.4.2", "the connection is closed", self.host)
        self._transport.abort()

    # --- what the transport calls -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._reader.feed(data))
        except ReplySyntax as error:
            self._fail(later("4.5.0", str(error), self.host))
        if len(self._replies) > REPLIES_LIMIT:
            self._fail(later("4.5.0", "the server answers what nobody asked", self.host))
        self._wake()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        if self._failure is None:
            self._failure = later("4.4.2", "the server closed the connection", self.host)
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        if self._clogged is None:
            self._clogged = self._loop.create_future()

    def resume_writing(self) -> None:
        clogged, self._clogged = self._clogged, None
        if clogged is not None and not clogged.done():
            clogged.set_result(None)

    # --- waiting ----------------------------------------------------------------------------------

    async def _wait(self, seconds: float) -> None:
        deadline = self._loop.time() + seconds
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            self._waiter = self._loop.create_future()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._waiter
            except TimeoutError:
                raise self._fail(later("4.4.2", "timeout while waiting for a reply", self.host)) from None
            finally:
                self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: NotSent) -> NotSent:
        if self._failure is None:
            self._failure = error
        self._transport.abort()
        return error


def _tls_failed(host: str, error: OSError) -> TlsFailed:
    reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
    failed = later("4.7.5", f"TLS handshake with {host} failed: {reason}", host)
    return TlsFailed(failed.result.verdict, "4.7.5", str(failed), host)
