"""Each request's time, and its span, by the route that answered it: never by its path, which may be secret.

A stream's time ends when it begins: how long somebody listens is nobody's slowness. A `traceparent` of a
trusted proxy is what the request is within. From anybody else it becomes a link: no stranger says what is
traced.
"""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailkeep.net.networks import Networks
from mailkeep.observe import tracing
from mailkeep.observe.timed import TIMINGS

EVENT_STREAM = b"text/event-stream"
_HEADER = b"traceparent"
_NO_ROUTE = "(no route)"
# Others are the client's own words.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ObservedRequests:
    """ASGI middleware. `proxies` are those whose word counts."""

    def __init__(self, app: ASGIApp, proxies: Networks) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        parent, link = self._within(scope) if tracing.is_on() else ("", "")
        with tracing.span("API", tracing.SERVER, parent, link) as span:
            try:
                await self._app(scope, receive, request.send)
            finally:
                request.ended()
                span.rename(request.name)
                span.set("http.response.status_code", request.status)
                if request.status >= 500:
                    span.fail(str(request.status))

    def _within(self, scope: Scope) -> tuple[str, str]:
        """(parent, link)"""
        given = [value for name, value in scope["headers"] if name == _HEADER]
        told = given[0].decode("latin-1") if len(given) == 1 else ""
        client = scope.get("client")
        return (told, "") if client and client[0] in self._proxies else ("", told)


class _Request:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._began = time.perf_counter()
        self._noted = False
        self.status = 0

    @property
    def name(self) -> str:
        """Known once the request has been routed."""
        path = getattr(self._scope.get("route"), "path", _NO_ROUTE)
        method = self._scope["method"]
        return f"API {method if method in _METHODS else 'OTHER'} {path}"

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if any(name == b"content-type" and EVENT_STREAM in value for name, value in message["headers"]):
                self.ended()
        await self._send(message)

    def ended(self) -> None:
        if not self._noted:
            self._noted = True
            TIMINGS.note(self.name, time.perf_counter() - self._began)
