"""Who logged in as the caller, or tried to with one of their keys: what the audit log keeps of them alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mailkeep_api.deps import Reader, ServicesDep
from mailkeep_api.schemas.audit import LARGEST_NUMBER, Attempt, Attempts

router = APIRouter(prefix="/api/audit", tags=["profile"])

PAGE_LIMIT = 200


@router.get("", summary="Logins and attempts with the caller's keys and tokens, newest first")
async def list_attempts(
    caller: Reader,
    services: ServicesDep,
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = 50,
    before: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None,
) -> Attempts:
    """`next` is the `before` of the page that follows; null on the last. Rows are written within a second."""
    found = await services.store.audit.page(limit, caller.user_id, before)
    following = found[-1][0] if len(found) == limit else None
    return Attempts(items=[Attempt.of(number, record) for number, record in found], next=following)
