"""`GET /api/emails` past the framework: the request that clients send most, which the framework's layers and its
solver of dependencies make twice as dear.

What is done for it is what its route does, by the same functions: the caller is proven, counted and answered,
and a refusal has the form of every other. A request from another origin's page goes through the framework,
whose layer knows what such a page is told; so does every other request.
"""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from mailkeep.errors import MailkeepError
from mailkeep_api import errors, views
from mailkeep_api.deps import read_by
from mailkeep_api.routes import emails

PATH = "/api/emails"
_ORIGIN = b"origin"
_ROUTE = next(
    route
    for route in emails.router.routes
    if isinstance(route, APIRoute) and route.path == PATH and "GET" in (route.methods or ())
)


class QuickLists:
    """ASGI middleware within the framework's own for failures, and outside of all its others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the module."""
        if not _is_list(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE  # by whose name requests are observed
        answer = await _answer(Request(scope))
        await answer(scope, receive, send)


def _is_list(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "GET":
        return False
    return all(name != _ORIGIN for name, _ in scope["headers"])


async def _answer(request: Request) -> Response:
    try:
        return await views.ready(request, await read_by(request))
    except MailkeepError as error:
        return await errors.domain_error(request, error)
    except RequestValidationError as error:
        return await errors.invalid(request, error)
