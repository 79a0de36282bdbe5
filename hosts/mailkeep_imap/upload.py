"""Octets on their way in: a spool for each literal of a message, and for each message made of parts."""

from __future__ import annotations

from pathlib import Path

from mailkeep.delivery.spool import SPOOL_MEMORY, Spool
from mailkeep.errors import SpoolUnavailable
from mailkeep.imap.framing import LiteralChunk
from mailkeep.model.flags import FlagMask
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.message import SpooledContent
from mailkeep_imap.binary_content import copy_without_nul

LARGE_IN_MEMORY = 4  # spools of one command that may use SPOOL_MEMORY
SMALL_MEMORY = 64 * 1024  # octets of each of the others; the rest lies in files


class Upload:
    """The literals of one APPEND or REPLACE, known by their places, and what is made of them. Closed when the
    command is over, however it ended."""

    __slots__ = ("_binary", "_directory", "failure", "kept", "mailbox", "spools")

    def __init__(self, mailbox: Mailbox, directory: Path, kept: FlagMask) -> None:
        self.mailbox = mailbox
        self.kept = kept  # flags that the user may set there
        self.spools: list[Spool] = []
        self.failure: SpoolUnavailable | None = None
        self._directory = directory
        self._binary: set[int] = set()  # places of spools that hold NUL octets

    def open(self) -> int:
        """Another spool, known by its place. The first few may stay in memory up to the usual size."""
        memory = SPOOL_MEMORY if len(self.spools) < LARGE_IN_MEMORY else SMALL_MEMORY
        self.spools.append(Spool(self._directory, memory))
        return len(self.spools) - 1

    @property
    def size(self) -> int:
        """Octets of all spools so far."""
        return sum(spool.size for spool in self.spools)

    async def add(self, chunk: LiteralChunk) -> None:
        """Octets of the literal that began last. If they cannot be kept the rest is thrown away too, and
        the command is refused at its end: in between the client could not hear it."""
        if self.failure is None:
            try:
                await self.append(len(self.spools) - 1, chunk.octets)
            except SpoolUnavailable as error:
                self.failure = error

    async def append(self, place: int, octets: bytes) -> None:
        """Octets at the end of a spool. Raises SpoolUnavailable."""
        if b"\0" in octets:  # literal8 (RFC 3516 section 4.4)
            self._binary.add(place)
        await self.spools[place].append(octets)

    async def content(self, place: int) -> bytes | SpooledContent:
        """All octets of a spool. Raises SpoolUnavailable."""
        return await self.spools[place].content()

    async def encode_binary(self, place: int) -> None:
        """If a message holds NUL octets, put it into a form without. Raises UnknownEncoding,
        SpoolUnavailable."""
        if place not in self._binary:
            return
        binary, encoded = self.spools[place], Spool(self._directory)
        try:
            await copy_without_nul(await binary.content(), encoded)
        except BaseException:
            await encoded.close()
            raise
        self.spools[place] = encoded
        self._binary.discard(place)
        await binary.close()

    async def close(self) -> None:
        """Forget the messages; those that were committed are in the store."""
        for spool in self.spools:
            await spool.close()
