"""8-bit messages for servers without 8BITMIME: converted for the way, or returned (RFC 6152 section 3).

Converting breaks every signature over what is converted. What our users send is signed anew, by the keys of
its author's domain, in the place of our signatures that fit no longer. Signatures of others are left as they
are: they fail where they are checked, and an ARC seal of ours with them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailkeep.delivery.recoding import copy_recoded
from mailkeep.delivery.remote.outcome import later, never
from mailkeep.delivery.signing import Signer
from mailkeep.delivery.spool import Spool
from mailkeep.delivery.spooled import SpooledBody, hashes_of, header_of
from mailkeep.errors import InvalidName, SpoolUnavailable
from mailkeep.mailauth.message import CheckedMessage
from mailkeep.mime.recode import CannotRecode, Form
from mailkeep.model.message import SpooledContent
from mailkeep.model.queue import QueuedMessage
from mailkeep.storage.interface import Body


class SevenBit:
    """Converts. Spool files lie in `directory`."""

    def __init__(self, directory: Path, signer: Signer | None = None) -> None:
        self._directory = directory
        self._signer = signer

    @asynccontextmanager
    async def converted(self, message: QueuedMessage, body: Body, host: str) -> AsyncIterator[Body]:
        """The message in ASCII, for as long as the context lasts. Raises NotSent, StoreUnavailable; reading
        raises SpoolUnavailable."""
        async with Spool(self._directory) as made:
            try:
                await self._convert(body, made)
                content = await self._signed(message, made)
            except CannotRecode as error:
                reason = str(error).rstrip(".")
                raise never("5.6.3", f"the server takes no 8-bit content. {reason}", host) from None
            except SpoolUnavailable as error:
                raise later("4.3.1", str(error).rstrip("."), host) from None
            yield SpooledBody(content)

    async def _convert(self, body: Body, made: Spool) -> None:
        async with Spool(self._directory) as plain:
            async for piece in body.chunks():
                await plain.append(piece)
            await copy_recoded(await plain.content(), made, Form.SEVEN_BIT)

    async def _signed(self, message: QueuedMessage, made: Spool) -> bytes | SpooledContent:
        """Raises SpoolUnavailable."""
        header = await header_of(made)
        size = len(header)
        if self._signer is not None and message.user_id is not None:
            content = await made.content(replaced=size)
            header = await self._resigned(CheckedMessage(header, lambda forms: hashes_of(content, forms)))
        return await made.content(header, size)

    async def _resigned(self, message: CheckedMessage) -> bytes:
        """The header with signatures of ours that fit. One that was not signed stays so."""
        if not message.named(b"dkim-signature"):
            return message.header
        from mailkeep.mailauth.dkim import signature  # noqa: PLC0415  loaded with the keys
        from mailkeep.mailauth.dmarc import author_domains  # noqa: PLC0415

        try:
            domain = author_domains(message)[0]
        except InvalidName:
            return message.header
        assert self._signer is not None
        kept = b"".join(
            raw
            for name, raw in message.fields
            if name.lower() != b"dkim-signature" or signature.domain_of(raw) != domain
        )
        header = kept + message.header[sum(len(raw) for _, raw in message.fields) :]
        signed = await self._signer.sign(domain, CheckedMessage(header, message.hash_bodies))
        return signed + header if signed else message.header


async def is_ascii(body: Body) -> bool:
    """Whether nothing has to be converted."""
    async for piece in body.chunks():
        if not piece.isascii():
            return False
    return True
