"""What a web client reads before anything else: where its users sign in. Its browser gets the cookie by which
it is known again, see `browsers`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from mailkeep.settings import Settings
from mailkeep_api.browsers import COOKIE, SECURE_COOKIE, cookie_of, new_cookie
from mailkeep_api.deps import ServicesDep
from mailkeep_api.schemas import Shape

router = APIRouter(tags=["config"])


class ClientConfig(Shape):
    """Empty where nothing is set."""

    oidc_authority: str
    oidc_client_id: str
    oidc_redirect_uri: str
    oidc_scope: str


@router.get("/config/config.json", summary="How a web client signs its users in")
async def client_config(request: Request, services: ServicesDep, response: Response) -> ClientConfig:
    """Public: a browser's part of the sign-in holds no secret."""
    response.headers["Cache-Control"] = "private, no-cache"  # the answer sets a cookie of one browser
    if not cookie_of(request.cookies):
        secure = request.url.scheme == "https" or services.settings.api.public_url.startswith("https:")
        name = SECURE_COOKIE if secure else COOKIE
        response.set_cookie(name, new_cookie(), httponly=True, secure=secure, samesite="strict", path="/")
    return _config(services.settings)


def _config(settings: Settings) -> ClientConfig:
    api, issuers = settings.api, settings.auth.issuers
    return ClientConfig(
        oidc_authority=api.oidc_authority or (issuers[0].issuer if issuers else ""),
        oidc_client_id=api.oidc_client_id,
        oidc_redirect_uri=api.oidc_redirect_uri,
        oidc_scope=api.oidc_scope,
    )
