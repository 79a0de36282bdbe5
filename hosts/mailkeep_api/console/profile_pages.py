"""The pages about whom one is to this server: name and addresses, and who signed in as oneself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from mailkeep.auth import KeyService
from mailkeep_api.console.visitors import PageRoute, VisitorDep, console_page
from mailkeep_api.deps import ServicesDep
from mailkeep_api.routes.audit import list_attempts
from mailkeep_api.routes.profile import get_profile
from mailkeep_api.schemas.audit import LARGEST_NUMBER
from mailkeep_api.schemas.sessions import ShownSession

router = APIRouter(include_in_schema=False, route_class=PageRoute)

SHOWN_AT_ONCE = 50


@router.get("/console/addresses")
async def addresses(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """Those that are the user's, and those that wait for their code."""
    profile = await get_profile(visitor.caller, services)
    return console_page("addresses.html", visitor, profile=profile)


@router.get("/console/sign-ins")
async def sign_ins(
    visitor: VisitorDep,
    services: ServicesDep,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None,
) -> HTMLResponse:
    """Browsers that are signed in, and the log, newest first. A key that still works can be revoked where it
    was used; what a token opened ends with all sign-ins."""
    found = await list_attempts(visitor.caller, services, SHOWN_AT_ONCE, before)
    now = datetime.now(UTC)
    user = await services.store.directory.user(visitor.caller.user_id)
    browsers = services.browser.sessions.of_user(visitor.caller.user_id, now)
    keys = await KeyService(services.store, services.settings.auth).list(visitor.caller.user_id)
    return console_page(
        "sign_ins.html",
        visitor,
        found=found,
        sessions=[ShownSession.of(one, visitor.session) for one in browsers],
        ended_at=user.sign_ins_from if user else None,
        keys={key.id: key.name for key in keys},
        usable={key.id for key in keys if key.is_usable(now)},
    )
