"""New mail as listeners see it, from wherever it is known: the change log, or the outbox."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from mailkeep.notify.wire import TEXT_LIMIT
from mailkeep.storage.interface import Arrived, OutboxItem
from mailkeep_api.schemas.notifications import NewEmail


def key_of(user_id: UUID, email_id: UUID) -> str:
    """Under which the hub remembers that the user has heard of the message."""
    return f"{user_id}/{email_id}"


def of_arrived(arrived: Arrived) -> NewEmail:
    """As the change log tells it."""
    return _shown(arrived, arrived.received_at)


def of_item(item: OutboxItem) -> NewEmail:
    """As it waits in the outbox."""
    return _shown(item, item.created_at)


def _shown(told: Arrived | OutboxItem, received_at: datetime) -> NewEmail:
    return NewEmail.model_validate(
        {
            "id": told.email_id,
            "sender": told.from_address[:TEXT_LIMIT],
            "from_display": told.from_name[:TEXT_LIMIT] or None,
            "subject": told.subject[:TEXT_LIMIT],
            "received_at": received_at,
            "has_attachments": told.has_attachments,
        }
    )
