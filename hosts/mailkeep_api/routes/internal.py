"""The channel by which the other hosts tell of new mail. Scope `internal`, which only an operator mints.

Both routes answer after the events were published, so that a sender who has the answer may forget the
notification, and one who has not sends it again under the same id without harm.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from mailkeep_api.changes import tell_unread
from mailkeep_api.deps import InternalCaller, Services, ServicesDep
from mailkeep_api.schemas.notifications import NewEmail, NewEmailNotification, NotificationBatch

router = APIRouter(prefix="/api/internal/notifications", tags=["internal"])


@router.post("/new-email", summary="One message has arrived", response_class=Response)
async def new_email(
    body: NewEmailNotification,
    caller: InternalCaller,
    services: ServicesDep,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Raises NewEmail and UnreadCountChanged for each user. A repetition under one
    Idempotency-Key raises nothing."""
    if idempotency_key is None or services.hub.first_time(idempotency_key):
        _publish(services, body.user_ids, body.email)
        await tell_unread(services, body.user_ids)
    return Response(status_code=200)


@router.post("/new-emails", summary="Many messages have arrived", response_class=Response)
async def new_emails(body: NotificationBatch, caller: InternalCaller, services: ServicesDep) -> Response:
    """The same for a batch; each notification carries its own id, and each user is told the count once."""
    told: set[UUID] = set()
    for notification in body.notifications:
        if services.hub.first_time(str(notification.notification_id)):
            _publish(services, notification.user_ids, notification.email)
            told.update(notification.user_ids)
    if told:
        await tell_unread(services, told)
    return Response(status_code=200)


def _publish(services: Services, user_ids: list[UUID], email: NewEmail) -> None:
    data = email.model_dump(mode="json", by_alias=True)
    for user_id in dict.fromkeys(user_ids):
        services.hub.publish(user_id, "NewEmail", data)
    services.pusher.offer(user_ids, email)
