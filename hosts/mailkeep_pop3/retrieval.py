"""RETR and TOP: message octets from the store to the wire.

Small messages are read whole, several at a time and ahead of their commands (`mailkeep_pop3.ahead`). Large
messages and the bodies of TOP are streamed in chunks, each written only when the client has taken the one
before, so that a client that reads nothing costs one chunk and the transport's buffer.

Most clients ask for one message after the other, each when they have the one before. While such a client
takes one, the whole reply to the next command is made ready, beside what is read ahead.

To a client without UTF-8 mode, header sections with octets beyond ASCII are sent in ASCII (RFC 6856 section 5
and RFC 6858): which messages that concerns is known from their delivery, so the others pay nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from mailkeep.errors import NotFound
from mailkeep.mime import downgrade, parts
from mailkeep.net.tasks import TaskRegistry
from mailkeep.pop3 import DotStuffer, TopCutter
from mailkeep.pop3.replies import ok
from mailkeep.pop3.stuffing import stuffed_parts
from mailkeep.storage.interface import Body, Column, Messages
from mailkeep_pop3.ahead import WHOLE_LIMIT, ReadAhead
from mailkeep_pop3.maildrop import Maildrop

CHUNK = 64 * 1024
"""Octets of a body that TOP reads at a time once it needs more than its first guess."""

LINE_GUESS = 80
"""Octets in a line of text, for TOP's first read."""

TOP_FOLLOWS = ok("The top of the message follows.")


class Foreseen(NamedTuple):
    """A command that is likely to be next, as most clients write it, and the whole reply to it."""

    number: int
    command: bytes
    reply: bytes


class Retrieval:
    """Reads messages of one maildrop. `tasks` owns what it reads ahead until `close`."""

    __slots__ = ("_ahead", "_maildrop", "_messages")

    def __init__(self, messages: Messages, maildrop: Maildrop, tasks: TaskRegistry) -> None:
        self._messages = messages
        self._maildrop = maildrop
        self._ahead = ReadAhead(maildrop, self._read, tasks)

    def close(self) -> None:
        """Nothing more will be asked for."""
        self._ahead.close()

    @property
    def has_ready(self) -> bool:
        """True if some message has been read ahead."""
        return not self._ahead.is_empty

    def ready(self, numbers: Iterable[int], octets: int) -> tuple[bytes, int]:
        """The whole replies to RETR of the first of these numbers, in one piece, and of how many: up to the
        first that has not been read ahead or is marked as deleted, or until there are so many octets."""
        pieces: list[bytes] = []
        count = 0
        for number in numbers:
            message = self._ahead.take(number) if self._maildrop.has(number) else None
            if message is None:
                break
            count += 1
            pieces += (_head(self._maildrop.size(number)), *stuffed_parts(message))
            octets -= len(message)
            if octets <= 0:
                break
        return b"".join(pieces), count

    def foreseen(self) -> Foreseen | None:
        """RETR of the message after the one sent last, if that has been read ahead."""
        found = self._ahead.peek()
        if found is None or not self._maildrop.has(found[0]):
            return None
        number, message = found
        return Foreseen(number, b"RETR %d\r\n" % number, self._reply(number, message))

    def sent(self, foreseen: Foreseen) -> None:
        """That was asked for, and its reply has been written."""
        self._ahead.take(foreseen.number)

    def is_small(self, number: int) -> bool:
        """True if `whole` is the way to read it."""
        return self._maildrop.size(number) <= WHOLE_LIMIT

    async def whole(self, number: int, queued: Iterable[int]) -> bytes:
        """The whole reply to RETR of a small message. `queued`: numbers that will be asked for next.

        Raises NotFound if the message is gone from the store.
        """
        return self._reply(number, await self._ahead.get(number, queued))

    async def pieces(self, number: int) -> AsyncGenerator[bytes, None]:
        """The reply to RETR of any message, in pieces."""
        head = _head(self._maildrop.size(number))
        stuffer = DotStuffer()
        async with aclosing(self._chunks(number)) as chunks:
            async for chunk in chunks:
                yield head + stuffer.feed(chunk)
                head = b""
        yield head + stuffer.finish()
        self._ahead.passed(number)

    async def top(self, number: int, lines: int) -> AsyncGenerator[bytes, None]:
        """The reply to TOP, in pieces. Raises NotFound if the message is gone from the store.

        With lines of the body, a small message is read as RETR reads it: some clients ask for all lines.
        """
        if lines and self.is_small(number):
            octets = self._ahead.take(number) or await self._ahead.get(number, ())
            yield b"".join((TOP_FOLLOWS, *stuffed_parts(TopCutter(lines).feed(octets))))
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
        await body.reach()  # after the first piece there is no -ERR
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

    def _reply(self, number: int, message: bytes) -> bytes:
        return b"".join((_head(self._maildrop.size(number)), *stuffed_parts(message)))

    async def _read(self, numbers: Sequence[int]) -> dict[int, bytes]:
        if len(numbers) == 1:
            body = await self._messages.body(self._maildrop.message_id(numbers[0]))
            return {numbers[0]: await self._as_sent(numbers[0], await body.read())}
        by_id: dict[int, list[int]] = {}
        for number in numbers:  # one message may have been copied into the mailbox twice
            by_id.setdefault(self._maildrop.message_id(number), []).append(number)
        found: dict[int, bytes] = {}
        sizes = [self._maildrop.size(first) for first, *_ in by_id.values()]
        async with aclosing(self._messages.body_batches(list(by_id), sizes)) as batches:
            async for batch in batches:
                for message_id, octets in batch:
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
