"""The caller's own name and addresses. An address is added by a code that is mailed there and comes back; a
claim that nobody has verified would take another's mail."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from mailkeep.auth.addresses import AddressProofs, wanted_address
from mailkeep.delivery.code_mail import MailedCodes
from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.address import Address
from mailkeep_api.deps import PlainReader, PlainWriter, Services, ServicesDep, UserCaller, Writer
from mailkeep_api.schemas.profile import Code, NewAddress, Profile, ProfileAddress, ProfileChange

router = APIRouter(prefix="/api/profile", tags=["profile"])


@router.get("", summary="The caller")
async def get_profile(caller: PlainReader, services: ServicesDep) -> Profile:
    """With every address that is theirs."""
    return await _profile(services, caller)


@router.put("", summary="Change the caller's name")
async def change_profile(body: ProfileChange, caller: PlainWriter, services: ServicesDep) -> Profile:
    """The name is shown, and identifies nobody."""
    if body.display_name is not None:
        name = body.display_name.strip()
        if not name.isprintable():
            raise InvalidName("A name has printable characters only.")
        await services.store.directory.set_name(caller.user_id, name)
    return await _profile(services, caller)


@router.post("/addresses", summary="Ask for a further address")
async def ask_for_address(body: NewAddress, caller: Writer, services: ServicesDep) -> ProfileAddress:
    """A code is mailed to it; until that comes back, nothing else happens. Asking again mails another."""
    address = wanted_address(body.address)
    owned = await services.store.directory.addresses(caller.user_id)
    if address.key in {record.address for record in owned}:
        raise InvalidName("That address is yours already.")
    return ProfileAddress.of(await _proofs(services).ask(caller.user_id, address))


@router.post("/addresses/{address_id:uuid}/verify", summary="Prove that an address is the caller's")
async def verify_address(
    address_id: UUID, body: Code, caller: Writer, services: ServicesDep
) -> ProfileAddress:
    """With the code that was mailed. Mail that waits for the address moves into the caller's INBOX."""
    return ProfileAddress.of(await _proofs(services).prove(caller.user_id, address_id, body.code))


@router.delete("/addresses/{address_id:uuid}", summary="Give an address up", status_code=204)
async def remove_address(address_id: UUID, caller: PlainWriter, services: ServicesDep) -> Response:
    """Mail received so far stays. The primary address stays too: it is not among the additional ones."""
    for record in await services.store.directory.addresses(caller.user_id):
        if record.id == address_id and not record.primary:
            await services.store.directory.remove_address(Address.parse(record.address))
            return Response(status_code=204)
    await services.store.proofs.withdraw(caller.user_id, address_id)
    return Response(status_code=204)


@router.post("/sign-out", summary="End all sign-ins of the caller's but keys", status_code=204)
async def sign_out_everywhere(caller: Writer, services: ServicesDep) -> Response:
    """Browser sessions, and all access tokens that were issued until now, with the sessions that they opened
    on any host: within a second. API keys go on; each is revoked by itself. The issuer is not told."""
    await services.store.directory.end_sign_ins(caller.user_id)
    services.browser.sessions.end_named(caller.user_id)
    return Response(status_code=204)


async def _profile(services: Services, caller: UserCaller) -> Profile:
    user = await services.store.directory.user(caller.user_id)
    if user is None:
        raise NotFound("There is no such user.")
    addresses = await services.store.directory.addresses(caller.user_id)
    return Profile.of(user, addresses, await services.store.proofs.of_user(caller.user_id))


def _proofs(services: Services) -> AddressProofs:
    return AddressProofs(services.store, MailedCodes(services.store, services.settings, services.signer))
