"""Notifications as the API's internal channel takes them. Pure: rows in, JSON out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from mailkeep.storage.interface import OutboxItem

TEXT_LIMIT = 2000  # characters of a subject, a name or an address in a notification
BATCH_LIMIT = 500  # notifications in one request
BATCH_PATH = "/api/internal/notifications/new-emails"


def encode_batch(items: Sequence[OutboxItem], traceparents: Sequence[str]) -> bytes:
    """The JSON body for a batch; each notification carries its outbox id, so that it may be repeated, and its
    traceparent on this way."""
    told = [_notification(item, trace) for item, trace in zip(items, traceparents, strict=True)]
    return msgspec.json.encode({"notifications": told})


def _notification(item: OutboxItem, traceparent: str) -> dict[str, object]:
    return {
        "notificationId": item.id,
        "userIds": [item.user_id],
        "mailId": item.origin.mail_id,
        "traceparent": traceparent,
        "email": {
            "id": item.email_id,
            "from": item.from_address[:TEXT_LIMIT],
            "fromDisplay": item.from_name[:TEXT_LIMIT] or None,
            "subject": item.subject[:TEXT_LIMIT],
            "receivedAt": item.created_at,
            "hasAttachments": item.has_attachments,
        },
    }
