"""Annotations of mailboxes and of the server (RFC 5464). Part of the store's contract."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from mailkeep.model.annotations import Depth

SERVER = 0
"""In a mailbox id's place: the server as a whole."""


class Annotations(Protocol):
    """Entries with values, by mailbox. Names are normal ones, see mailkeep.model.annotations.

    Who may see or change a mailbox's is for the caller to know. They go with their mailbox, whatever it is
    called, and die with it; renaming INBOX copies its own to the new mailbox (RFC 5464 section 4.1).
    """

    async def get(
        self, account_id: int, mailbox_ids: Collection[int], names: Collection[str], depth: Depth = Depth.NAME
    ) -> Mapping[int, Mapping[str, bytes]]:
        """What that account sees of these entries: its own private ones and the shared ones. Mailboxes that
        have none of them are left out."""

    async def set(self, account_id: int, mailbox_id: int, values: Mapping[str, bytes | None]) -> None:
        """All of them or none; None removes. Raises MailboxNotFound, AnnotationTooLarge and
        TooManyAnnotations, which also tells of values that are too much together."""
