"""One mail transaction: a reverse-path, recipients, and the octets that DATA brings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mailkeep.delivery.dispatch import Addressee
from mailkeep.delivery.submit import new_id
from mailkeep.errors import SpoolUnavailable, TooLarge
from mailkeep.model.address import Address
from mailkeep.model.queue import Envelope
from mailkeep.smtp.data import TEXT_LINE_LIMIT, DataReader, Defect
from mailkeep.smtp.errors import ContentRefused, Flooded
from mailkeep.smtp.parameters import MailParameters
from mailkeep.smtp.paths import ReversePath
from mailkeep.smtp.replies import Reply
from mailkeep_smtp.connection import Connection
from mailkeep_smtp.content import Content

if TYPE_CHECKING:
    from mailkeep_smtp.chunking import ChunkedMessage

FLOOD_FACTOR = 4  # how often the size limit is read before the connection is closed in the middle
MINIMUM_RATE = 1000  # octets a second over a whole message, beyond the data timeout


@dataclass(slots=True)
class Transaction:
    """`accepted` counts RCPT commands; `addressed` and `addressees` hold each address once, by its key.

    `chunked` is what BDAT has brought in `chunks` of `offered` octets together; `failure` is the reply to the
    first chunk that was refused, after which no other can save the message.
    """

    reverse_path: ReversePath
    parameters: MailParameters
    hold_until: datetime | None = None
    id: str = field(default_factory=new_id)
    accepted: int = 0
    addressed: dict[str, Address] = field(default_factory=dict)
    addressees: dict[str, Addressee] = field(default_factory=dict)
    chunked: ChunkedMessage | None = None
    chunks: int = 0
    offered: int = 0
    failure: Reply | None = None

    def add(self, addressed: Address, addressees: Iterable[Addressee]) -> None:
        """One accepted recipient, and where its mail goes."""
        self.accepted += 1
        self.addressed[addressed.key] = addressed
        for one in addressees:
            self.addressees[one.address.key] = one

    @property
    def leaves(self) -> bool:
        """Whether the message has recipients elsewhere."""
        return any(not one.is_local for one in self.addressees.values())

    def may_leave(self, addressees: Iterable[Addressee]) -> bool:
        """Whether these recipients can be added: what leaves for others names the one alias that led
        there."""
        everybody = (*self.addressees.values(), *addressees)
        return len({one.alias and one.alias.key for one in everybody if not one.is_local}) <= 1

    def offer(self, size: int, max_size: int) -> None:
        """One more BDAT, of `size` octets. Raises Flooded past what is worth being thrown away."""
        self.chunks += 1
        self.offered += size
        if self.offered > FLOOD_FACTOR * max_size:
            raise Flooded(f"The message is far larger than {max_size} octets.")

    async def fail(self, failure: Reply) -> None:
        """The message is lost: let go of its octets, and keep what to say."""
        self.failure = failure
        await self.close()

    async def close(self) -> None:
        """Nothing of what BDAT has brought stays. Closing twice changes nothing."""
        if self.chunked is not None:
            await self.chunked.content.close()

    @property
    def is_binary(self) -> bool:
        """True if parts of the message need not be lines (RFC 3030 section 3)."""
        return self.parameters.body == "BINARYMIME"

    @property
    def envelope(self) -> Envelope:
        """What goes on with the message."""
        parameters = self.parameters
        return Envelope(
            sender=self.reverse_path.address,
            smtputf8=parameters.smtputf8,
            requiretls=parameters.requiretls,
            ret=parameters.ret,
            envid=parameters.envid,
        )

    @property
    def only_recipient(self) -> Address | None:
        """The recipient if there is just one."""
        return next(iter(self.addressed.values())) if len(self.addressed) == 1 else None


async def receive(connection: Connection, content: Content) -> int:
    """Read DATA into `content` up to its end and return the message's size in octets.

    The end is always read, whatever is wrong before it: the client listens only there. Raises TooLarge,
    ContentRefused, SpoolUnavailable, Disconnected, Ending.
    """
    settings = connection.services.settings
    reader = DataReader(settings.max_message_size)
    began = connection.loop.time()
    failure: SpoolUnavailable | None = None
    while not reader.finished:
        if not connection.inlet.has_octets:
            elapsed = connection.loop.time() - began
            allowance = settings.data_timeout_seconds + reader.size / MINIMUM_RATE - elapsed
            connection.set_deadline(min(allowance, settings.data_timeout_seconds))
            await connection.wait()
        octets = reader.feed(connection.inlet.take_octets())
        if reader.size > FLOOD_FACTOR * settings.max_message_size:
            raise Flooded(f"The message is far larger than {settings.max_message_size} octets.")
        if reader.defects is not Defect.NONE or failure:
            await content.close()  # nothing of it is wanted any more
            continue
        try:
            await content.append(octets)
        except SpoolUnavailable as error:
            failure = error
    connection.inlet.give_back(reader.trailing)
    if failure is not None:
        raise failure
    refuse_defects(reader.defects, settings.max_message_size)
    return reader.size


def refuse_defects(defects: Defect, max_size: int) -> None:
    """Raises TooLarge or ContentRefused if there is a defect."""
    if defects is Defect.NONE:
        return
    if Defect.TOO_LARGE in defects:
        raise TooLarge(f"The message is larger than {max_size} octets.")
    if defects & (Defect.BARE_CR | Defect.BARE_LF):
        raise ContentRefused(
            "The message holds CR or LF on its own; lines end in CRLF (RFC 5321 section 2.3.8)."
        )
    if Defect.NUL in defects:
        raise ContentRefused("The message holds a NUL octet.")
    if Defect.LINE_TOO_LONG in defects:
        raise ContentRefused(f"The message holds a line of more than {TEXT_LINE_LIMIT} octets.")
