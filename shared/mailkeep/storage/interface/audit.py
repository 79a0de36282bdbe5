"""Who authenticated, how, from where, with what outcome. Part of the store's contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One authentication attempt."""

    at: datetime
    host: str  # smtp, pop3, imap, api
    mechanism: str
    address: str
    network: str
    outcome: str  # "success" or "failure"
    reason: str = ""
    user_id: UUID | None = None
    key_id: UUID | None = None
    session: str = ""  # of the connection, as its log lines have it; the request's id at the API


class Audit(Protocol):
    """Who authenticated, how, from where, with what outcome."""

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Write many at once."""

    async def list(self, limit: int, user_id: UUID | None = None) -> Sequence[AuditRecord]:
        """The newest `limit`, newest first."""

    async def page(
        self, limit: int, user_id: UUID | None = None, before: int | None = None
    ) -> Sequence[tuple[int, AuditRecord]]:
        """The newest `limit` with their numbers, newest first; with `before`, only those of lower numbers."""

    async def following(self, number: int, limit: int) -> Sequence[tuple[int, AuditRecord]]:
        """The first `limit` of higher numbers than this, oldest first."""

    async def prune(self, before: datetime, most: int) -> int:
        """Of the `most` oldest, forget those from before that moment: the number of them. What it costs does
        not grow with what stays."""
