"""Accounts elsewhere as the store knows them: configuration and positions, and never a secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mailkeep.model.flags import NO_FLAGS, Flags


@dataclass(frozen=True, slots=True)
class UpstreamRecord:
    """One account elsewhere. `config` is a JSON object that upstream/settings.py reads; `state` is "" while
    nothing is wrong, else the code of the last error, with its sentence in `said`."""

    id: UUID
    user_id: UUID
    name: str
    config: str
    created_at: datetime
    last_sync_at: datetime | None = None
    state: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class FolderPosition:
    """How far a folder elsewhere has been read: modseqs are 0 until a sync came to its end.

    `remote_modseq` is the server's HIGHESTMODSEQ, `local_modseq` that of the mailbox here.
    """

    id: int
    uidvalidity: int
    remote_modseq: int = 0
    local_modseq: int = 0


@dataclass(frozen=True, slots=True)
class FetchedFrom:
    """Where a delivered message was fetched: written in the transaction that delivers it."""

    folder_id: int
    uid: int
    flags: Flags = NO_FLAGS


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """A message elsewhere and its entry here. `flags` are those that both sides had at the last sync."""

    remote_uid: int
    mailbox_id: int
    uid: int
    flags: Flags
