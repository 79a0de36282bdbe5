"""What an operator does to the queue and to users from the console. The command line does the same, and more.

Each change is logged with who made it.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from mailkeep.errors import NotFound, Refusal
from mailkeep.observe.logs import get_logger
from mailkeep.storage.interface import QueueFilter
from mailkeep_api.deps import ServicesDep
from mailkeep_api.operators import Operator, ReadingOperator
from mailkeep_api.schemas.queue import QueueList

router = APIRouter(prefix="/api/operator", include_in_schema=False)

ID_LIMIT = 100  # characters of a queue entry's id
TEXT_LIMIT = 320  # characters of an address or a domain
PAGE_LIMIT = 100

log = get_logger(__name__)

EntryId = Annotated[str, Path(max_length=ID_LIMIT)]


async def wanted(
    domain: Annotated[str | None, Query(max_length=TEXT_LIMIT)] = None,
    sender: Annotated[str | None, Query(max_length=TEXT_LIMIT)] = None,
    held: bool | None = None,
) -> QueueFilter:
    """Dependency."""
    return QueueFilter(domain=domain, sender=sender, held=held)


@router.get("/queue")
async def list_queue(
    caller: ReadingOperator,
    services: ServicesDep,
    which: Annotated[QueueFilter, Depends(wanted)],
    limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT)] = PAGE_LIMIT,
    after: Annotated[str, Query(max_length=ID_LIMIT)] = "",
) -> QueueList:
    """By their ids; `next` is the `after` of what follows, null at the end. The numbers are of
    the whole queue."""
    queue = services.store.queue
    return QueueList.of(await queue.entries(which, limit, after), limit, await queue.status())


@router.post("/queue/{entry_id}/{action}", status_code=204)
async def change_queue(
    entry_id: EntryId,
    action: Literal["retry", "hold", "release", "drop"],
    caller: Operator,
    services: ServicesDep,
) -> Response:
    """404 for an entry that is gone, or with which that cannot be done now."""
    queue = services.store.queue
    act = {"retry": queue.retry, "hold": queue.hold, "release": queue.release, "drop": queue.drop}[action]
    if not await act(QueueFilter(ids=(entry_id,))):
        raise NotFound("Nothing in the queue could be changed: it is gone, or being sent right now.")
    log.info("an operator changed the queue", action=action, entry=entry_id, user_id=str(caller.user_id))
    return Response(status_code=204)


@router.post("/users/{user_id:uuid}/{action}", status_code=204)
async def change_user(
    user_id: UUID, action: Literal["disable", "enable"], caller: Operator, services: ServicesDep
) -> Response:
    """A disabled user's sessions end within a second; their mail is still received."""
    if user_id == caller.user_id:
        raise Refusal("Whoever locks themselves out cannot undo it here; use the command line.")
    await services.store.directory.set_disabled(user_id, action == "disable")
    log.info("an operator changed a user", action=action, user=str(user_id), user_id=str(caller.user_id))
    return Response(status_code=204)
