"""Secrets that sign URLs into mailboxes (RFC 4467). Part of the store's contract."""

from __future__ import annotations

from typing import Protocol


class UrlSecrets(Protocol):
    """One secret a mailbox, the "mailbox access key" of the RFC. It dies with its mailbox."""

    async def ensure(self, mailbox_id: int) -> bytes:
        """The secret, made if there is none: 32 random octets. Raises MailboxNotFound."""

    async def find(self, mailbox_id: int) -> bytes | None:
        """The secret, if there is one."""

    async def reset(self, mailbox_id: int) -> None:
        """Forget the secret: no URL that it has signed is good any more."""

    async def reset_all(self, account_id: int) -> None:
        """Forget those of all mailboxes of an account."""
