"""Server-sent events: what happens in the caller's mailbox, as it happens.

The stream ends within a second of its key's revocation, and when the process stops. A client resumes with
`Last-Event-ID` (WHATWG HTML section 9.2), as every EventSource does by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT

from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller

router = APIRouter(prefix="/api", tags=["events"])

KEEPALIVE_SECONDS = 15.0  # proxies commonly cut a silent connection after 30 to 60
RETRY_LINE = b"retry: 2000\n\n"  # milliseconds until an EventSource comes back


class EventStream(StreamingResponse):
    """`text/event-stream`: octets that are encoded already, one event shared by all its streams."""

    media_type = "text/event-stream"


@router.get("/events", summary="The caller's events as they happen", response_class=EventStream)
async def events(
    caller: Reader,
    services: ServicesDep,
    last_event_id: Annotated[str, Header(max_length=100)] = "",
) -> EventStream:
    """Each with an id to resume from."""
    missed = await services.following.follow(caller.user_id, caller.account_id)
    return EventStream(
        _octets(services, caller, last_event_id, missed),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _octets(
    services: Services, caller: UserCaller, last_event_id: str, missed: bool
) -> AsyncIterator[bytes]:
    # Opened here, not in the route: a response whose client is gone already never runs its iterator.
    stream = services.hub.subscribe(caller.user_id, last_event_id, missed=missed)
    unwatch = services.authenticator.watch(caller.principal, lambda reason: stream.close())
    try:
        yield RETRY_LINE
        while (wire := await stream.next(KEEPALIVE_SECONDS)) is not None:
            yield wire or KEEPALIVE_COMMENT
    finally:
        unwatch()
        services.hub.unsubscribe(stream)
