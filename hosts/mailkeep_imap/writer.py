"""One connection's way out: answers are gathered, written in one piece, and held back by a slow client.

Commands write into `Output`; nothing reaches the transport before `flush`, so that a batch of pipelined
commands costs one write. Twisted says when its own buffer is full (64 KiB) and when it has room again;
`drain` waits in between, so a client that reads nothing costs this much memory and no more, however much
it has asked for. One that takes nothing for `STALL_SECONDS` has its connection dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from mailkeep.net.twisted_bridge import PeerGone, ending_if_reset

FLUSH_SIZE = 64 * 1024  # octets gathered before they go to the transport in mid-command
LINGER_SECONDS = 5.0  # for the last octets and TLS's own goodbye, after we have closed
PARTING_SECONDS = 0.5  # the same when the host stops: nobody waits for a client that has nothing to take
STALL_SECONDS = 300.0  # a client behind a bad line may take its time over 64 KiB, but not for ever


class Transport(Protocol):
    """What is used of Twisted's TCP and TLS transports."""

    def write(self, data: bytes) -> None:
        """Queue octets."""

    def loseConnection(self) -> None:  # noqa: N802  Twisted's name
        """Close when all is written."""

    def abortConnection(self) -> None:  # noqa: N802
        """Close now."""

    def startTLS(self, contextFactory: object) -> None:  # noqa: N802, N803
        """Go on encrypted."""

    def registerProducer(self, producer: object, streaming: bool) -> None:  # noqa: N802
        """Follow the buffer."""

    def unregisterProducer(self) -> None:  # noqa: N802
        """Stop following it."""

    def pauseProducing(self) -> None:  # noqa: N802
        """Stop reading."""

    def resumeProducing(self) -> None:  # noqa: N802
        """Read again."""


class Output:
    """Twisted calls the three producer methods. `resumed` is called whenever there is room again."""

    __slots__ = (
        "_lingering",
        "_lost",
        "_paused",
        "_pieces",
        "_size",
        "_waiter",
        "deflate",
        "gone",
        "linger_seconds",
        "midway",
        "resumed",
        "stall_seconds",
        "transport",
    )

    def __init__(self, transport: Transport, resumed: Callable[[], None]) -> None:
        self.transport = transport
        self.resumed = resumed
        self.stall_seconds = STALL_SECONDS
        self.linger_seconds = LINGER_SECONDS
        self.deflate: Callable[[bytes], bytes] | None = None  # once the client has asked for it
        self.midway = False  # set while the octets of a literal are still to come: BYE may not stand there
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = False
        self.gone = False  # the connection is lost, or closed by us: nothing more can be sent
        self._lost = False  # at the transport's own word, or because it was told to abort
        self._lingering: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        transport.registerProducer(self, True)

    @property
    def has_room(self) -> bool:
        """True if a flush now would not have to wait."""
        return not self._paused and not self.gone

    @property
    def is_full(self) -> bool:
        """True if whoever has more to say should `drain` first."""
        return self._size >= FLUSH_SIZE or self._paused

    def write(self, octets: bytes) -> None:
        """Gather octets; the caller flushes, or calls `make_room` where it may wait."""
        self._pieces.append(octets)
        self._size += len(octets)

    def flush(self) -> None:
        """Hand everything gathered to the transport."""
        if self._pieces:
            octets = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            if self.deflate is not None and not self.gone:
                octets = self.deflate(octets)
            if not self.gone:
                with ending_if_reset(self.abort):
                    self.transport.write(octets)

    async def make_room(self) -> None:
        """To be called between the pieces of a long answer. Raises PeerGone."""
        if self.is_full:
            await self.drain()

    async def drain(self) -> None:
        """Flush, and wait until the client has taken enough. Raises PeerGone, also when it takes nothing."""
        self.flush()
        if self._paused and not self.gone:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self.stall_seconds):
                    await self._waiter
            except TimeoutError:
                self.abort()
            finally:
                self._waiter = None
        if self.gone:
            raise PeerGone("The connection was lost.")

    def pause_reading(self) -> None:
        """Take no more from the client for now."""
        with ending_if_reset(self.abort):
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Take from the client again."""
        with ending_if_reset(self.abort):
            self.transport.resumeProducing()

    def start_tls(self, context_factory: object) -> None:
        """Everything after what was written so far is TLS."""
        self.flush()
        with ending_if_reset(self.abort):
            self.transport.startTLS(context_factory)

    def close(self) -> None:
        """Send what was gathered and close. A registered producer would keep Twisted from closing."""
        if not self.gone:
            self.flush()
            self._end()
            with ending_if_reset(self.abort):
                self.transport.unregisterProducer()
                self.transport.loseConnection()
            loop = asyncio.get_running_loop()
            self._lingering = loop.call_later(self.linger_seconds, self.abort)

    def abort(self) -> None:
        """Close at once; what was not sent is lost. Twisted's TLS must not be asked twice."""
        self._end()
        if not self._lost:
            self._lost = True
            self.transport.abortConnection()

    def _end(self) -> None:
        self.gone = True
        self._pieces.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- Twisted's IPushProducer ----------------------------------------------------------------

    def pauseProducing(self) -> None:  # noqa: N802
        """The transport's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        """The transport's buffer has room again."""
        self._paused = False
        self._wake()
        self.resumed()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost."""
        self._lost = True
        if self._lingering is not None:
            self._lingering.cancel()
        self._end()
