"""`GET /api/emails` past the framework's routing: the request that clients send most, which the search for
its route and the solver of dependencies make twice as dear.

What is done for it is what its route does, by the same functions: the caller is proven, counted and answered,
and a refusal has the form of every other. The layers around the routes are around this too. Every other
request, and every other method, is the routes'.
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
_ROUTE = next(
    route
    for route in emails.router.routes
    if isinstance(route, APIRoute) and route.path == PATH and "GET" in (route.methods or ())
)


class QuickLists:
    """ASGI middleware, within all others."""

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
    return scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", PATH)


async def _answer(request: Request) -> Response:
    try:
        return await views.ready(request, await read_by(request))
    except MailkeepError as error:
        return await errors.domain_error(request, error)
    except RequestValidationError as error:
        return await errors.invalid(request, error)
