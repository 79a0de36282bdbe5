"""What mail programs and mail servers ask a domain's host by themselves. Public: it tells where the listeners
are, which anybody can try, and which domains are served, which their MX records say. What writes the
documents is loaded when somebody asks: few do, and once.

What is asked for a domain that is not hosted is 404: nobody's mail program is sent here by mistake.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.address import Address, normal_domain
from mailkeep.smtp.sts_policy import policy_text
from mailkeep_api import file_names
from mailkeep_api.autoconfig.places import listeners, public_url
from mailkeep_api.deps import Services, ServicesDep

router = APIRouter(include_in_schema=False)

XML = "application/xml; charset=utf-8"
APPLE = "application/x-apple-aspen-config"
STS_HOST = "mta-sts."  # RFC 8461 section 3.3

AddressQuery = Annotated[str, Query(alias="emailaddress", max_length=320)]


@router.get("/.well-known/autoconfig/mail/config-v1.1.xml")
@router.get("/mail/config-v1.1.xml")
async def thunderbird_config(request: Request, services: ServicesDep, address: AddressQuery = "") -> Response:
    """For the domain of the address, else for the domain whose `autoconfig` host is asked."""
    from mailkeep_api.autoconfig import thunderbird  # noqa: PLC0415  see the module

    host = (request.url.hostname or "").removeprefix("autoconfig.")
    domain = address.rpartition("@")[2] if address else host
    found = thunderbird.config(await _hosted(services, domain), listeners(services.settings))
    return Response(found, media_type=XML)


@router.post("/autodiscover/autodiscover.xml")
@router.post("/Autodiscover/Autodiscover.xml")
async def outlook_settings(request: Request, services: ServicesDep) -> Response:
    """Always 200, as its clients expect: a refusal is in the document."""
    from mailkeep_api.autoconfig import outlook  # noqa: PLC0415  see the module

    try:
        address = await _address(services, outlook.address_in(await request.body()))
    except (InvalidName, NotFound):
        return Response(outlook.refusal(), media_type=XML)
    return Response(outlook.settings_for(str(address), listeners(services.settings)), media_type=XML)


@router.get("/autodiscover/autodiscover.json")
@router.get("/autodiscover/autodiscover.json/v1.0/{path_address}")
async def outlook_json(
    request: Request,
    services: ServicesDep,
    path_address: str = "",
    address: Annotated[str, Query(alias="Email", max_length=320)] = "",
    protocol: Annotated[str, Query(alias="Protocol", max_length=50)] = "",
) -> Response:
    """Version 2 names where version 1 is."""
    await _address(services, path_address or address)
    if protocol.lower() != "autodiscoverv1":
        told = {"ErrorCode": "InvalidProtocol", "ErrorMessage": "The only protocol is AutodiscoverV1."}
        return JSONResponse(told, 400)
    base = public_url(services.settings, str(request.base_url))
    return JSONResponse({"Protocol": "AutodiscoverV1", "Url": f"{base}/autodiscover/autodiscover.xml"})


@router.get("/.well-known/mail.mobileconfig")
@router.get("/mail/apple.mobileconfig")
async def apple_profile(services: ServicesDep, address: AddressQuery) -> Response:
    """A file to install, for one address of a hosted domain, whether or not anybody has it."""
    from mailkeep_api.autoconfig import apple  # noqa: PLC0415  see the module

    known = str(await _address(services, address))
    found = apple.profile(known, "", listeners(services.settings))
    disposition = file_names.attachment(f"{known}.mobileconfig")
    return Response(found, media_type=APPLE, headers={"Content-Disposition": disposition})


@router.get("/.well-known/mta-sts.txt")
async def mta_sts(request: Request, services: ServicesDep) -> Response:
    """RFC 8461 section 3.2, for the hosted domain whose `mta-sts` host is asked."""
    host = request.url.hostname or ""
    if not host.startswith(STS_HOST):
        raise NotFound("The policy is served on the host mta-sts of its domain.")
    await _hosted(services, host.removeprefix(STS_HOST))
    smtp = services.settings.smtp
    return Response(policy_text(smtp.mta_sts_mode, smtp.hostname), media_type="text/plain")


@router.get("/.well-known/oauth-protected-resource")
async def protected_resource(request: Request, services: ServicesDep) -> JSONResponse:
    """RFC 9728: who issues the tokens that this API takes."""
    settings = services.settings
    told: dict[str, object] = {
        "resource": public_url(settings, str(request.base_url)),
        "resource_name": "Mailkeep",
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["api:read", "api:write", "app"],
    }
    if settings.auth.issuers:
        told["authorization_servers"] = [issuer.issuer for issuer in settings.auth.issuers]
    return JSONResponse(told, headers={"Cache-Control": "public, max-age=3600"})


async def _hosted(services: Services, name: str) -> str:
    """The domain's normal name. Raises NotFound."""
    try:
        found = await services.store.directory.domain(normal_domain(name))
    except InvalidName:
        found = None
    if found is None:
        raise NotFound("That domain is not hosted here.")
    return found.name


async def _address(services: Services, text: str) -> Address:
    """Raises InvalidName, NotFound."""
    address = Address.parse(text)
    await _hosted(services, address.domain)
    return address
