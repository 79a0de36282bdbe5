"""One message's octets on their way into the spool, and what stands above them in the end.

Where the policy mends headers, that happens here, while they arrive: DATA and BDAT bring octets, and neither
knows of it. What is put above (trace fields, results of checks, signatures) is known only when all have come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from mailkeep.delivery.prepare import mapped, prepare_content
from mailkeep.delivery.spool import Spool
from mailkeep.errors import SpoolUnavailable
from mailkeep.mailauth.canonical import BodyForm, HashedBody, hash_bodies
from mailkeep.model.message import PreparedMessage, SpooledContent
from mailkeep.smtp.submitted import Defaults, SubmittedHeader

HEADER_SIZES = (64 * 1024, 1024 * 1024)
"""Octets in which a header's end is looked for, one after the other. A message without one there is all
header, as far as rules go."""

HASHED_INLINE = 256 * 1024  # octets of body; hashing them takes a millisecond

Hashes = Mapping[BodyForm, HashedBody]


class Content:
    """`close` it when the commit has been answered. `defaults` is None where octets stay as they came."""

    __slots__ = ("_header_size", "_spool", "_submitted")

    def __init__(self, directory: Path, defaults: Defaults | None) -> None:
        self._spool = Spool(directory)
        self._submitted = None if defaults is None else SubmittedHeader(defaults)
        self._header_size = 0

    async def append(self, octets: bytes) -> None:
        """The message's next octets. Raises SpoolUnavailable; there is only `close` then."""
        if self._submitted is not None:
            octets = self._submitted.feed(octets)
        await self._spool.append(octets)

    async def header(self) -> bytes:
        """All have come: the header section with its blank line. Raises SpoolUnavailable."""
        if self._submitted is not None:
            rest, self._submitted = self._submitted.finish(), None
            await self._spool.append(rest)
        beginning = b""
        for size in HEADER_SIZES:
            beginning = await self._spool.beginning(size)
            end = 0 if beginning.startswith(b"\r\n") else beginning.find(b"\r\n\r\n") + 2
            self._header_size = len(beginning) if end == 1 else end + 2
            if self._header_size < size:
                break
        return beginning[: self._header_size]

    async def hash_bodies(self, forms: Collection[BodyForm]) -> Hashes:
        """Hashes of what follows the header. Raises SpoolUnavailable."""
        content = await self._spool.content(replaced=self._header_size)
        if isinstance(content, SpooledContent):
            return await asyncio.to_thread(_hash_spooled, content, forms)
        if len(content) <= HASHED_INLINE:
            return hash_bodies(content, forms)
        return await asyncio.to_thread(hash_bodies, content, forms)

    async def prepare(self, head: bytes) -> PreparedMessage:
        """The whole message with `head` in the place of its header, ready for the store.

        Raises SpoolUnavailable.
        """
        return await prepare_content(await self._spool.content(head, self._header_size))

    async def close(self) -> None:
        """Let go of the octets; closing twice changes nothing."""
        await self._spool.close()


def _hash_spooled(content: SpooledContent, forms: Collection[BodyForm]) -> Hashes:
    try:
        with mapped(content) as octets:
            return hash_bodies(octets, forms)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error
