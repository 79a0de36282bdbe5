"""How the caller wants mail shown. It is kept for clients, of which the console is one: the lists of this API
are as their parameters say, and no client sees them change by what another has set."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter

from mailkeep_api.deps import PlainReader, PlainWriter, ServicesDep
from mailkeep_api.schemas.preferences import PreferencesChange, ShownPreferences

router = APIRouter(prefix="/api/preferences", tags=["preferences"])


@router.get("", summary="The caller's preferences")
async def get_preferences(caller: PlainReader, services: ServicesDep) -> ShownPreferences:
    """The defaults if none were saved."""
    found = await services.store.preferences.get(caller.user_id)
    return ShownPreferences.of(caller.user_id, found, datetime.now(UTC))


@router.put("", summary="Change preferences")
async def change_preferences(
    body: PreferencesChange, caller: PlainWriter, services: ServicesDep
) -> ShownPreferences:
    """What is absent or null stays as it is."""
    changes = body.model_dump(exclude_none=True)
    changed = await services.store.preferences.change(caller.user_id, **changes)
    return ShownPreferences.of(caller.user_id, changed, datetime.now(UTC))
