"""One large message: its sections are streamed from the store in pieces, never held whole.

The length of a section is known from the part index before its first octet is read, so the literal can be
announced. Once it is, the connection cannot say anything else until the last octet: a fault in between
ends the connection, since nothing but closing tells the client that the literal is short.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from mailkeep.errors import StoreCorrupt
from mailkeep.imap.commands.fetch import BinarySection, BinarySize, Section
from mailkeep.imap.render import FETCH_END, cut, literal_start, section, window
from mailkeep.imap.sections import locate, selected_fields
from mailkeep.mime import parts
from mailkeep.mime.parts import PartIndex
from mailkeep.storage.interface import Column, KeptBody, Messages
from mailkeep_imap.fetching.batch import Batch, render_item, seen_tails
from mailkeep_imap.fetching.binary import LargePart, require_known
from mailkeep_imap.fetching.plan import FetchPlan, Item
from mailkeep_imap.selected import Selected
from mailkeep_imap.writer import Output

LARGE = 1024 * 1024  # octets; smaller messages are read whole, many at a time


class LargeMessage:
    """A message that is about to be sent. `batch` holds it alone."""

    __slots__ = ("_batch", "_body", "_index", "_output", "_plan", "_view")

    def __init__(
        self,
        plan: FetchPlan,
        view: Selected,
        batch: Batch,
        *,
        body: KeptBody,
        index: PartIndex,
        output: Output,
    ) -> None:
        self._plan = plan
        self._view = view
        self._batch = batch
        self._body = body
        self._index = index
        self._output = output

    async def send(self) -> None:
        """The whole FETCH response. Raises PeerGone; StoreUnavailable and StoreCorrupt end the connection,
        unless they come before its first octet: then the command is answered with them."""
        output = self._output
        require_known(self._plan.items, self._index)
        for item in self._plan.items:
            await self._reach(item)
        output.midway = True
        try:
            output.write(b"* %d %b (" % (self._batch.numbers[0], self._view.fetch_word))
            for place, item in enumerate(self._plan.items):
                if place:
                    output.write(b" ")
                await self._send_item(item)
            output.write(seen_tails(self._plan, self._view, self._batch)[0] + FETCH_END)
        except BaseException:
            output.abort()
            raise
        output.midway = False

    async def _reach(self, item: Item) -> None:
        """What lies outside of the database may be out of reach, and that can be said only now."""
        run = None if item.section is None else locate(item.section, self._index, self._body.size)
        if run is not None:
            offset, length = window(run[1] - run[0], None if item.is_binary else item.partial)
            await self._body.reach(run[0] + offset, length)

    async def _send_item(self, item: Item) -> None:
        if item.section is None:
            self._output.write(render_item(item, self._plan, self._view, self._batch))
            return
        if item.is_binary:
            await self._send_binary(item, item.section)
            return
        run = locate(item.section, self._index, self._body.size)
        if run is None:
            self._output.write(section(item.label, None))
        elif item.is_selection:
            header = await self._body.read(run[0], run[1] - run[0])
            self._output.write(section(item.label, cut(selected_fields(item.section, header), item.partial)))
        else:
            offset, length = window(run[1] - run[0], item.partial)
            await self._stream(item, run[0] + offset, length)

    async def _send_binary(self, item: Item, named: Section) -> None:
        part = self._index.find(named.part) if named.part else None
        if named.part and part is None:
            absent = b"NIL" if isinstance(item.attribute, BinarySection) else b"0"
            self._output.write(b"%b %b" % (item.label, absent))
            return
        content = LargePart(self._body, part)
        if isinstance(item.attribute, BinarySize):
            self._output.write(b"%b %d" % (item.label, await content.size()))
            return
        offset, length = await content.window(item)
        self._output.write(b"%b ~{%d}\r\n" % (item.label, length))  # NUL octets may come
        await self._send_pieces(content.pieces(offset, length), length)

    async def _stream(self, item: Item, offset: int, length: int) -> None:
        self._output.write(literal_start(item.label, length))
        if length:
            await self._send_pieces(self._body.chunks(offset, length), length)

    async def _send_pieces(self, pieces: AsyncIterator[bytes], length: int) -> None:
        sent = 0
        async for piece in pieces:
            sent += len(piece)
            self._output.write(piece)
            await self._output.make_room()
        if sent != length:
            raise StoreCorrupt("A message is shorter than its index says.")


async def part_index(messages: Messages, message_id: int) -> PartIndex | None:
    """The part index of one message; None if it is gone."""
    rows: Sequence[tuple[Any, ...]]
    async for rows in messages.rows((message_id,), (Column.PARTS,)):
        for row in rows:
            return parts.unpack(row[1])
    return None
