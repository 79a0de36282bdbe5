"""The channel by which the other hosts tell of new mail. Scope `internal`, which only an operator mints.

Both routes answer after the events were published, so that a sender who has the answer may forget the
notification, and one who has not sends it again under the same id without harm. Other API processes on the
store hear of its mail from the store itself; of a message that is not in it, this one alone tells.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from mailkeep.model.message import Origin
from mailkeep_api.announcing import Announcement, announce
from mailkeep_api.deps import InternalCaller, ServicesDep
from mailkeep_api.schemas.notifications import NewEmailNotification, NotificationBatch

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
    await announce(services, [Announcement(idempotency_key or "", body.user_ids, body.email)])
    return Response(status_code=200)


@router.post("/new-emails", summary="Many messages have arrived", response_class=Response)
async def new_emails(body: NotificationBatch, caller: InternalCaller, services: ServicesDep) -> Response:
    """The same for a batch; each notification carries its own id, and each user is told the count once."""
    await announce(
        services,
        [
            Announcement(
                str(one.notification_id), one.user_ids, one.email, Origin(one.mail_id, one.traceparent)
            )
            for one in body.notifications
        ],
    )
    return Response(status_code=200)
