"""Open streams of server-sent events: each is its connection's protocol from the answer's head on.

Thousands are open for hours and say nothing. What a web server holds for a request under way (a task with its
frames, a parser, buffers, a timer) would be most of what such a stream costs, so none of it is kept: the hub
calls when there is something to send, one timer serves all, and what the client sends is not looked at.

A client that does not take what it is sent is not waited for once its stream is over: it comes back with
`Last-Event-ID`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT

from mailkeep_api.guarded import Heir
from mailkeep_api.hub import Missed, Stream

if TYPE_CHECKING:
    from mailkeep_api.deps import Services, UserCaller

KEEPALIVE_SECONDS = 15.0  # proxies commonly cut a silent connection after 30 to 60
RETRY_LINE = b"retry: 2000\n"  # milliseconds until an EventSource comes back


class EventStreams:
    """All of a process. No stream is silent for longer than KEEPALIVE_SECONDS."""

    __slots__ = ("_open", "_timer")

    def __init__(self) -> None:
        self._open: set[OpenStream] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, stream: OpenStream) -> None:
        """It is to be kept alive."""
        self._open.add(stream)
        if self._timer is None:
            self._arm()

    def discard(self, stream: OpenStream) -> None:
        """It is over."""
        self._open.discard(stream)
        if not self._open and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        # Twice as often: a stream may have been silent for one turn when it is first looked at.
        self._timer = asyncio.get_running_loop().call_later(KEEPALIVE_SECONDS / 2, self._look)

    def _look(self) -> None:
        self._arm()
        for stream in tuple(self._open):
            stream.look()


class OpenStream(Heir):
    """One of them. `session` is the request of a stream that a browser's session let in."""

    __slots__ = (
        "_caller",
        "_connections",
        "_has_spoken",
        "_is_called",
        "_is_chunked",
        "_is_paused",
        "_release",
        "_services",
        "_session",
        "_stream",
        "_transport",
        "_unwatch",
    )

    def __init__(self, services: Services, caller: UserCaller, session: Request | None) -> None:
        self._services = services
        self._caller = caller
        self._session = session
        self._has_spoken = self._is_called = self._is_paused = False

    def begin(
        self,
        transport: asyncio.Transport,
        *,
        chunked: bool,
        connections: set[Any],
        release: Callable[[], None],
    ) -> None:
        """See Heir."""
        self._transport = transport
        self._is_chunked = chunked
        self._connections = connections
        self._release = release
        connections.add(self)

    def listen(self, last_event_id: str, missed: Missed | None) -> None:
        """Tell what was missed, and from then on what happens."""
        services, caller = self._services, self._caller
        self._stream = services.hub.subscribe(caller.user_id, last_event_id, missed=missed)
        self._unwatch = services.authenticator.watch(caller.principal, self._ended)
        services.event_streams.add(self)
        self._write(RETRY_LINE + self._first_id(self._stream) + b"\n")
        self._stream.listen(self._call)

    def look(self) -> None:
        """Say something if nothing was said for a while; end if the session has."""
        if not self._may_go_on():
            self._stream.close()
        elif not self._has_spoken and not self._is_paused:
            self._write(KEEPALIVE_COMMENT)
        self._has_spoken = False

    def shutdown(self) -> None:
        """The web server stops."""
        self._stream.close()

    # --- the connection -------------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing behind."""
        self._unwatch()
        self._services.hub.unsubscribe(self._stream)
        self._services.event_streams.discard(self)
        self._connections.discard(self)
        self._release()

    def pause_writing(self) -> None:
        """The client is slow: what happens waits in the stream, which has a limit."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """It goes on."""
        self._is_paused = False
        self._call()

    # --- the events -----------------------------------------------------------------------------------

    def _ended(self, _reason: str) -> None:
        self._stream.close()

    def _call(self) -> None:
        """Send soon: the hub has others to tell, and often more to say."""
        if not self._is_called:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._is_called = False
        if self._transport.is_closing():
            return
        if self._is_paused:
            if self._stream.is_closed:
                self._transport.abort()
            return
        may_go_on = self._may_go_on()
        if may_go_on and (octets := self._stream.take()):
            self._write(octets)
        if self._stream.is_closed or not may_go_on:
            self._end()

    def _end(self) -> None:
        if self._is_chunked:
            self._transport.write(b"0\r\n\r\n")  # RFC 9112 section 7.1: so the client knows that it has all
        self._transport.close()

    def _write(self, octets: bytes) -> None:
        self._has_spoken = True
        self._transport.write(b"%x\r\n%b\r\n" % (len(octets), octets) if self._is_chunked else octets)

    def _first_id(self, stream: Stream) -> bytes:
        """Where this client stands, unless the events that it hears first will say it."""
        if stream.has_backlog:
            return b""
        mark = self._services.hub.mark(self._services.following.position(self._caller.user_id))
        return b"id: " + mark.encode() + b"\n"

    def _may_go_on(self) -> bool:
        """False once the session of a stream without a credential is over, by time or by signing out."""
        return self._session is None or self._services.browser.session_of(self._session) is not None
