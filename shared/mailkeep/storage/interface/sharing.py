"""Mailboxes that users share with each other (RFC 4314). Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mailkeep.model.address import Address
from mailkeep.model.mailbox import Mailbox
from mailkeep.model.rights import Rights, RightsChange


@dataclass(frozen=True, slots=True)
class Grant:
    """What one identifier may do: a user's primary address, or `anyone`."""

    identifier: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class SharedMailbox:
    """Somebody else's mailbox. `owner` is their primary address, `mailbox.name` what they call it."""

    owner: str
    mailbox: Mailbox
    rights: Rights


class Sharing(Protocol):
    """The owner of a mailbox has every right in it, always; grants are what others have.

    A mailbox is shared with users who have an address in one of its owner's domains, one by one or all of
    them; who has none any more has no rights there, whatever the grants say. One that is made below a shared
    one begins with its grants. Each change names the mailbox on the feed
    (TopicKind.ACCESS), and whom it concerns (TopicKind.SHARED).
    """

    async def grants(self, mailbox_id: int) -> tuple[str, Sequence[Grant]]:
        """(the owner's primary address, grants by identifier). Raises MailboxNotFound."""

    async def change(self, mailbox_id: int, grantee: Address | None, change: RightsChange) -> None:
        """Change what a user may do, or (None) every user of the owner's domains; no rights are no grant.
        Raises MailboxNotFound, NotFound for who is no user there, PermissionRefused for taking something from
        the owner, OverQuota past the number of grants that a mailbox may have."""

    async def rights(self, mailbox_id: int, account_id: int) -> Rights:
        """What an account may do there: all of it in its own. None in a mailbox that is gone."""

    async def shared_with(self, account_id: int) -> Sequence[SharedMailbox]:
        """Mailboxes of others that the account may see in its list, by owner and name."""

    async def find(self, account_id: int, owner: Address, name: str) -> SharedMailbox:
        """One mailbox of another user, by their primary address. Raises MailboxNotFound, also if the account
        may not know of it."""
