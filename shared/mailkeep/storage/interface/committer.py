"""Writing messages, and what a write answers. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mailkeep.model.flags import EVERY_FLAG, FlagAction, FlagMask, Flags
from mailkeep.model.message import Delivered, Delivery, NewMessage
from mailkeep.model.uids import UidSet


@dataclass(frozen=True, slots=True)
class Appended:
    """Result of append and copy: the APPENDUID / COPYUID facts (RFC 4315). Pairs are in source order."""

    mailbox_id: int
    uidvalidity: int
    uids: tuple[int, ...]
    source_uids: tuple[int, ...] = ()
    highestmodseq: int = 0


@dataclass(frozen=True, slots=True)
class FlagsStored:
    """Result of store_flags: `changed` have `modseq` now; `modified` were left alone because they had
    changed since (RFC 7162 section 3.1.3)."""

    modseq: int
    changed: UidSet
    modified: UidSet


@dataclass(frozen=True, slots=True)
class Expunged:
    """Result of expunge and move."""

    modseq: int
    uids: UidSet


class Committer(Protocol):
    """Every write of mail in this process goes through here, and shares transactions with its neighbours.

    Cancelling the caller does not cancel the write: it is committed or not, and nobody hears.
    """

    async def deliver(self, delivery: Delivery) -> Sequence[Delivered]:
        """Store one message for all targets, with an outbox row for each claimed account. Accounts for
        unclaimed addresses are made within the same transaction. What comes from others into an INBOX goes
        through its owner's filters, see Filters. Raises StoreUnavailable."""

    async def deliver_all(self, deliveries: Sequence[Delivery]) -> Sequence[Sequence[Delivered]]:
        """As `deliver`, in one transaction: for many small ones it costs much less. All or none, unless a
        filter looks at what they say: then one by one. Raises StoreUnavailable."""

    async def append(
        self, mailbox_id: int, messages: Sequence[NewMessage], name: str | None = None
    ) -> Appended:
        """All of them or none, with ascending UIDs. Raises MailboxNotFound, also if the mailbox is not called
        `name`, and OverQuota."""

    async def replace(
        self, source_id: int, uid: int, target_id: int, message: NewMessage
    ) -> tuple[Appended, Expunged]:
        """Append a message to one mailbox and remove an entry of the same or another, in one transaction; of
        the account's quota only the difference counts (RFC 8508). Raises MailboxNotFound, NotFound if there
        is no such entry, OverQuota."""

    async def store_flags(
        self,
        mailbox_id: int,
        uids: UidSet,
        action: FlagAction,
        flags: Flags,
        unchanged_since: int | None = None,
        *,
        within: FlagMask = EVERY_FLAG,
    ) -> FlagsStored:
        """Change flags, none but those of `within`. UIDs that are not there are ignored. Messages that have
        them so already keep their modseq. Raises MailboxNotFound, InvalidName past the keyword limit."""

    async def expunge(self, mailbox_id: int, uids: UidSet | None, only_deleted: bool = True) -> Expunged:
        """Remove entries: all of them (None) or those of `uids`; with `only_deleted` just those with
        \\Deleted. Raises MailboxNotFound."""

    async def copy(
        self, source_id: int, uids: UidSet, target_id: int, kept: FlagMask = EVERY_FLAG
    ) -> Appended:
        """Copy entries with internal dates and those flags that are `kept`, in UID order. Raises
        MailboxNotFound, OverQuota."""

    async def move(
        self, source_id: int, uids: UidSet, target_id: int, kept: FlagMask = EVERY_FLAG
    ) -> tuple[Appended, Expunged]:
        """Copy and remove in one transaction (RFC 6851). Raises MailboxNotFound, and OverQuota between
        accounts."""
