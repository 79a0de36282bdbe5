"""Labels of users. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from mailkeep.model.label import Label


class Labels(Protocol):
    """The names of keywords; which messages carry them is told by their entries."""

    async def list(self, user_id: UUID) -> Sequence[Label]:
        """By sort order, then by name."""

    async def get(self, user_id: UUID, label_id: UUID) -> Label:
        """Raises NotFound, also for what is another's."""

    async def add(self, user_id: UUID, name: str, color: str, sort_order: int, keyword: str) -> Label:
        """A new label. Its keyword is the given one, with an A or several behind it while others of the
        user's have it. Raises AlreadyExists for a name that the user has, OverQuota past LABELS_LIMIT."""

    async def change(
        self,
        user_id: UUID,
        label_id: UUID,
        name: str | None = None,
        color: str | None = None,
        sort_order: int | None = None,
    ) -> Label:
        """What is None stays. Raises NotFound, AlreadyExists."""

    async def remove(self, user_id: UUID, label_id: UUID) -> None:
        """Forget it; filters that assigned it assign none. Messages keep the keyword. Raises NotFound."""
