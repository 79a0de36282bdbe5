"""One connection on Twisted: transport, TLS, backpressure both ways, and the timer of RFC 1939 section 3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from mailkeep.errors import TooManyConnections
from mailkeep.model.principal import Peer
from mailkeep.net.limits import ConnectionLimiter
from mailkeep.net.twisted_bridge import PeerGone, WriteGate, ending_if_reset
from mailkeep.pop3 import reply_to
from mailkeep_pop3.services import Services
from mailkeep_pop3.session import Session

LINGER_SECONDS = 30.0
"""How long a client may take to read the last reply before the connection is dropped."""

PARTING_SECONDS = 0.5
"""The same when the host stops and the client has asked for nothing."""


class Pop3Wire(Protocol):
    """The session's `Wire`. Made by `Pop3Factory`."""

    transport: Any  # Twisted's interfaces do not name startTLS and abortConnection together

    def __init__(self, listener: Pop3Factory) -> None:
        self._listener = listener
        self.peer = Peer("")
        self._gate = WriteGate()
        self._session: Session | None = None
        self._release: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._active_at = 0.0
        self._reading = True
        self._closing = False

    # --- what Twisted calls -------------------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802  Twisted's name
        """Admit the client, or say why not."""
        address = self.transport.getPeer()
        self.peer = Peer(address.host, address.port, self._listener.secure)
        try:
            self._release = self._listener.limiter.admit(address.host)
        except TooManyConnections as error:
            self.write(reply_to(error))
            self.close()
            return
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        self._gate.attach(self.transport)
        self._start_timer()
        self._listener.wires.add(self)
        self._session = Session(self._listener.services, self)
        self._session.greet()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802  Twisted's name
        """Octets after decryption. Only whole lines count as activity."""
        if self._session is None or self._closing:
            return
        if b"\n" in data:
            self._active_at = asyncio.get_running_loop().time()
        self._session.received(data)

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802  Twisted's name
        """The end, whoever made it."""
        self._listener.wires.discard(self)
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._release is not None:
            self._release()
        self._gate.stopProducing()
        if self._session is not None:
            self._session.lost()

    # --- what the session asks ----------------------------------------------------------------------

    @property
    def offers_tls(self) -> bool:
        """True if STLS would work."""
        return self._listener.tls is not None and not self.peer.tls

    @property
    def has_room(self) -> bool:
        """False while the transport's buffer is full."""
        return self._gate.is_open

    async def room(self) -> None:
        """See `Wire`."""
        try:
            await self._gate.wait(self._idle_seconds)
        except TimeoutError:
            raise PeerGone("The client takes nothing.") from None
        self._active_at = asyncio.get_running_loop().time()

    def write(self, octets: bytes) -> None:
        """See `Wire`."""
        with ending_if_reset(self._reset):
            self.transport.write(octets)

    def pause_reading(self) -> None:
        """See `Wire`."""
        if self._reading and not self._closing:
            self._reading = False
            with ending_if_reset(self._reset):
                self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """See `Wire`."""
        if not self._reading and not self._closing:
            self._reading = True
            with ending_if_reset(self._reset):
                self.transport.resumeProducing()

    def start_tls(self) -> None:
        """See `Wire`."""
        with ending_if_reset(self._reset):
            self.transport.startTLS(self._listener.tls)
        self.peer = Peer(self.peer.host, self.peer.port, tls=True)

    def close(self) -> None:
        """See `Wire`; a client that does not take the last reply is dropped after LINGER_SECONDS."""
        self._close(LINGER_SECONDS)

    def part(self) -> None:
        """See `Wire`: a client that idles over TLS may not read for long, nor answer our close_notify."""
        self._close(PARTING_SECONDS)

    def _close(self, linger_seconds: float) -> None:
        if self._closing:
            return
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(linger_seconds, self.abort)
        with ending_if_reset(self._reset):
            self.transport.unregisterProducer()  # TLS would not shut down before
            self.transport.loseConnection()

    def abort(self) -> None:
        """See `Wire`."""
        self._closing = True
        self.transport.abortConnection()

    def _reset(self) -> None:
        self._gate.stopProducing()
        self.abort()

    def stop(self) -> None:
        """The server stops."""
        if self._session is not None:
            self._session.stop()

    # --- the inactivity timer -----------------------------------------------------------------------

    @property
    def _idle_seconds(self) -> float:
        return self._listener.services.settings.pop3.idle_timeout_seconds

    def _start_timer(self) -> None:
        """One timer for the whole connection: a command notes the time and moves no timer."""
        loop = asyncio.get_running_loop()
        self._active_at = loop.time()
        self._timer = loop.call_later(self._idle_seconds, self._check_idle)

    def _check_idle(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._active_at + self._idle_seconds
        if loop.time() >= due:
            self.abort()  # RFC 1939 section 3: without a response, and without removing anything
        else:
            self._timer = loop.call_at(due, self._check_idle)


class OpenWires:
    """The open connections of the process, and the wait for the last of them to end."""

    def __init__(self) -> None:
        self._wires: set[Pop3Wire] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __iter__(self) -> Iterator[Pop3Wire]:
        return iter(tuple(self._wires))

    def add(self, wire: Pop3Wire) -> None:
        """A connection was made."""
        self._wires.add(wire)
        self._empty.clear()

    def discard(self, wire: Pop3Wire) -> None:
        """A connection has ended."""
        self._wires.discard(wire)
        if not self._wires:
            self._empty.set()

    async def ended(self) -> None:
        """Wait until none is open."""
        await self._empty.wait()


class Pop3Factory(Factory[Pop3Wire]):
    """Makes a wire for each connection of one listener. `secure` says that the listener speaks TLS itself;
    `tls` is what STLS starts, None if there is none. The limiter and the set of open wires are shared."""

    noisy = False

    def __init__(
        self,
        services: Services,
        limiter: ConnectionLimiter,
        wires: OpenWires,
        tls: IOpenSSLContextFactory | None,
        *,
        secure: bool,
    ) -> None:
        self.services = services
        self.limiter = limiter
        self.wires = wires
        self.tls = tls
        self.secure = secure

    def buildProtocol(self, addr: object) -> Pop3Wire:  # noqa: N802  Twisted's name
        """One connection."""
        return Pop3Wire(self)
