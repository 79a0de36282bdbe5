"""What this server can do, for clients that ask before they sign in."""

from __future__ import annotations

from fastapi import APIRouter

from mailkeep_api.deps import ServicesDep
from mailkeep_api.schemas import Shape

router = APIRouter(prefix="/api", tags=["discovery"])

API_VERSION = "v1"
CONTRACT_VERSION = "1.0.0"


class Discovery(Shape):
    """The features are those that work, in the contract's order."""

    version: str
    api_version: str
    oidc_enabled: bool
    features: list[str]


@router.get("/discovery", summary="Versions and features of this server")
async def discovery(services: ServicesDep) -> Discovery:
    """Public: it names no user and no setting that is not visible on the wire anyway."""
    settings = services.settings
    enabled = {
        "smtp": bool(settings.smtp.submission or settings.smtp.submissions or settings.smtp.mx),
        "pop3": bool(settings.pop3.plain or settings.pop3.tls),
        "imap": bool(settings.imap.plain or settings.imap.tls),
        "api-keys": True,
        "labels": True,
        "filters": True,
        "preferences": True,
        "oidc": bool(settings.auth.issuers),
    }
    return Discovery(
        version=CONTRACT_VERSION,
        api_version=API_VERSION,
        oidc_enabled=bool(settings.auth.issuers),
        features=[name for name, on in enabled.items() if on],
    )
