"""The audit log as a user sees their own part of it."""

from __future__ import annotations

from uuid import UUID

from mailkeep.storage.interface import AuditRecord
from mailkeep_api.schemas import Instant, Shape

LARGEST_NUMBER = 2**63 - 1  # what a BIGINT holds


class Attempt(Shape):
    """One login, or an attempt; `reason` says why it failed."""

    id: int
    at: Instant
    host: str
    mechanism: str
    address: str
    network: str
    outcome: str
    reason: str
    key_id: UUID | None

    @classmethod
    def of(cls, number: int, record: AuditRecord) -> Attempt:
        """A row of the log."""
        return cls(
            id=number,
            at=record.at,
            host=record.host,
            mechanism=record.mechanism,
            address=record.address,
            network=record.network,
            outcome=record.outcome,
            reason=record.reason,
            key_id=record.key_id,
        )


class Attempts(Shape):
    """A page."""

    items: list[Attempt]
    next: int | None
