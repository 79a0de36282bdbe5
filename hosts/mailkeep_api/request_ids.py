"""X-Request-Id: what a request is called in the log, the audit log, and in its answer.

A client or a proxy in front may have named it already; such a name is taken if it is short and made of
letters that steer no log, and replaced otherwise. It wraps the whole application, so that a fault's answer
has it too.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailkeep.observe import correlation

HEADER = b"x-request-id"
_NAME = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


def request_id_of(scope: Scope) -> str:
    """What the request brought if that can be used, else a new one."""
    given = [value for name, value in scope["headers"] if name == HEADER]
    if len(given) == 1 and _NAME.fullmatch(given[0]):
        return str(given[0], "ascii")
    return correlation.new_session_id()


class RequestIds:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        request_id = request_id_of(scope)

        async def send_named(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
            await send(message)

        with correlation.session(request_id):
            await self._app(scope, receive, send_named)
