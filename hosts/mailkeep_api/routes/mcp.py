"""`/mcp`: the Model Context Protocol over streamable HTTP, for callers who have proven who they are.

A caller is let in by API key, access token or browser session, as everywhere in the API, before a word of
the request is read; here also by a session that has signed nobody in but has connected an account. A platform
that is trusted to sign people in itself acts on the account that it brings along, and on nothing else. Who is
not let in is told where to sign in, and where this resource describes itself (RFC 9728 section 5.1). There is
nothing to listen to between requests, so there is no GET.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from mailkeep.errors import AuthenticationFailed, ScopeMissing
from mailkeep_api.assistant import tools
from mailkeep_api.assistant.call import Call
from mailkeep_api.assistant.platforms import brought_along
from mailkeep_api.assistant.server import AssistantServer
from mailkeep_api.autoconfig.places import public_url
from mailkeep_api.deps import Services, ServicesDep, authenticated
from mailkeep_api.errors import UNAUTHENTICATED, problem

router = APIRouter(prefix="/mcp", include_in_schema=False)

METADATA_PATH = "/.well-known/oauth-protected-resource"


class _Handed(Response):
    """The request, handed to the assistants' server: it answers for itself."""

    def __init__(self, server: AssistantServer) -> None:
        super().__init__()
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._server.handle(scope, receive, send)


@router.post("")
async def call(request: Request, services: ServicesDep) -> Response:
    """One message of the protocol, and its answer."""
    _require_known_origin(request, services)
    try:
        caller = await _caller(request, services)
    except AuthenticationFailed as error:
        return _sign_in(request, services, error)
    caller.admitted(tools.ANY)
    caller.carry(request)
    return _Handed(services.assistant)


@router.api_route("", methods=["GET", "DELETE"])
async def nothing_to_hear() -> Response:
    """No stream of our own, and no session to end."""
    return problem(405, "Send messages by POST; there is nothing to listen to.", headers={"Allow": "POST"})


def _require_known_origin(request: Request, services: Services) -> None:
    """The protocol's own rule against DNS rebinding. Raises PermissionRefused for a page of another site."""
    origin = request.headers.get("origin")
    allowed = services.settings.api.cors_origins
    if origin is not None and origin not in allowed and "*" not in allowed:
        services.browser.cookies.require_own_origin(request)


async def _caller(request: Request, services: Services) -> Call:
    """With what the browser's session has connected. Raises AuthenticationFailed, PermissionRefused."""
    session = services.browser.session_of(request) if "authorization" not in request.headers else None
    connections = session.live_connections(datetime.now(UTC)) if session is not None else ()
    if session is not None and session.principal is None and connections:
        services.browser.cookies.require_own_page(request, session)
        return Call(services, None, connections)
    principal = await authenticated(request, services)
    brought = brought_along(request.headers, principal, services)
    return Call(services, principal, connections) if brought is None else Call(services, None, (brought,))


def _sign_in(request: Request, services: Services, error: AuthenticationFailed) -> Response:
    """401 with the way in, for people and for programs."""
    base = public_url(services.settings, str(request.base_url)).rstrip("/")
    providers = services.settings.sessions.providers
    places = [f"{base}/oauth/authorize?provider={one.name}" for one in providers] or [f"{base}/"]
    challenge = f'{UNAUTHENTICATED["WWW-Authenticate"]}, resource_metadata="{base}{METADATA_PATH}"'
    if "authorization" in request.headers:
        code = "insufficient_scope" if isinstance(error, ScopeMissing) else "invalid_token"
        challenge += f', error="{code}"'
    return problem(
        401,
        f"{error} Sign in at {places[0]}, or make an API key with the scopes api:read and api:write.",
        extra={"signIn": places},
        headers={"WWW-Authenticate": challenge},
    )
