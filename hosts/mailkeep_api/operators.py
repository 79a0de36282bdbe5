"""Who runs this server: users one of whose proven addresses the settings name. For everybody else, what is
theirs does not exist."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from mailkeep.errors import NotFound
from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller, Writer


async def operates(services: Services, user_id: UUID) -> bool:
    """True if one of the user's own addresses is an operator's."""
    named = {address.casefold() for address in services.settings.api.operators}
    if not named:
        return False
    owned = await services.store.directory.addresses(user_id)
    return any(record.verified and record.address in named for record in owned)


async def operator(caller: Writer, services: ServicesDep) -> UserCaller:
    """Dependency. Raises NotFound for everybody else."""
    return await _required(caller, services)


async def reading_operator(caller: Reader, services: ServicesDep) -> UserCaller:
    """The same, for routes that only tell."""
    return await _required(caller, services)


async def _required(caller: UserCaller, services: Services) -> UserCaller:
    if not await operates(services, caller.user_id):
        raise NotFound("Not Found")
    return caller


ReadingOperator = Annotated[UserCaller, Depends(reading_operator)]
Operator = Annotated[UserCaller, Depends(operator)]
