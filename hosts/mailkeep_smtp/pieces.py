"""A message in pieces: BDAT (RFC 3030) brings them, BURL (RFC 4468) takes them from where they lie here.

A piece that fails fails the message, so that none goes out with something missing; what was pipelined
behind it is read and refused.
"""

from __future__ import annotations

from datetime import UTC, datetime

from mailkeep.observe import tracing
from mailkeep.observe.timed import timed
from mailkeep.smtp.chunks import Chunk, parse_burl, parse_chunk
from mailkeep.smtp.errors import BadSequence, CommandNotOffered, Ending
from mailkeep.smtp.replies import Reply, reply
from mailkeep_smtp.chunking import ChunkedMessage, ChunkOctets
from mailkeep_smtp.inlet import Disconnected
from mailkeep_smtp.mail import MailCommands
from mailkeep_smtp.transaction import Transaction


class PieceCommands(MailCommands):
    """See the module."""

    async def smtp_BDAT(self, argument: str) -> Reply | None:  # noqa: N802
        """RFC 3030 section 2. All octets are read before the reply, whatever it is."""
        chunk = parse_chunk(argument)
        octets = ChunkOctets(self, chunk)
        if self.transaction is not None:
            self.transaction.offer(chunk.size, self.services.settings.max_message_size)
            if self.transaction.failure is not None:
                self.answer_again(await self._refuse_chunk(self.transaction.failure, chunk, octets))
                return None
        try:
            return await self._take_chunk(chunk, octets)
        except (Disconnected, Ending):
            raise
        except Exception as error:  # as in the loop, but here octets have to be read before the answer
            return await self._refuse_chunk(self.explain(error), chunk, octets)

    async def _refuse_chunk(self, failure: Reply, chunk: Chunk, octets: ChunkOctets) -> Reply:
        """The message is lost, as whoever has pipelined more chunks of it is told for each one."""
        if self.transaction is not None:
            await self.transaction.fail(failure)
        await octets.drain()
        if chunk.last:
            await self._end_transaction()
        return failure

    async def _take_chunk(self, chunk: Chunk, octets: ChunkOctets) -> Reply:
        self._check_ready()
        transaction = self.transaction
        if transaction is None or not transaction.addressees:
            raise BadSequence("RCPT comes before BDAT, and none was accepted.")
        chunked = self._chunked(transaction)
        await chunked.take(octets, self.services.settings.max_message_size)
        if not chunk.last:
            return reply(250, "2.0.0", f"Ok: {chunk.size} octets")
        return await self._finish_chunks(transaction, chunked)

    def _chunked(self, transaction: Transaction) -> ChunkedMessage:
        if transaction.chunked is None:
            received_at = datetime.now(UTC)
            content = self._content(transaction, received_at)
            binary = transaction.is_binary
            transaction.chunked = ChunkedMessage(content, received_at, self.loop.time(), binary=binary)
        return transaction.chunked

    async def _finish_chunks(self, transaction: Transaction, chunked: ChunkedMessage) -> Reply:
        chunked.finish(self.services.settings.max_message_size)
        with tracing.span("SMTP DATA", tracing.SERVER) as span:
            self._describe(span, transaction)
            try:
                size = chunked.reader.size
                with timed("SMTP BDAT"):
                    return await self._accept(transaction, chunked.content, chunked.received_at, size)
            finally:
                await self._end_transaction()

    async def smtp_BURL(self, argument: str) -> Reply | None:  # noqa: N802
        """RFC 4468 section 3.2: what lies here becomes a part of the message. One that fails fails the
        message, so that none goes out with something missing."""
        if not self.policy.takes_credentials:
            raise CommandNotOffered("BURL is not offered here; use the submission service.")
        self._check_ready()
        transaction = self.transaction
        if transaction is None or not transaction.addressees:
            raise BadSequence("RCPT comes before BURL, and none was accepted.")
        is_last = argument.upper().endswith((" LAST", "\tLAST"))
        transaction.chunks += 1
        if transaction.failure is not None:
            self.answer_again(await self._lose(transaction, transaction.failure, is_last=is_last))
            return None
        try:
            return await self._take_url(transaction, argument)
        except (Disconnected, Ending):
            raise
        except Exception as error:  # as in the loop, but the message is lost with it
            return await self._lose(transaction, self.explain(error), is_last=is_last)

    async def _take_url(self, transaction: Transaction, argument: str) -> Reply:
        url, is_last = parse_burl(argument)
        assert self._principal is not None  # the policy lets nobody else come so far
        content = await self.services.urls.open(url, self._principal)
        chunked = self._chunked(transaction)
        await chunked.take_content(content, self.services.settings.max_message_size)
        if not is_last:
            return reply(250, "2.5.0", f"Ok: {content.size} octets")
        return await self._finish_chunks(transaction, chunked)

    async def _lose(self, transaction: Transaction, failure: Reply, *, is_last: bool) -> Reply:
        await transaction.fail(failure)
        if is_last:
            await self._end_transaction()
        return failure

    async def line_lost(self, answer: Reply) -> None:
        """It may have been a BURL: a message that it was a part of must not go out without it."""
        if self.transaction is not None and self.transaction.chunks:
            await self.transaction.fail(answer)
