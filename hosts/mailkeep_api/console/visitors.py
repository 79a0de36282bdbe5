"""Who looks at a page, by the browser's session alone, and what becomes of a page that cannot be shown.

Whoever is not signed in is sent to the sign-in page, whatever they asked for, so that no answer tells what
there is. Pages only read: every change goes to the API by script, with the CSRF token.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from mailkeep import errors
from mailkeep.model.preferences import Preferences
from mailkeep_api.console.pages import PRIVATE, page
from mailkeep_api.deps import LISTENING, Services, ServicesDep, UserCaller, caller_with
from mailkeep_api.errors import status_of
from mailkeep_api.operators import operates
from mailkeep_api.sessions.browser import Session

SIGN_IN_PATH = "/console/sign-in"


class SignInNeeded(Exception):
    """The browser has no session, or one that is nobody's here."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A signed-in user in front of a page."""

    session: Session
    caller: UserCaller
    preferences: Preferences
    is_operator: bool = False

    @property
    def address(self) -> str:
        """As the header of each page shows it."""
        return self.caller.principal.address


async def visitor(request: Request, services: ServicesDep) -> Visitor:
    """Dependency. Raises SignInNeeded, PermissionRefused, TooManyRequests."""
    session = services.browser.session_of(request)
    if session is None or session.principal is None:
        raise SignInNeeded
    caller = caller_with(services, session.principal, LISTENING)
    preferences = await services.store.preferences.get(caller.user_id)
    return Visitor(session, caller, preferences, await operates(services, caller.user_id))


VisitorDep = Annotated[Visitor, Depends(visitor)]


class PageRoute(APIRoute):
    """A route whose refusals are pages too. Faults stay the host's own affair."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual one, with refusals shown."""
        usual = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await usual(request)
            except SignInNeeded:
                return _to_sign_in(request)
            except RequestValidationError:
                return await _refused(request, 404, "There is no such page.")
            except (errors.Refusal, errors.PeerError) as refusal:
                return await _refused(request, status_of(refusal), str(refusal))

        return shown


def console_page(template: str, seen_by: Visitor | None, status: int = 200, **values: object) -> HTMLResponse:
    """A page with the console's header: for a signed-in user, or for nobody."""
    return page(
        template,
        status,
        address=seen_by.address if seen_by else "",
        csrf_token=seen_by.session.csrf_token if seen_by else "",
        is_operator=seen_by is not None and seen_by.is_operator,
        preferences=seen_by.preferences if seen_by else Preferences(),
        **values,
    )


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = urlencode({"return_to": wanted})
    return RedirectResponse(f"{SIGN_IN_PATH}?{query}", 303, headers=PRIVATE)


async def _refused(request: Request, status: int, sentence: str) -> Response:
    """In the colours that its reader has chosen, as far as they are known."""
    services: Services = request.app.state.services
    session = services.browser.session_of(request)
    principal = session.principal if session else None
    preferences = Preferences()
    if principal is not None and principal.user_id is not None:
        with suppress(errors.StoreUnavailable):
            preferences = await services.store.preferences.get(principal.user_id)
    return page(
        "refused.html",
        status,
        address=principal.address if principal else "",
        csrf_token=session.csrf_token if session else "",
        preferences=preferences,
        sentence=sentence,
    )
