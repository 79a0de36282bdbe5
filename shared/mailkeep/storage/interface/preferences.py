"""What users prefer. Part of the store's contract."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from mailkeep.model.preferences import Preferences


class PreferenceStore(Protocol):
    """One row a user, made by the first change."""

    async def get(self, user_id: UUID) -> Preferences:
        """The user's, or the defaults with the zero id."""

    async def change(self, user_id: UUID, **changes: str | int | bool) -> Preferences:
        """Set some of the fields by their names and leave the others. Whoever changes others at the same
        time loses nothing. Raises NotFound if there is no such user."""
