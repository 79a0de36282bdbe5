"""A message on its way into the store, and the parts of it that are read back.

A message's octets are `header + body` as two pieces: `header` is the header section with its blank
line (cut at HEADER_KEPT octets if it is larger; the rest then opens `body`). So header fields are
served without touching the blob, trace headers differ per delivery while equal bodies are stored once,
and the concatenation is always exactly what was received.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from mailkeep.model.address import Address
from mailkeep.model.flags import NO_FLAGS, Flags
from mailkeep.model.mailbox import INBOX
from mailkeep.model.queue import Outbound, Settlement
from mailkeep.model.upstream import FetchedFrom

HEADER_KEPT = 64 * 1024  # octets of header kept in the message row
PREVIEW_LIMIT = 200  # characters, RFC 8970 section 3.1


@dataclass(frozen=True, slots=True)
class MessageSummary:
    """What lists show and threads need: decoded text, no wire form. Missing fields are ""."""

    subject: str = ""
    base_subject: str = ""  # RFC 5256 section 2.1
    from_address: str = ""
    from_name: str = ""
    message_id: str = ""  # without angle brackets
    references: tuple[str, ...] = ()  # References, else In-Reply-To; oldest first; without angle brackets
    sent_at: datetime | None = None  # from Date:, aware; None if absent or out of range
    attachment_count: int = 0
    preview: str = ""


@dataclass(frozen=True, slots=True)
class PreparedMessage:
    """Octets with everything that is rendered once, at delivery.

    `envelope`, `body` and `body_structure` are IMAP's ENVELOPE, BODY and BODYSTRUCTURE values as ready
    bytes (RFC 9051 section 7.5.2); `parts` is the packed part index of `mailkeep.mime.parts`.
    `content` is the rest of the octets: bytes for an ordinary message, a spool for a large one.
    """

    header: bytes = field(repr=False)
    content: bytes | SpooledContent = field(repr=False)
    size: int  # octets of header + content: RFC822.SIZE
    envelope: bytes = field(repr=False)
    body: bytes = field(repr=False)
    body_structure: bytes = field(repr=False)
    parts: bytes = field(repr=False)
    summary: MessageSummary = MessageSummary()
    sent_sizes: SentSizes | None = None
    packed: PackedBlob | None = field(default=None, repr=False)  # `content` as the store keeps it, if made


@dataclass(frozen=True, slots=True)
class SentSizes:
    """Octets of a message where they are not its size: `whole` with a CRLF after its last line, `downgraded`
    with header sections in ASCII besides (RFC 6858)."""

    whole: int
    downgraded: int


@dataclass(frozen=True, slots=True)
class PackedBlob:
    """Content ready to be stored: `digest` is the SHA-256 of its `size` octets, `chunks` are compressed."""

    digest: bytes
    size: int
    chunks: tuple[bytes, ...] = field(repr=False)

    @property
    def weight(self) -> int:
        """Octets that it takes in memory and in the database."""
        return sum(map(len, self.chunks))


@dataclass(frozen=True, slots=True)
class SpooledContent:
    """Content that lies in a temporary file: octets [offset, offset + size) of `path`.

    The file belongs to whoever made it, who removes it after the commit has been answered.
    """

    path: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A prepared message with the attributes that its first entry gets."""

    message: PreparedMessage
    internal_date: datetime
    flags: Flags = NO_FLAGS


@dataclass(frozen=True, slots=True)
class DeliveryTarget:
    """One recipient: where the entry goes. An address that no account has yet gets one in the commit.

    `is_news` is False for what its owner put there: a copy of what was sent.
    """

    address: Address
    mailbox: str = INBOX
    flags: Flags = NO_FLAGS
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Origin:
    """By what a message can be followed: the id that its sender was told, and the trace that it came in (W3C
    Trace Context), each "" if there is none."""

    mail_id: str = ""
    traceparent: str = ""


NO_ORIGIN = Origin()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A whole SMTP transaction's worth: all of it is committed, or none.

    `targets` stay here, `outbound` goes into the queue. `settles` are queue recipients whose fate this
    message reports: if one of them is not under its lease any more, nothing is committed. `fetched` is where
    it was read of an account elsewhere; then it has one target.
    """

    message: PreparedMessage
    targets: tuple[DeliveryTarget, ...]
    received_at: datetime
    outbound: Outbound | None = None
    settles: tuple[Settlement, ...] = ()
    fetched: FetchedFrom | None = None
    origin: Origin = NO_ORIGIN


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one target."""

    target: DeliveryTarget
    account_id: int
    user_id: UUID | None
    mailbox_id: int
    uid: int
    email_id: UUID
