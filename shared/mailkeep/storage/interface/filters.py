"""Filters of users. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from mailkeep.model.mail_filter import MailFilter

FilterChange = str | int | bool | UUID | None


class Filters(Protocol):
    """What happens to mail as it is delivered. `Committer.deliver` asks the recipients' filters within its
    own transaction, and counts which of them acted."""

    async def list(self, user_id: UUID) -> Sequence[MailFilter]:
        """By priority, then by name."""

    async def get(self, user_id: UUID, filter_id: UUID) -> MailFilter:
        """Raises NotFound, also for what is another's."""

    async def add(self, user_id: UUID, name: str, changes: Mapping[str, FilterChange]) -> MailFilter:
        """A new filter: enabled, priority 100, no condition and no action but for what `changes` says of its
        columns. Raises NotFound for a label that is not the user's, OverQuota past FILTERS_LIMIT."""

    async def change(self, user_id: UUID, filter_id: UUID, changes: Mapping[str, FilterChange]) -> MailFilter:
        """Set columns: name, enabled, priority, sender, subject, body, has_attachments, mark_read, label_id,
        discard. Raises NotFound, also for a label that is not the user's."""

    async def remove(self, user_id: UUID, filter_id: UUID) -> None:
        """Raises NotFound."""
