"""A whole message in a spool: its header section, hashes of the rest, and its octets for whoever sends it.

Nothing here holds up the loop: files are read in threads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping

from mailkeep.delivery.prepare import mapped
from mailkeep.delivery.spool import Spool
from mailkeep.errors import SpoolUnavailable
from mailkeep.mailauth.canonical import BodyForm, HashedBody, hash_bodies
from mailkeep.model.message import SpooledContent

HEADER_SIZES = (64 * 1024, 1024 * 1024)
"""Octets in which a header's end is looked for, one after the other. A message without one there is all
header, as far as rules go."""

HASHED_INLINE = 256 * 1024  # octets of body; hashing them takes a millisecond
CHUNK = 256 * 1024

Hashes = Mapping[BodyForm, HashedBody]


async def header_of(spool: Spool) -> bytes:
    """The header section with its blank line. Raises SpoolUnavailable."""
    beginning = b""
    header_size = 0
    for size in HEADER_SIZES:
        beginning = await spool.beginning(size)
        end = 0 if beginning.startswith(b"\r\n") else beginning.find(b"\r\n\r\n") + 2
        header_size = len(beginning) if end == 1 else end + 2
        if header_size < size:
            break
    return beginning[:header_size]


async def hashes_of(content: bytes | SpooledContent, forms: Collection[BodyForm]) -> Hashes:
    """Hashes of a body. Raises SpoolUnavailable."""
    if isinstance(content, SpooledContent):
        return await asyncio.to_thread(_hash_spooled, content, forms)
    if len(content) <= HASHED_INLINE:
        return hash_bodies(content, forms)
    return await asyncio.to_thread(hash_bodies, content, forms)


def _hash_spooled(content: SpooledContent, forms: Collection[BodyForm]) -> Hashes:
    if not content.size:
        return hash_bodies(b"", forms)
    try:
        with mapped(content) as octets:
            return hash_bodies(octets, forms)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error


class SpooledBody:
    """What a spool gave, as a store's Body. The spool must stay open meanwhile."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes | SpooledContent) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """Octets."""
        return len(self._content) if isinstance(self._content, bytes) else self._content.size

    async def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """See storage.interface.Body. Raises SpoolUnavailable."""
        end = self.size if length is None else min(offset + length, self.size)
        if isinstance(self._content, bytes):
            return self._content[offset:end]
        return await asyncio.to_thread(_read, self._content, offset, max(0, end - offset))

    async def chunks(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See storage.interface.Body. Raises SpoolUnavailable."""
        end = self.size if length is None else min(offset + length, self.size)
        for at in range(offset, end, CHUNK):
            yield await self.read(at, min(CHUNK, end - at))


def _read(content: SpooledContent, offset: int, length: int) -> bytes:
    try:
        with open(content.path, "rb") as file:
            return os.pread(file.fileno(), length, content.offset + offset)
    except OSError as error:
        raise SpoolUnavailable(f"The spool cannot be read: {error.strerror}.") from error
