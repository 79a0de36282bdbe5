"""Server-sent events: what happens in the caller's mailbox, as it happens.

The stream ends within a second of its key's revocation, and when the process stops; that of a browser ends
with the browser's session, before another event. A client resumes with `Last-Event-ID` (WHATWG HTML section
9.2), as every EventSource does by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.types import Receive, Scope, Send

from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller
from mailkeep_api.hub import Stream

router = APIRouter(prefix="/api", tags=["events"])

KEEPALIVE_SECONDS = 15.0  # proxies commonly cut a silent connection after 30 to 60
RETRY_LINE = b"retry: 2000\n\n"  # milliseconds until an EventSource comes back


class EventStream(Response):
    """`text/event-stream`, as long as both sides want. The framework's own streaming costs an open stream a
    group of tasks, a cancel scope and an iterator more."""

    media_type = "text/event-stream"

    def __init__(self, services: Services, caller: UserCaller, last_event_id: str, *, missed: bool) -> None:
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
        """See Response. Subscribed here, where it is sure to end."""
        hub, caller = self._services.hub, self._caller
        stream = hub.subscribe(caller.user_id, self._last_event_id, missed=self._missed)
        unwatch = self._services.authenticator.watch(caller.principal, lambda reason: stream.close())
        leaving = asyncio.create_task(_left(receive, stream), name="event stream's client")
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await _send(send, RETRY_LINE)
            while (wire := await stream.next(KEEPALIVE_SECONDS)) is not None and self._may_go_on(scope):
                await _send(send, wire or KEEPALIVE_COMMENT)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            unwatch()
            hub.unsubscribe(stream)

    def _may_go_on(self, scope: Scope) -> bool:
        """False once the session of a stream without a credential is over, by time or by signing out."""
        request = Request(scope)
        return "authorization" in request.headers or self._services.browser.session_of(request) is not None


async def _send(send: Send, octets: bytes) -> None:
    await send({"type": "http.response.body", "body": octets, "more_body": True})


async def _left(receive: Receive, stream: Stream) -> None:
    """End the stream when its client is gone."""
    while (await receive())["type"] != "http.disconnect":
        continue
    stream.close()


@router.get(
    "/events", summary="The caller's events as they happen", status_code=200, response_class=EventStream
)
async def events(
    caller: Reader,
    services: ServicesDep,
    last_event_id: Annotated[str, Header(max_length=100)] = "",
) -> EventStream:
    """Each with an id to resume from."""
    missed = await services.following.follow(caller.user_id, caller.account_id)
    return EventStream(services, caller, last_event_id, missed=missed)
