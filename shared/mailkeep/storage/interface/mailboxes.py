"""The tree of mailboxes. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailkeep.model.mailbox import Mailbox, SpecialUse


class Mailboxes(Protocol):
    """The tree of mailboxes of one account at a time. Names are Unicode, "/" between the parts."""

    async def list(self, account_id: int) -> Sequence[Mailbox]:
        """All mailboxes of an account with their counters, INBOX first, then by name."""

    async def get(self, account_id: int, name: str) -> Mailbox:
        """One mailbox; INBOX in any case. Raises MailboxNotFound."""

    async def deleted_size(self, mailbox_id: int) -> int:
        """Octets of the messages that are marked \\Deleted; 0 for a mailbox that is gone."""

    async def create(self, account_id: int, name: str, special_use: SpecialUse | None = None) -> Mailbox:
        """Create it and the parents that are missing; none of them is subscribed. Raises AlreadyExists,
        InvalidName, and OverQuota past the number of mailboxes that an account may hold."""

    async def delete(self, account_id: int, name: str) -> None:
        """Delete it with its messages. With children it stays as a name that cannot be selected
        (RFC 9051 section 6.3.5), until the last of them is gone. Raises MailboxNotFound, PermissionRefused
        for INBOX, InUse if it is such a name already."""

    async def rename(self, account_id: int, name: str, new_name: str) -> None:
        """Rename it and what lies below. Renaming INBOX moves its messages into a new mailbox and leaves
        INBOX empty (RFC 9051 section 6.3.6). Raises MailboxNotFound, AlreadyExists, InvalidName."""

    async def subscribe(self, account_id: int, name: str) -> None:
        """Remember the name as subscribed; it need not exist (RFC 9051 section 6.3.7)."""

    async def unsubscribe(self, account_id: int, name: str) -> None:
        """Forget a subscription; forgetting what is not there is no error."""

    async def subscriptions(self, account_id: int) -> Sequence[str]:
        """Subscribed names, existing or not, sorted."""
