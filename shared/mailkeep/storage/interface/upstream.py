"""Accounts elsewhere: their configuration, and what was fetched from them. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from mailkeep.model.flags import Flags
from mailkeep.model.upstream import FetchedMessage, FolderPosition, UpstreamRecord


class Upstreams(Protocol):
    """Who syncs an account holds the lock `upstream:<id>` meanwhile; the store does not ask for it."""

    async def add(self, user_id: UUID, name: str, config: str) -> UpstreamRecord:
        """Raises AlreadyExists if the user has an account of that name."""

    async def list(self, user_id: UUID | None = None) -> Sequence[UpstreamRecord]:
        """Of one user, or of all, by name."""

    async def remove(self, account_id: UUID) -> None:
        """Forget it and what was fetched from where; the messages here stay. Raises NotFound."""

    async def note(self, account_id: UUID, state: str, said: str, synced_at: datetime | None = None) -> None:
        """How the last attempt ended; `synced_at` if it came to its end. A new state is named on the feed."""

    async def folder(self, account_id: UUID, name: str, uidvalidity: int) -> tuple[FolderPosition, int]:
        """The position in a folder, made if it is new, and the UIDVALIDITY that it had before: 0 if it is
        new. If that differs, nothing that is known of its UIDs holds any more: see `renumber`."""

    async def fetched(self, folder_id: int) -> Sequence[FetchedMessage]:
        """All that was fetched from a folder, by remote UID."""

    async def renumber(self, folder_id: int, uidvalidity: int, uids: Mapping[int, int]) -> None:
        """The folder has a new UIDVALIDITY: what had the UIDs on the left has those on the right, and of the
        rest it is forgotten that it was fetched. Modseqs begin anew. All or nothing."""

    async def settle(
        self,
        folder_id: int,
        flags: Mapping[int, Flags],
        gone: Collection[int],
        remote_modseq: int,
        local_modseq: int,
    ) -> None:
        """The end of a sync: flags that both sides have now, by remote UID, UIDs that are gone elsewhere, and
        how far both sides were read."""
