"""The caller's own name and addresses. Addresses are added by an operator or by a token that vouches for
them: a claim that nobody has verified would take another's mail."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep_api.deps import Reader, Services, ServicesDep, UserCaller, Writer
from mailkeep_api.schemas.profile import Profile, ProfileChange

router = APIRouter(prefix="/api/profile", tags=["profile"])


@router.get("", summary="The caller")
async def get_profile(caller: Reader, services: ServicesDep) -> Profile:
    """With every address that is theirs."""
    return await _profile(services, caller)


@router.put("", summary="Change the caller's name")
async def change_profile(body: ProfileChange, caller: Writer, services: ServicesDep) -> Profile:
    """The name is shown, and identifies nobody."""
    if body.display_name is not None:
        name = body.display_name.strip()
        if not name.isprintable():
            raise InvalidName("A name has printable characters only.")
        await services.store.directory.set_name(caller.user_id, name)
    return await _profile(services, caller)


@router.delete("/addresses/{address_id}", summary="Give an address up", status_code=204)
async def remove_address(address_id: UUID, caller: Writer, services: ServicesDep) -> Response:
    """Mail received so far stays. The primary address stays too: it is not among the additional ones."""
    for record in await services.store.directory.addresses(caller.user_id):
        if record.id == address_id and not record.primary:
            await services.store.directory.remove_address(Address.parse(record.address))
            return Response(status_code=204)
    raise NotFound("There is no such address.")


async def _profile(services: Services, caller: UserCaller) -> Profile:
    user = await services.store.directory.user(caller.user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return Profile.of(user, list(await services.store.directory.addresses(caller.user_id)))
