"""The pages about how mail is sorted and shown: labels, filters, settings."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from mailkeep_api.console.visitors import PageRoute, VisitorDep, console_page
from mailkeep_api.deps import ServicesDep
from mailkeep_api.filter_trial import matching
from mailkeep_api.routes.filters import TESTED_LIMIT, list_filters
from mailkeep_api.routes.labels import list_labels
from mailkeep_api.schemas.filters import ShownFilter

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/console/labels")
async def labels(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """Those that there are, in their order, and a form for a new one."""
    return console_page("labels.html", visitor, labels=await list_labels(visitor.caller, services))


@router.get("/console/filters")
async def filters(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """In the order in which they act, with how often they have."""
    return console_page(
        "filters.html",
        visitor,
        filters=await list_filters(visitor.caller, services),
        labels=await list_labels(visitor.caller, services),
    )


@router.get("/console/filters/{filter_id:uuid}")
async def trial(filter_id: UUID, visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """Which of the newest messages it matches; nothing is done to them."""
    caller = visitor.caller
    one = await services.store.filters.get(caller.user_id, filter_id)
    rows, _, _ = await services.store.emails.page(caller.account_id, 0, TESTED_LIMIT)
    found = set(await matching(services.store, one, rows))
    return console_page(
        "filter_trial.html",
        visitor,
        one=ShownFilter.of(one),
        looked_at=len(rows),
        found=[row for row in rows if row.email_id in found],
    )


@router.get("/console/settings")
async def settings(visitor: VisitorDep, services: ServicesDep) -> HTMLResponse:
    """What these pages themselves heed of the user's preferences, and when a digest comes."""
    return console_page("settings.html", visitor, digest_zone=services.settings.api.digest_zone)
