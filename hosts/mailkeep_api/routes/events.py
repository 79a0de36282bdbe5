"""Server-sent events: what happens in the caller's mailbox, as it happens.

The stream ends within a second of its key's revocation, and when the process stops; that of a browser ends
with the browser's session, before another event. A client resumes with `Last-Event-ID` (WHATWG HTML section
9.2), as every EventSource does by itself, at whichever API process on the store it comes back to. It has an
id from the beginning, before the first event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.types import Receive, Scope, Send

from mailkeep_api.afterwards import go_on
from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller
from mailkeep_api.hub import Missed, Stream
from mailkeep_api.positions import TEXT_LIMIT

router = APIRouter(prefix="/api", tags=["events"])

KEEPALIVE_SECONDS = 15.0  # proxies commonly cut a silent connection after 30 to 60
RETRY_LINE = b"retry: 2000\n"  # milliseconds until an EventSource comes back
ID_LIMIT = TEXT_LIMIT + 40


class EventStream(Response):
    """`text/event-stream`, as long as both sides want. The framework's own streaming costs an open stream a
    group of tasks, a cancel scope and an iterator more."""

    media_type = "text/event-stream"

    def __init__(
        self, services: Services, caller: UserCaller, last_event_id: str, missed: Missed | None
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._services = services
        self._caller = caller
        self._last_event_id = last_event_id
        self._missed = missed
        self._session: Request | None = None  # of a stream that a browser's session let in

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Without a length: nobody knows it."""
        super().init_headers(headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Response. The events come afterwards."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        request = Request({"type": "http", "headers": scope["headers"]})
        self._session = None if "authorization" in request.headers else request
        go_on(scope, self._events)

    async def _events(self, receive: Receive, send: Send) -> None:
        """Subscribed here, where it is sure to end."""
        hub, caller = self._services.hub, self._caller
        stream = hub.subscribe(caller.user_id, self._last_event_id, missed=self._missed)
        unwatch = self._services.authenticator.watch(caller.principal, lambda reason: stream.close())
        leaving = asyncio.create_task(_left(receive, stream), name="event stream's client")
        try:
            await _send(send, RETRY_LINE + self._first_id(stream) + b"\n")
            while (wire := await stream.next(KEEPALIVE_SECONDS)) is not None and self._may_go_on():
                await _send(send, wire or KEEPALIVE_COMMENT)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            unwatch()
            hub.unsubscribe(stream)

    def _first_id(self, stream: Stream) -> bytes:
        """Where this client stands, unless the events that it hears first will say it."""
        if stream.has_backlog:
            return b""
        mark = self._services.hub.mark(self._services.following.position(self._caller.user_id))
        return b"id: " + mark.encode() + b"\n"

    def _may_go_on(self) -> bool:
        """False once the session of a stream without a credential is over, by time or by signing out."""
        return self._session is None or self._services.browser.session_of(self._session) is not None


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
    last_event_id: Annotated[str, Header(max_length=ID_LIMIT)] = "",
) -> EventStream:
    """Each with an id to resume from."""
    missed = await services.following.missed(caller.user_id, caller.account_id, last_event_id)
    return EventStream(services, caller, last_event_id, missed)
