"""The pages about oneself: signing in, keys, and accounts elsewhere that are lent for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from mailkeep.model.preferences import Preferences
from mailkeep.model.scope import USER_SCOPES, Scope, format_scopes
from mailkeep_api.autoconfig.places import listeners
from mailkeep_api.console.pages import PRIVATE, page
from mailkeep_api.console.visitors import SIGN_IN_PATH, PageRoute, SignInNeeded, VisitorDep, console_page
from mailkeep_api.console.words import shown_name
from mailkeep_api.deps import ServicesDep
from mailkeep_api.operators import operates
from mailkeep_api.routes.credentials import list_credentials
from mailkeep_api.routes.oauth import RETURN_LIMIT, local_path
from mailkeep_api.upstream_news import shown

router = APIRouter(include_in_schema=False, route_class=PageRoute)

HOME = "/console/mail"
SCOPE_USES: Mapping[Scope, str] = {
    Scope.SMTP: "Send mail with a mail program (SMTP)",
    Scope.IMAP: "Read mail with a mail program (IMAP)",
    Scope.POP3: "Fetch mail with a mail program (POP3)",
    Scope.API_READ: "Read by programs (API)",
    Scope.API_WRITE: "Change and send by programs (API)",
    Scope.APP: "Everything in the API, keys included",
}


@router.get("/console")
async def home() -> Response:
    """Where the console begins."""
    return RedirectResponse(HOME, 303, headers=PRIVATE)


@router.get(SIGN_IN_PATH)
async def sign_in(
    services: ServicesDep,
    return_to: Annotated[str, Query(max_length=RETURN_LIMIT)] = HOME,
) -> HTMLResponse:
    """With each provider whose tokens open this server, or with a key."""
    providers = services.browser.sign_ins.providers.values()
    return console_page(
        "sign_in.html",
        None,
        providers=[(one.name, shown_name(one.name)) for one in providers if one.kind.signs_in],
        return_to=local_path(return_to),
    )


@router.get("/console/keys")
async def keys(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """The keys that work, a form for a new one, and how mail programs use it."""
    found = await list_credentials(visitor.caller, services)
    principal = visitor.caller.principal
    may_give = USER_SCOPES if principal.may(Scope.APP) else principal.scopes & USER_SCOPES
    return console_page(
        "keys.html",
        visitor,
        keys=found.keys,
        username=found.connection_info.username,
        listeners=listeners(services.settings),
        scopes=[(name, SCOPE_USES[Scope(name)]) for name in format_scopes(may_give)],
    )


@router.get("/console/accounts")
async def accounts(request: Request, services: ServicesDep) -> HTMLResponse:
    """Also for a browser that has only connected an account, and is nobody's here."""
    session = services.browser.session_of(request)
    if session is None:
        raise SignInNeeded
    providers = services.browser.sign_ins.providers.values()
    user_id = session.principal.user_id if session.principal else None
    return page(
        "accounts.html",
        is_operator=user_id is not None and await operates(services, user_id),
        preferences=await services.store.preferences.get(user_id) if user_id else Preferences(),
        address=session.principal.address if session.principal else "",
        csrf_token=session.csrf_token,
        session=session,
        now=datetime.now(UTC),
        upstreams=[shown(one) for one in await services.store.upstreams.list(user_id)] if user_id else [],
        offers=[(one.name, shown_name(one.name)) for one in providers if not one.kind.signs_in],
    )
