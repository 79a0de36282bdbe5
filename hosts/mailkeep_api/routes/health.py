"""Is the process alive, and can it serve? Two questions with two answers."""

from __future__ import annotations

from fastapi import APIRouter

from mailkeep_api.deps import ServicesDep
from mailkeep_api.schemas import Shape

router = APIRouter(tags=["health"])


class Health(Shape):
    """`status` is "ok"; a process that cannot serve answers 503 instead."""

    status: str


@router.get("/health", summary="Ready: the process runs and its database answers")
async def health(services: ServicesDep) -> Health:
    """503 as problem+json while the database does not answer."""
    await services.store.ping()
    return Health(status="ok")


@router.get("/health/live", summary="Alive: the process runs")
async def live() -> Health:
    """Says nothing of the database, so that a restart is not the cure for its outage."""
    return Health(status="ok")
