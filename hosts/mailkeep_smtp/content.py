"""One message's octets on their way into the spool: our trace fields on top, then what the client sends.

Where the policy mends headers, that happens here, while they arrive: DATA and BDAT bring octets, and neither
knows of it.
"""

from __future__ import annotations

from pathlib import Path

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.spool import Spool
from mailkeep.model.message import PreparedMessage
from mailkeep.smtp.submitted import Defaults, SubmittedHeader


class Content:
    """`close` it when the commit has been answered. `defaults` is None where octets stay as they came."""

    __slots__ = ("_spool", "_submitted", "_trace")

    def __init__(self, directory: Path, trace: bytes, defaults: Defaults | None) -> None:
        self._spool = Spool(directory)
        self._trace = trace
        self._submitted = None if defaults is None else SubmittedHeader(defaults)

    async def append(self, octets: bytes) -> None:
        """The message's next octets. Raises SpoolUnavailable; there is only `close` then."""
        if self._submitted is not None:
            octets = self._submitted.feed(octets)
        if self._spool.size == 0:
            octets = self._trace + octets
        await self._spool.append(octets)

    async def prepare(self) -> PreparedMessage:
        """The whole message, ready for the store. Raises SpoolUnavailable."""
        rest, self._submitted = b"" if self._submitted is None else self._submitted.finish(), None
        await self.append(rest)
        return await prepare_content(await self._spool.content())

    def header_of(self, message: PreparedMessage) -> bytes:
        """Its header section without our trace fields."""
        return message.header[len(self._trace) :]

    async def close(self) -> None:
        """Let go of the octets; closing twice changes nothing."""
        await self._spool.close()
