"""RETR and TOP: message octets from the store to the wire.

Small messages are read whole, several at a time: those whose RETR commands wait in the pipeline already,
and, once a client goes through its maildrop in order, the next ones as well. Large messages and the bodies
of TOP are streamed in chunks, each written only when the client has taken the one before, so that a client
that reads nothing costs one chunk and the transport's buffer.

To a client without UTF-8 mode, header sections with octets beyond ASCII are sent in ASCII (RFC 6856 section 5
and RFC 6858): which messages that concerns is known from their delivery, so the others pay nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing

from mailkeep.errors import MailkeepError, NotFound
from mailkeep.mime import downgrade, parts
from mailkeep.pop3 import DotStuffer, TopCutter
from mailkeep.pop3.replies import ok
from mailkeep.pop3.stuffing import stuffed_whole
from mailkeep.storage.interface import Body, Column, Messages
from mailkeep_pop3.maildrop import Maildrop

WHOLE_LIMIT = 128 * 1024
"""Octets up to which a message is read whole and sent in one write."""

AHEAD_OCTETS = 512 * 1024
AHEAD_MESSAGES = 128
"""What one session reads ahead at most."""

CHUNK = 64 * 1024
"""Octets of a body that TOP reads at a time once it needs more than its first guess."""

LINE_GUESS = 80
"""Octets in a line of text, for TOP's first read."""

TOP_FOLLOWS = ok("The top of the message follows.")


class Retrieval:
    """Reads messages of one maildrop."""

    __slots__ = ("_ahead", "_expected", "_maildrop", "_messages", "_window")

    def __init__(self, messages: Messages, maildrop: Maildrop) -> None:
        self._messages = messages
        self._maildrop = maildrop
        self._ahead: dict[int, bytes] = {}  # by message-number
        self._expected = 0  # the number that follows the last one retrieved
        self._window = 0  # how many messages past it are worth reading

    def ready(self, number: int) -> bytes | None:
        """The whole reply to RETR if the message has been read ahead."""
        octets = self._taken(number)
        return None if octets is None else self._reply(number, octets)

    def is_small(self, number: int) -> bool:
        """True if `whole` is the way to read it."""
        return self._maildrop.size(number) <= WHOLE_LIMIT

    async def whole(self, number: int, queued: Iterable[int]) -> bytes:
        """The whole reply to RETR of a small message. `queued`: numbers that will be asked for next.

        Raises NotFound if the message is gone from the store.
        """
        return self._reply(number, await self._octets(number, queued))

    def _reply(self, number: int, octets: bytes) -> bytes:
        return stuffed_whole(octets, _head(self._maildrop.size(number)))

    async def pieces(self, number: int) -> AsyncGenerator[bytes, None]:
        """The reply to RETR of any message, in pieces."""
        head = _head(self._maildrop.size(number))
        stuffer = DotStuffer()
        async with aclosing(self._chunks(number)) as chunks:
            async for chunk in chunks:
                yield head + stuffer.feed(chunk)
                head = b""
        yield head + stuffer.finish()

    async def top(self, number: int, lines: int) -> AsyncGenerator[bytes, None]:
        """The reply to TOP, in pieces. Raises NotFound if the message is gone from the store.

        With lines of the body, a small message is read as RETR reads it: some clients ask for all lines.
        """
        if lines and self.is_small(number):
            octets = self._taken(number) or await self._octets(number, ())
            yield stuffed_whole(TopCutter(lines).feed(octets), TOP_FOLLOWS)
            return
        if self._maildrop.is_downgraded(number):
            async for piece in self._downgraded_top(number, lines):
                yield piece
            return
        message_id = self._maildrop.message_id(number)
        header = await self._column(message_id, Column.HEADER)
        cutter, stuffer = TopCutter(lines), DotStuffer()
        top = cutter.feed(header)
        body = None if cutter.done else await self._messages.body(message_id)
        yield TOP_FOLLOWS + stuffer.feed(top)
        if body is not None:
            offset, length = len(header), min(max(lines * LINE_GUESS, 1024), CHUNK)
            while offset < body.size and not cutter.done:
                chunk = await body.read(offset, length)
                yield stuffer.feed(cutter.feed(chunk))
                offset, length = offset + length, CHUNK
        yield stuffer.finish()

    async def _downgraded_top(self, number: int, lines: int) -> AsyncGenerator[bytes, None]:
        cutter, stuffer = TopCutter(lines), DotStuffer()
        head = TOP_FOLLOWS
        async with aclosing(self._chunks(number)) as chunks:
            async for chunk in chunks:
                yield head + stuffer.feed(cutter.feed(chunk))
                head = b""
                if cutter.done:
                    break
        yield head + stuffer.finish()

    async def _chunks(self, number: int) -> AsyncGenerator[bytes, None]:
        """The message's octets as this client takes them."""
        message_id = self._maildrop.message_id(number)
        body = await self._messages.body(message_id)
        if not self._maildrop.is_downgraded(number):
            async for chunk in body.chunks():
                yield chunk
            return
        index = parts.unpack(await self._column(message_id, Column.PARTS))
        at = 0
        for start, end in sorted((part.header_start, part.body_start) for part in index.walk()):
            async for chunk in _range(body, at, start):
                yield chunk
            yield await asyncio.to_thread(downgrade.section, await body.read(start, end - start))
            at = end
        async for chunk in _range(body, at, body.size):
            yield chunk

    def _taken(self, number: int) -> bytes | None:
        octets = self._ahead.pop(number, None)
        if octets is not None:
            self._expected = number + 1
        return octets

    async def _octets(self, number: int, queued: Iterable[int]) -> bytes:
        wanted = self._plan(number, queued)
        try:
            self._ahead = await self._read(wanted)
        except MailkeepError:
            if len(wanted) == 1:
                raise
            self._ahead = await self._read([number])  # a neighbour's trouble is not this message's
        octets = self._taken(number)
        if octets is None:
            raise NotFound("No such message.")
        return octets

    def _plan(self, number: int, queued: Iterable[int]) -> list[int]:
        """What to read now: the message, those queued behind it, or those that seem to come next."""
        wanted = {number: None} | {other: None for other in queued if self._maildrop.has(other)}
        if len(wanted) == 1 and number == self._expected:
            self._window = min(max(self._window * 2, 4), AHEAD_MESSAGES)
            guessed = range(number + 1, min(number + self._window, len(self._maildrop)) + 1)
            wanted |= {other: None for other in guessed if self._maildrop.has(other)}
        elif number != self._expected:
            self._window = 0
        return self._within_limits(list(wanted))

    def _within_limits(self, wanted: list[int]) -> list[int]:
        octets = 0
        for count, number in enumerate(wanted[:AHEAD_MESSAGES]):
            octets += self._maildrop.size(number)
            if count and (octets > AHEAD_OCTETS or not self.is_small(number)):
                return wanted[:count]
        return wanted[:AHEAD_MESSAGES]

    async def _read(self, numbers: Sequence[int]) -> dict[int, bytes]:
        if len(numbers) == 1:
            body = await self._messages.body(self._maildrop.message_id(numbers[0]))
            return {numbers[0]: await self._as_sent(numbers[0], await body.read())}
        by_id: dict[int, list[int]] = {}
        for number in numbers:  # one message may have been copied into the mailbox twice
            by_id.setdefault(self._maildrop.message_id(number), []).append(number)
        found: dict[int, bytes] = {}
        sizes = [self._maildrop.size(first) for first, *_ in by_id.values()]
        async for message_id, octets in self._messages.bodies(list(by_id), sizes):
            sent = await self._as_sent(by_id[message_id][0], octets)
            found.update(dict.fromkeys(by_id[message_id], sent))
        return found

    async def _as_sent(self, number: int, octets: bytes) -> bytes:
        if not self._maildrop.is_downgraded(number):
            return octets
        return await asyncio.to_thread(downgrade.message, octets)

    async def _column(self, message_id: int, column: Column) -> bytes:
        found = [row async for batch in self._messages.rows([message_id], [column]) for row in batch]
        if not found:
            raise NotFound("No such message.")
        octets: bytes = found[0][1]
        return octets


async def _range(body: Body, start: int, end: int) -> AsyncIterator[bytes]:
    for at in range(start, end, CHUNK):
        yield await body.read(at, min(CHUNK, end - at))


def _head(size: int) -> bytes:
    return b"+OK %d octets\r\n" % size
