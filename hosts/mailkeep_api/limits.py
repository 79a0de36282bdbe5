"""How much a request may carry. Enforced as octets arrive, whatever Content-Length says."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailkeep_api.errors import problem

BODY_LIMIT = 1024 * 1024  # octets; 500 notifications with texts at their limits fit
MESSAGE_LIMIT = 35 * 1024 * 1024  # of a message to be sent: 25 MiB of files in base64, and its texts
CALL_LIMIT = 8 * 1024 * 1024  # of an assistant's call: 5 MiB of files in base64, and texts
LARGER = {("POST", "/api/emails"): MESSAGE_LIMIT, ("POST", "/mcp"): CALL_LIMIT}
"""Routes that take more, from callers whom they have proven before they read it."""


class _BodyTooLarge(HTTPException):
    """An HTTPException, because that alone passes through the framework's reading of a body unchanged."""


class BodyLimit:
    """ASGI middleware: 413 for a body over the limit, before the route sees more of it."""

    def __init__(self, app: ASGIApp, limit: int = BODY_LIMIT) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = LARGER.get((scope["method"], scope["path"]), self._limit)
        sentence = f"A request carries at most {limit} octets."
        left = limit
        answered = False

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise _BodyTooLarge(413, sentence)
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _BodyTooLarge:
            if not answered:
                await problem(413, sentence)(scope, receive, send)
