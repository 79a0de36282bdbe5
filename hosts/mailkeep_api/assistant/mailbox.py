"""What an assistant can do with a mailbox, whoever keeps it, and how it is shown what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mailkeep_api.assistant import arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row of a list."""

    email_id: str
    sender: str
    sender_name: str
    subject: str
    received_at: datetime
    is_read: bool
    size: int
    folder: str
    labels: tuple[str, ...] = ()
    attachments: int | None = None
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first, and how many there are in all."""

    emails: Sequence[Item]
    total: int


@dataclass(frozen=True, slots=True)
class ShownFile:
    """An attachment, by name only."""

    name: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One message. `text` is its plain text, or what its HTML says."""

    email: Item
    to: Sequence[str]
    cc: Sequence[str]
    text: str
    is_cut_off: bool
    files: Sequence[ShownFile]


@dataclass(frozen=True, slots=True)
class Folder:
    """One mailbox. `use` is what it is for, "" if that is its owner's business."""

    name: str
    use: str
    messages: int
    unread: int


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """One label."""

    name: str
    color: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Taken for delivery: `delivered` are here, `queued` elsewhere. `refused` are the recipients that a
    connected account's server did not take while it took others, with its words."""

    message_id: str
    delivered: Sequence[str]
    queued: Sequence[str]
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a message lies now, and its id there; "" if a connected account's server does not say."""

    email_id: str
    folder: str


@dataclass(frozen=True, slots=True)
class Marked:
    """What a message is now."""

    email_id: str
    is_read: bool


class Mailbox(Protocol):
    """Each method is one tool. All raise NotFound for what is not the caller's, and other Refusals."""

    async def list_emails(self, asked: arguments.ListEmails) -> Page:
        """A piece of a folder."""

    async def search_emails(self, asked: arguments.SearchEmails) -> Page:
        """What fulfils all conditions."""

    async def read_email(self, asked: arguments.ReadEmail) -> Opened:
        """One message, which stays unread."""

    async def send_email(self, asked: arguments.SendEmail) -> Sent:
        """A new message."""

    async def reply_email(self, asked: arguments.ReplyEmail) -> Sent:
        """An answer, in the thread of its question."""

    async def forward_email(self, asked: arguments.ForwardEmail) -> Sent:
        """A message to somebody else, with its files."""

    async def delete_email(self, asked: arguments.DeleteEmail) -> Moved:
        """Into Trash."""

    async def mark_email_read(self, asked: arguments.MarkEmailRead) -> Marked:
        """Read or unread."""

    async def move_email(self, asked: arguments.MoveEmail) -> Moved:
        """Into another folder."""

    async def get_folders(self, asked: arguments.GetFolders) -> Sequence[Folder]:
        """All folders."""

    async def list_labels(self, asked: arguments.ListLabels) -> Sequence[ShownLabel]:
        """All labels."""
