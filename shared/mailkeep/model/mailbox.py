"""Mailboxes as values: a name, the numbers that IMAP promises about it, and its counters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HIERARCHY_DELIMITER = "/"
MAILBOX_NAME_LIMIT = 255  # characters of the whole path
MAILBOX_DEPTH_LIMIT = 16
INBOX = "INBOX"  # RFC 9051 section 5.1: this spelling, any case from the client


class SpecialUse(StrEnum):
    """RFC 6154 section 2, those that every account has. Stored: never rename."""

    DRAFTS = "drafts"
    SENT = "sent"
    JUNK = "junk"
    TRASH = "trash"
    ARCHIVE = "archive"


DEFAULT_MAILBOXES: tuple[tuple[str, SpecialUse | None], ...] = (
    (INBOX, None),
    ("Drafts", SpecialUse.DRAFTS),
    ("Sent", SpecialUse.SENT),
    ("Junk", SpecialUse.JUNK),
    ("Trash", SpecialUse.TRASH),
    ("Archive", SpecialUse.ARCHIVE),
)
"""Made together with every account, claimed or not."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox as last read. `name` is the full path in Unicode, parts joined by "/".

    The counters are exact at `highestmodseq`; `size` is the sum of RFC822.SIZE in octets.
    """

    id: int
    account_id: int
    name: str
    uidvalidity: int
    uidnext: int
    highestmodseq: int
    object_id: str
    special_use: SpecialUse | None = None
    subscribed: bool = True
    selectable: bool = True
    messages: int = 0
    unseen: int = 0
    deleted: int = 0
    size: int = 0
