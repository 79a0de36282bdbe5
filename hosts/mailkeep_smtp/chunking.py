"""The octets that follow a BDAT line: all of them are read before the reply, whatever becomes of them.

What is not wanted is thrown away as it arrives. So no octet of a message is ever taken for a command, also
after a refusal, where a pipelining client has sent its next chunks already (RFC 3030 section 2).
"""

from __future__ import annotations

from datetime import datetime

from mailkeep.delivery.url_content import UrlContent
from mailkeep.errors import TooLarge
from mailkeep.smtp.chunks import Chunk, ChunkReader
from mailkeep.smtp.errors import Flooded
from mailkeep_smtp.connection import Connection
from mailkeep_smtp.content import Content
from mailkeep_smtp.transaction import FLOOD_FACTOR, MINIMUM_RATE, refuse_defects


class ChunkedMessage:
    """What BDAT has brought of one message. `content` is to be closed by whoever drops it."""

    __slots__ = ("began", "binary", "content", "reader", "received_at")

    def __init__(self, content: Content, received_at: datetime, began: float, *, binary: bool) -> None:
        """`binary` content need not be lines (BODY=BINARYMIME); where it has to be is asked later."""
        self.content = content
        self.binary = binary
        self.received_at = received_at
        self.began = began
        self.reader = ChunkReader()

    async def take(self, octets: ChunkOctets, max_size: int) -> None:
        """One whole chunk. Raises TooLarge, ContentRefused, SpoolUnavailable, Disconnected, Ending."""
        if self.reader.size + octets.remaining > max_size:
            raise TooLarge(f"The message is larger than {max_size} octets.")
        while octets.remaining:
            await self.content.append(self.reader.feed(await octets.next(self.began, self.reader.size)))
            self._refuse_defects(max_size)

    async def take_content(self, content: UrlContent, max_size: int) -> None:
        """What a URL leads to, whole. Raises TooLarge, ContentRefused, SpoolUnavailable, StoreUnavailable."""
        if self.reader.size + content.size > max_size:
            raise TooLarge(f"The message is larger than {max_size} octets.")
        async for octets in content.chunks():
            await self.content.append(self.reader.feed(octets))
            self._refuse_defects(max_size)

    def finish(self, max_size: int) -> None:
        """The last chunk has come. Raises ContentRefused."""
        self.reader.finish()
        self._refuse_defects(max_size)

    def _refuse_defects(self, max_size: int) -> None:
        if not self.binary:
            refuse_defects(self.reader.defects, max_size)


class ChunkOctets:
    """One chunk on its way in; `remaining` octets have not been taken yet."""

    __slots__ = ("_connection", "remaining")

    def __init__(self, connection: Connection, chunk: Chunk) -> None:
        """Raises Flooded for a chunk that is not even worth being thrown away."""
        limit = connection.services.settings.max_message_size
        if chunk.size > FLOOD_FACTOR * limit:
            raise Flooded(f"The message is far larger than {limit} octets.")
        self._connection = connection
        self.remaining = chunk.size

    async def next(self, began: float, taken: int) -> bytes:
        """Octets of the chunk, at least one. The message `began` then (loop time), and `taken` is its size
        so far: a whole message has to come at MINIMUM_RATE, however it is cut.
        """
        connection = self._connection
        while not connection.inlet.has_octets:
            timeout = connection.services.settings.data_timeout_seconds
            allowance = timeout + taken / MINIMUM_RATE - (connection.loop.time() - began)
            connection.set_deadline(min(allowance, timeout))
            await connection.wait()
        octets = connection.inlet.take_octets(self.remaining)
        self.remaining -= len(octets)
        return octets

    async def drain(self) -> None:
        """Read the rest and forget it. Raises Disconnected, Ending."""
        began, taken = self._connection.loop.time(), 0
        while self.remaining:
            taken += len(await self.next(began, taken))
