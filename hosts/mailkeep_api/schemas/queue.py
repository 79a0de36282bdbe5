"""The queue as operators see it."""

from __future__ import annotations

from collections.abc import Sequence

from mailkeep.model.queue import QueueEntry, QueueStatus
from mailkeep_api.schemas import Instant, Shape


class QueuedRecipient(Shape):
    """One recipient that a message waits for. `sender` is "" for a report (RFC 5321 section 4.5.5)."""

    id: str
    message_id: str
    state: str
    sender: str
    recipient: str
    attempts: int
    size_bytes: int
    created_at: Instant
    next_attempt_at: Instant | None
    expires_at: Instant
    last_reply: str

    @classmethod
    def of(cls, entry: QueueEntry) -> QueuedRecipient:
        """A row of the queue."""
        return cls(
            id=entry.id,
            message_id=entry.message_id,
            state=entry.state.value,
            sender=entry.sender,
            recipient=entry.recipient,
            attempts=entry.attempts,
            size_bytes=entry.size,
            created_at=entry.created_at,
            next_attempt_at=entry.next_attempt_at,
            expires_at=entry.expires_at,
            last_reply=entry.last.reply,
        )


class QueueList(Shape):
    """A page of what waits, and how much there is of all."""

    items: list[QueuedRecipient]
    next: str | None
    waiting: int
    sending: int
    held: int
    oldest_at: Instant | None

    @classmethod
    def of(cls, entries: Sequence[QueueEntry], limit: int, status: QueueStatus) -> QueueList:
        """A page of at most `limit`."""
        return cls(
            items=[QueuedRecipient.of(entry) for entry in entries],
            next=entries[-1].id if len(entries) == limit else None,
            waiting=status.waiting,
            sending=status.sending,
            held=status.held,
            oldest_at=status.oldest_at,
        )
