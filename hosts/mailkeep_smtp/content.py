"""One message's octets on their way into the spool, and what stands above them in the end.

Where the policy mends headers, that happens here, while they arrive: DATA and BDAT bring octets, and neither
knows of it. What is put above (trace fields, results of checks, signatures) is known only when all have come.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mailkeep.delivery.prepare import prepare_content
from mailkeep.delivery.recoding import copy_recoded
from mailkeep.delivery.spool import Room, Spool
from mailkeep.delivery.spooled import Hashes, hashes_of, header_of
from mailkeep.mailauth.canonical import BodyForm
from mailkeep.mime.recode import CannotRecode, Form
from mailkeep.model.message import PreparedMessage
from mailkeep.smtp.errors import ContentRefused
from mailkeep.smtp.submitted import Defaults, SubmittedHeader


class Content:
    """`close` it when the commit has been answered. `defaults` is None where octets stay as they came."""

    __slots__ = ("_directory", "_header_size", "_room", "_spool", "_submitted")

    def __init__(self, directory: Path, room: Room, defaults: Defaults | None) -> None:
        self._directory = directory
        self._room = room
        self._spool = Spool(directory, room=room)
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
        header = await header_of(self._spool)
        self._header_size = len(header)
        return header

    async def as_lines(self, header: bytes) -> bytes:
        """After `header`: put binary parts into base64, with `header` in the place of that one. The header
        section as it is now.

        Raises ContentRefused if something other than a part is binary, SpoolUnavailable.
        """
        binary, made = self._spool, Spool(self._directory, room=self._room)
        try:
            await copy_recoded(await binary.content(header, self._header_size), made, Form.LINES)
        except CannotRecode as error:
            await made.close()
            raise ContentRefused(str(error)) from None
        except BaseException:
            await made.close()
            raise
        self._spool = made
        await binary.close()
        return await self.header()

    async def hash_bodies(self, forms: Collection[BodyForm]) -> Hashes:
        """Hashes of what follows the header. Raises SpoolUnavailable."""
        return await hashes_of(await self._spool.content(replaced=self._header_size), forms)

    async def prepare(self, head: bytes) -> PreparedMessage:
        """The whole message with `head` in the place of its header, ready for the store; there is only
        `close` then.

        Raises SpoolUnavailable.
        """
        return await prepare_content(await self._spool.last_content(head, self._header_size))

    async def close(self) -> None:
        """Let go of the octets; closing twice changes nothing."""
        await self._spool.close()
