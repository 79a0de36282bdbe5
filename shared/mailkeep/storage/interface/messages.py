"""Reading messages: snapshots, rows, octets. Part of the store's contract."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mailkeep.model.message import SentSizes
from mailkeep.model.uids import UidSet
from mailkeep.storage.snapshot import Snapshot


class Column(StrEnum):
    """What can be read of a message row, with the Python type that a row holds for it."""

    EMAIL_ID = "email_id"  # UUID
    ENVELOPE = "envelope"  # bytes, ready for the wire
    BODY = "body"  # bytes, ready for the wire
    BODY_STRUCTURE = "body_structure"  # bytes, ready for the wire
    PARTS = "parts"  # bytes, see mailkeep.mime.parts
    HEADER = "header"  # bytes: the first HEADER_KEPT octets of the header section at most
    SUMMARY = "summary"  # MessageSummary


@dataclass(frozen=True, slots=True)
class JoinedHeaders:
    """What HEADER is of several messages, in the order of their ids, with a NUL between each and the next.
    One that itself holds NUL octets comes alone."""

    ids: Sequence[int]
    octets: bytes = field(repr=False)

    def sections(self) -> Sequence[bytes]:
        """That of each."""
        return self.octets.split(b"\0") if len(self.ids) > 1 else [self.octets] * len(self.ids)


class Body(Protocol):
    """The octets of one message, random access. Cheap to make; holds no connection between calls."""

    @property
    def size(self) -> int:
        """RFC822.SIZE."""

    async def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Octets [offset, offset + length), cut at the end. None reads to the end."""

    def chunks(self, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """The same in pieces of at most 256 KiB, for streaming."""


class KeptBody(Body, Protocol):
    """One that the store keeps, perhaps in part outside of the database."""

    async def reach(self, offset: int = 0, length: int | None = None) -> None:
        """Raises now what reading these octets would raise where something outside of the database cannot be
        had: for whoever must say yes or no before the first octet. Reads one piece at most, and keeps it."""


class Messages(Protocol):
    """Reading. Entries come from the snapshot; message rows come by message id."""

    async def snapshot(self, mailbox_id: int) -> Snapshot:
        """The process-wide snapshot of a mailbox, up to date at the time of the call, shared by all who
        ask. It moves forward by the feed while anybody holds it. Raises MailboxNotFound."""

    async def refresh(self, snapshot: Snapshot) -> None:
        """Move a snapshot forward to the database's present state. Raises MailboxNotFound if deleted."""

    def rows(
        self, message_ids: Sequence[int], columns: Sequence[Column]
    ) -> AsyncIterator[Sequence[tuple[Any, ...]]]:
        """Rows of (message_id, *columns) in batches, in the order of `message_ids`; ids that are gone are
        left out. No batch holds more than about 1 MiB or 1,000 rows, so the caller's backpressure works."""

    def headers(self, message_ids: Sequence[int]) -> AsyncIterator[JoinedHeaders]:
        """The HEADER of each message, for who looks through many: in any order, without those that are gone,
        and perhaps with some between them that nobody asked for. As large at a time as `rows`."""

    async def save_dates(self, mailbox_id: int, uids: Sequence[int]) -> Mapping[int, int]:
        """When those entries came into this mailbox, in Unix seconds by UID (RFC 8514); UIDs that are not
        there are left out."""

    async def sent_sizes(self, mailbox_id: int) -> Mapping[int, SentSizes]:
        """By message id, those of a mailbox's messages that are sent with other octets than they are kept
        with. Few or none."""

    async def vanished(self, mailbox_id: int, since: int, through: int) -> UidSet | None:
        """UIDs that were removed with modseqs in (since, through] (RFC 7162 section 3.2.6); None if that
        is not known, or is more than is worth reading: then all that is not there counts as removed."""

    async def body(self, message_id: int) -> KeptBody:
        """The octets of one message. Raises NotFound."""

    def bodies(
        self, message_ids: Sequence[int], sizes: Sequence[int] | None = None
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Whole messages in order, without those that are gone. Who knows their sizes saves a query."""

    def body_batches(
        self, message_ids: Sequence[int], sizes: Sequence[int] | None = None
    ) -> AsyncGenerator[Sequence[tuple[int, bytes]], None]:
        """The same, a quarter of a MiB at a time or one message, and never none. Two times a MiB of messages
        are read ahead, as they are stored. Close it if you leave early."""
