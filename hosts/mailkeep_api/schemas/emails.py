"""Messages as lists show them and as a reader opens them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from mailkeep.model.flags import SystemFlag
from mailkeep.storage.interface import EmailRow
from mailkeep_api.schemas import Flag, Instant, Shape

LabelIds = Mapping[str, UUID]
"""A user's labels by their keywords in lower case, in the order in which they are shown."""

BULK_LIMIT = 200  # messages that one request changes: fewer than the events that a stream may lag behind
_SEEN = int(SystemFlag.SEEN)  # as a number: an enumeration's own & takes twenty times as long


class RecipientType(StrEnum):
    """Which header field names the recipient. Bcc is never shown to anybody."""

    TO = "To"
    CC = "Cc"


class EmailRecipient(Shape):
    """One addressee out of the message's header."""

    id: UUID
    address: str
    display_name: str | None
    type: RecipientType


class EmailAttachment(Shape):
    """One part that is offered as a file."""

    id: UUID
    file_name: str
    content_type: str
    size_bytes: int


class EmailListItem(Shape):
    """One row of a list."""

    id: UUID
    message_id: str
    from_address: str
    from_display_name: str | None
    subject: str
    received_at: Instant
    size_bytes: int
    is_read: bool
    label_ids: list[UUID]
    thread_id: UUID
    attachment_count: int
    preview: str

    @classmethod
    def of(cls, row: EmailRow, labels: LabelIds) -> EmailListItem:
        """The list item of a stored row."""
        return cls(**item_fields(row, labels))


class EmailList(Shape):
    """A page of a list. `unread_count` is the whole mailbox's, not the page's."""

    items: list[EmailListItem]
    total_count: int
    unread_count: int
    page: int
    page_size: int


class EmailDetail(Shape):
    """One message, opened."""

    id: UUID
    message_id: str
    from_address: str
    from_display_name: str | None
    subject: str
    text_body: str | None
    html_body: str | None
    received_at: Instant
    size_bytes: int
    is_read: bool
    label_ids: list[UUID]
    thread_id: UUID
    recipients: list[EmailRecipient]
    attachments: list[EmailAttachment]


class EmailChange(Shape):
    """What PATCH changes; what is absent or null stays."""

    is_read: Flag | None = None


EmailIds = Annotated[list[UUID], Field(max_length=BULK_LIMIT)]


class BulkRead(Shape):
    """Many messages to mark. Ids that are not the caller's are passed over."""

    email_ids: EmailIds
    is_read: Flag | None = None


class BulkDeletion(Shape):
    """Many messages to delete. Ids that are not the caller's are passed over."""

    email_ids: EmailIds


class Deleted(Shape):
    """How many messages a bulk deletion removed."""

    deleted_count: int


def item_fields(row: EmailRow, labels: LabelIds) -> dict[str, Any]:
    """All of a list item. `preview` is the beginning of its text."""
    return list_fields(row, labels) | {"attachment_count": row.attachment_count, "preview": row.preview}


def list_fields(row: EmailRow, labels: LabelIds) -> dict[str, Any]:
    """What a list item and an opened message have in common."""
    return {
        "id": row.email_id,
        "message_id": row.header_message_id,
        "from_address": row.from_address,
        "from_display_name": row.from_name or None,
        "subject": row.subject,
        "received_at": row.received_at,
        "size_bytes": row.size,
        "is_read": is_read(row),
        "thread_id": row.thread_id,
        "label_ids": label_ids(row, labels),
    }


def is_read(row: EmailRow) -> bool:
    """Seen, in the words of mail."""
    return bool(int(row.flags.system) & _SEEN)


def label_ids(row: EmailRow, labels: LabelIds) -> list[UUID]:
    """The user's labels among the keywords."""
    words = {word.lower() for word in row.flags.keywords}
    return [id for keyword, id in labels.items() if keyword in words] if words else []
