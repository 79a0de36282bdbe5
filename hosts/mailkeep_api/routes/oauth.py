"""Signing a browser in and out, and connecting a mailbox elsewhere for as long as the browser is signed in.

Every answer here is the same whether a session exists or not, as far as somebody without it can see. Nothing
of a sign-in is written anywhere but to the audit log, which holds no token.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from mailkeep.errors import Throttled
from mailkeep_api.console.pages import page
from mailkeep_api.deps import ServicesDep, peer_of
from mailkeep_api.schemas.sessions import KeySignIn, SessionStatus, ShownSession
from mailkeep_api.sessions.cookies import attempt_of, session_id_of
from mailkeep_api.sessions.signin import Returned, SignedIn, SignInFailed

router = APIRouter(prefix="/oauth", tags=["sessions"])

WORD = Query(max_length=4096)  # codes of Microsoft's are long
RETURN_LIMIT = 500
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/authorize", summary="Send the browser to a provider to sign in", status_code=302)
async def authorize(
    request: Request,
    services: ServicesDep,
    provider: Annotated[str, Query(max_length=100)],
    return_to: Annotated[str, Query(max_length=RETURN_LIMIT)] = "/",
) -> RedirectResponse:
    """RFC 6749 section 4.1.1 with PKCE; afterwards the browser is back at `return_to`, a path of ours."""
    peer = peer_of(request)
    services.browser.take_rate(peer.host)
    begun = await services.browser.sign_ins.begin(provider, local_path(return_to), peer)
    answer = RedirectResponse(begun.url, 302, headers=NO_STORE)
    services.browser.cookies.keep_attempt(answer, begun.browser)
    return answer


@router.get("/callback", include_in_schema=False)
async def callback(
    request: Request,
    services: ServicesDep,
    *,
    state: Annotated[str, WORD] = "",
    code: Annotated[str, WORD] = "",
    error: Annotated[str, WORD] = "",
    iss: Annotated[str, WORD] = "",
) -> Response:
    """RFC 6749 section 4.1.2: where the provider sends the browser back to."""
    peer = peer_of(request)
    services.browser.take_rate(peer.host)
    returned = Returned(
        state, code, error, iss, attempt_of(request), session_id_of(request), peer, _agent(request)
    )
    try:
        signed_in = await services.browser.sign_ins.finish(returned)
    except (SignInFailed, Throttled) as failure:
        answer: Response = page("not_signed_in.html", 400, sentence=str(failure))
    else:
        answer = RedirectResponse(signed_in.return_to, 303, headers=NO_STORE)
        _keep(services, answer, signed_in)
    services.browser.cookies.drop_attempt(answer)
    return answer


@router.post("/key", summary="Sign the browser in with an API key")
async def sign_in_with_key(
    body: KeySignIn, request: Request, response: Response, services: ServicesDep
) -> SessionStatus:
    """For servers without an issuer, and for whoever has only a key. The key is not kept."""
    peer = peer_of(request)
    services.browser.cookies.require_own_origin(request)
    services.browser.take_rate(peer.host)
    signed_in = await services.browser.sign_ins.with_key(
        body.key, session_id_of(request), peer, _agent(request)
    )
    _keep(services, response, signed_in)
    return SessionStatus.of(signed_in.session, list(services.browser.sign_ins.providers))


@router.get("/status", summary="Who this browser is")
async def status(request: Request, response: Response, services: ServicesDep) -> SessionStatus:
    """Also the providers that one may sign in at or connect, and the CSRF token for writes."""
    response.headers.update(NO_STORE)
    session = services.browser.session_of(request)
    return SessionStatus.of(session, list(services.browser.sign_ins.providers))


@router.post("/disconnect", summary="Forget a connected account", status_code=204)
async def disconnect(
    request: Request, services: ServicesDep, provider: Annotated[str, Query(max_length=100)]
) -> Response:
    """Its token is gone from memory; the provider is not told."""
    session = services.browser.session_of(request)
    if session is not None:
        services.browser.cookies.require_own_page(request, session)
        services.browser.sessions.disconnect(session_id_of(request), provider, datetime.now(UTC))
    return Response(status_code=204)


@router.post("/logout", summary="Sign the browser out", status_code=204)
async def logout(request: Request, services: ServicesDep) -> Response:
    """The session and every token in it are gone; 204 whether there was one or not."""
    session = services.browser.session_of(request)
    if session is not None:
        services.browser.cookies.require_own_page(request, session)
        services.browser.sessions.end(session_id_of(request))
        services.browser.sign_ins.left(session, peer_of(request))
    answer = Response(status_code=204, headers=NO_STORE)
    services.browser.cookies.drop_session(answer)
    return answer


@router.get("/sessions", summary="The browsers in which the caller is signed in here")
async def list_sessions(request: Request, response: Response, services: ServicesDep) -> list[ShownSession]:
    """Of a browser that is signed in; none for every other."""
    response.headers.update(NO_STORE)
    session = services.browser.session_of(request)
    if session is None or session.principal is None or session.principal.user_id is None:
        return []
    found = services.browser.sessions.of_user(session.principal.user_id, datetime.now(UTC))
    return [ShownSession.of(one, session) for one in found]


@router.delete("/sessions/{name:uuid}", summary="Sign another browser of the caller's out", status_code=204)
async def end_session(name: UUID, request: Request, services: ServicesDep) -> Response:
    """204 whether there was such a session of the caller's or not."""
    session = services.browser.session_of(request)
    if session is not None and session.principal is not None and session.principal.user_id is not None:
        services.browser.cookies.require_own_page(request, session)
        for ended in services.browser.sessions.end_named(session.principal.user_id, name):
            services.browser.sign_ins.left(ended, peer_of(request))
    return Response(status_code=204, headers=NO_STORE)


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def local_path(given: str) -> str:
    """A path of this server, "/" for everything that a browser could read as another place."""
    is_path = given.startswith("/") and given.isascii() and given.isprintable()
    return given if is_path and not given.startswith("//") and "\\" not in given else "/"


def _keep(services: ServicesDep, answer: Response, signed_in: SignedIn) -> None:
    seconds = (signed_in.session.ends_at - datetime.now(UTC)).total_seconds()
    services.browser.cookies.keep_session(answer, signed_in.session_id, max(seconds, 0))
    answer.headers.update(NO_STORE)
