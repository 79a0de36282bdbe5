"""What a client sends, until somebody takes it: lines or raw octets, with backpressure and a deadline.

Reading from the transport pauses while more than HIGH_WATER octets wait. One coroutine waits at a time. A
deadline belongs to a whole line or piece, not to each octet: a client that sends one octet a minute meets it.
"""

from __future__ import annotations

import asyncio

from mailkeep.smtp.lines import LineReader

HIGH_WATER = 64 * 1024  # octets that may wait before reading pauses


class Disconnected(Exception):
    """The client is gone; nobody is left to answer."""


class Inlet:
    """One connection's incoming half."""

    __slots__ = ("_eof", "_failure", "_lines", "_loop", "_paused", "_transport", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lines = LineReader()
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._eof = False
        self._failure: BaseException | None = None

    @property
    def waiting(self) -> bool:
        """True while a coroutine waits for the client."""
        return self._waiter is not None

    @property
    def has_octets(self) -> bool:
        """True if something can be taken without waiting."""
        return self._lines.pending > 0

    def attach(self, transport: asyncio.Transport) -> None:
        """The transport to pause and resume; called again after STARTTLS."""
        self._transport = transport
        self._paused = False

    def feed(self, octets: bytes) -> None:
        """From `data_received`."""
        self._lines.feed(octets)
        if self._lines.pending > HIGH_WATER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def feed_eof(self) -> None:
        """The client sends no more; what it sent is still served."""
        self._eof = True
        self._wake()

    def fail(self, error: BaseException) -> None:
        """Let the present or the next wait raise `error`. The first failure stays."""
        if self._failure is None:
            self._failure = error
        self._wake()

    def take_line(self, limit: int | None = None) -> bytes | None:
        """A line without its CRLF, or None if it has not ended. Raises as LineReader.next_line does."""
        try:
            return self._lines.next_line(limit)
        finally:
            self._resume()

    def take_octets(self, limit: int | None = None) -> bytes:
        """Everything that waits, or its first `limit` octets."""
        octets = self._lines.take(limit)
        self._resume()
        return octets

    def give_back(self, octets: bytes) -> None:
        """Octets that were taken and turn out to be commands; nothing may have been fed meanwhile."""
        if octets:
            self._lines.feed(octets)

    def discard(self) -> int:
        """Forget what waits; returns how many octets that were."""
        return self._lines.discard()

    async def wait(self) -> None:
        """Return when more has arrived. Raises Disconnected at the end, and what `fail` was given."""
        if self._failure is not None:
            raise self._failure
        if self._eof:
            raise Disconnected
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume(self) -> None:
        if self._paused and self._lines.pending <= HIGH_WATER // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
