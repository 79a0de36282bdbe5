"""The caller's filters. They act as mail is delivered, in its transaction; here they are kept, and tried."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from mailkeep_api.deps import PlainReader, PlainWriter, ServicesDep
from mailkeep_api.filter_trial import matching
from mailkeep_api.schemas.filters import FilterChange, FilterTest, NewFilter, ShownFilter

router = APIRouter(prefix="/api/filters", tags=["filters"])

TESTED_LIMIT = 100  # messages that one test looks at
TESTED_DEFAULT = 10


@router.get("", summary="The caller's filters, as they act, in order", response_model_exclude_none=True)
async def list_filters(caller: PlainReader, services: ServicesDep) -> list[ShownFilter]:
    """By priority, then by name."""
    return [ShownFilter.of(one) for one in await services.store.filters.list(caller.user_id)]


@router.post("", summary="Make a filter", status_code=201, response_model_exclude_none=True)
async def create_filter(
    body: NewFilter, caller: PlainWriter, services: ServicesDep, response: Response
) -> ShownFilter:
    """It acts on mail from now on."""
    columns = body.columns()
    made = await services.store.filters.add(caller.user_id, str(columns.pop("name")), columns)
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    return ShownFilter.of(made)


@router.put("/{filter_id:uuid}", summary="Change a filter", response_model_exclude_none=True)
async def change_filter(
    filter_id: UUID, body: FilterChange, caller: PlainWriter, services: ServicesDep
) -> ShownFilter:
    """A body with a name replaces conditions and actions; one without changes what it names."""
    return ShownFilter.of(await services.store.filters.change(caller.user_id, filter_id, body.columns()))


@router.delete("/{filter_id:uuid}", summary="Remove a filter", status_code=204)
async def delete_filter(filter_id: UUID, caller: PlainWriter, services: ServicesDep) -> Response:
    """What it did stays."""
    await services.store.filters.remove(caller.user_id, filter_id)
    return Response(status_code=204)


@router.post("/{filter_id:uuid}/test", summary="Try a filter on the newest messages")
async def try_filter(
    filter_id: UUID,
    caller: PlainReader,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=TESTED_LIMIT)] = TESTED_DEFAULT,
) -> FilterTest:
    """Nothing is changed, and nothing counted."""
    one = await services.store.filters.get(caller.user_id, filter_id)
    rows, _, _ = await services.store.emails.page(caller.account_id, 0, limit)
    found = await matching(services.store, one, rows)
    return FilterTest(match_count=len(found), matched_email_ids=found)
