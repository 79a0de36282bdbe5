"""What hosts tell the API, and what the API tells its listeners, of new mail."""

from __future__ import annotations

from uuid import UUID

from pydantic import AliasChoices, Field

from mailkeep.notify.wire import BATCH_LIMIT, TEXT_LIMIT
from mailkeep_api.schemas import Instant, Shape

USERS_LIMIT = 1000  # of one notification
ID_LIMIT = 100  # characters of a name that only logs and traces have a use for


class NewEmail(Shape):
    """The news of one message: enough to show a line, no more."""

    id: UUID
    sender: str = Field(
        validation_alias=AliasChoices("from", "sender"), serialization_alias="from", max_length=TEXT_LIMIT
    )
    from_display: str | None = Field(default=None, max_length=TEXT_LIMIT)
    subject: str = Field(default="", max_length=TEXT_LIMIT)
    received_at: Instant
    has_attachments: bool = False


class NewEmailNotification(Shape):
    """One message, and the users whose mailbox it reached."""

    user_ids: list[UUID] = Field(max_length=USERS_LIMIT)
    email: NewEmail


class IdentifiedNotification(NewEmailNotification):
    """A notification that the sender may repeat: the same id is published once. `mail_id` is what the
    message's sender was told, `traceparent` the trace that it came in."""

    notification_id: UUID
    mail_id: str = Field(default="", max_length=ID_LIMIT)
    traceparent: str = Field(default="", max_length=ID_LIMIT)


class NotificationBatch(Shape):
    """Many at once, as the hosts' outbox sends them."""

    notifications: list[IdentifiedNotification] = Field(max_length=BATCH_LIMIT)
