"""Server-sent events: what happens in the caller's mailbox, as it happens.

The stream ends within a second of its key's revocation, and when the process stops; that of a browser ends
with the browser's session, before another event. A client resumes with `Last-Event-ID` (WHATWG HTML section
9.2), as every EventSource does by itself, at whichever API process on the store it comes back to. It has an
id from the beginning, before the first event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller
from mailkeep_api.event_streams import OpenStream
from mailkeep_api.guarded import connection_of
from mailkeep_api.hub import Missed
from mailkeep_api.positions import TEXT_LIMIT

router = APIRouter(prefix="/api", tags=["events"])

ID_LIMIT = TEXT_LIMIT + 40


class EventStream(Response):
    """`text/event-stream`, as long as both sides want."""

    media_type = "text/event-stream"

    def __init__(
        self, services: Services, caller: UserCaller, last_event_id: str, missed: Missed | None
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._services = services
        self._caller = caller
        self._last_event_id = last_event_id
        self._missed = missed

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Without a length: nobody knows it."""
        super().init_headers(headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Response. Only the head is sent here; then the connection goes on without the framework."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        request = Request({"type": "http", "headers": scope["headers"]})
        session = None if "authorization" in request.headers else request
        stream = OpenStream(self._services, self._caller, session)
        if connection_of(scope).hand_over(stream):
            stream.listen(self._last_event_id, self._missed)


@router.get(
    "/events", summary="The caller's events as they happen", status_code=200, response_class=EventStream
)
async def events(
    caller: Reader,
    services: ServicesDep,
    last_event_id: Annotated[str, Header(max_length=ID_LIMIT)] = "",
) -> EventStream:
    """Each with an id to resume from."""
    missed = await services.following.missed(caller.user_id, caller.account_id, last_event_id)
    return EventStream(services, caller, last_event_id, missed)
