"""uvicorn's connections with what it leaves out: time limits, a limit for the head, and one per network.

Without these a peer that says nothing, or says it slowly, keeps its place for ever, and a head without an end
is kept in memory whole. What a request may carry in its body is `limits`' business.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mailkeep.errors import TooManyConnections
from mailkeep.net.limits import ConnectionLimiter
from mailkeep_api.errors import problem

HEAD_LIMIT = 64 * 1024  # octets of request line and fields: a token of 16 KiB fits several times
HEAD_SECONDS = 20.0  # for the whole head, from the first moment of the connection or of the request
BODY_SECONDS = 60.0  # for each MiB of the body: 18 KiB/s
BODY_STEP = 1024 * 1024

_KEY = "mailkeep.connection"

_quiet = logging.getLogger("uvicorn.websockets")
_quiet.setLevel(logging.WARNING)


class Heir(asyncio.Protocol, ABC):
    """Goes on with a connection."""

    __slots__ = ()

    @abstractmethod
    def begin(
        self,
        transport: asyncio.Transport,
        *,
        chunked: bool,
        connections: set[Any],
        release: Callable[[], None],
    ) -> None:
        """It has the connection from now on, and `chunked` says how the answer is framed. `connections` are
        the web server's, which asks each to end when it stops; `release` gives the place back."""


class GuardedHttp(HttpToolsProtocol):
    """One connection. `limiter` counts all of the process."""

    # With uvicorn's they would be more attributes than instances share the names of: a kilobyte each.
    __slots__ = ("_body_octets", "_deadline", "_head_octets", "_in_head", "_limiter", "_release")

    def __init__(self, *given: Any, limiter: ConnectionLimiter, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limiter = limiter
        self._release: Callable[[], None] = _nothing
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head_octets = 0
        self._body_octets = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the peer, or answer at once that there is no place."""
        super().connection_made(transport)
        try:
            self._release = self._limiter.admit(self.client[0] if self.client else "")
        except TooManyConnections as error:
            self._refuse(503, str(error))
            return
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._stop_waiting()
        self._release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that has not ended."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head and not self.transport.is_closing():
            self._head_octets += len(data)
            if self._head_octets > HEAD_LIMIT:
                self._refuse(431, f"The request's head is larger than {HEAD_LIMIT} octets.")
        elif self._deadline is not None and not self._in_head:
            self._body_octets += len(data)
            if self._body_octets >= BODY_STEP:
                self._body_octets = 0
                self._within(BODY_SECONDS)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head_octets = True, 0
        self._within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head, self._body_octets = False, 0
        self._within(BODY_SECONDS)
        cast(Scope, self.scope)[_KEY] = self
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there; how long the answer takes is ours."""
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection goes on as a WebSocket, and takes its place with it."""
        self._stop_waiting()
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, GuardedWebSocket):
            protocol.release, self._release = self._release, _nothing

    def hand_over(self, heir: Heir) -> bool:
        """Let `heir` have the connection, with its place, behind the head of the answer that is under way;
        False if the client has left."""
        cycle = self.cycle
        left, cycle.disconnected = cycle.disconnected, True  # uvicorn writes no more, and misses no end
        if left or self.transport.is_closing():
            return False
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        release, self._release = self._release, _nothing
        chunked = bool(cycle.chunked_encoding)
        heir.begin(self.transport, chunked=chunked, connections=self.connections, release=release)
        if self.flow.write_paused:
            heir.pause_writing()
        self.transport.set_protocol(heir)
        self.flow.resume_reading()
        # What knows this protocol, and would keep it.
        del cast(Scope, self.scope)[_KEY]
        self.parser = self.cycle = self.scope = None  # type: ignore[assignment]
        return True

    def _within(self, seconds: float) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        if self._in_head:
            self._refuse(408, "The request did not come in time.")
        else:  # an answer may be under way: nothing can be said in between
            self.transport.abort()

    def _refuse(self, status: int, detail: str) -> None:
        """A whole answer, written without the application, and the end."""
        answer = problem(status, detail, headers={"Connection": "close"})
        fields = b"".join(b"%s: %s\r\n" % field for field in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 %d \r\n%s\r\n%s" % (status, fields, answer.body))
        self.transport.close()


def connection_of(scope: Scope) -> GuardedHttp:
    """The connection that a request came by."""
    return cast(GuardedHttp, scope[_KEY])


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that gives its place back, and writes no line with its address into the log: there a client
    of the hub puts its token."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.release: Callable[[], None] = _nothing
        self.logger = self.conn.logger = _quiet
        self.conn.debug = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.release()
        super().connection_lost(exc)


def _nothing() -> None:
    """What a connection that was not admitted gives back."""
