"""What a first sign-in is to: the provider's endpoints, our client there, what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from mailkeep.settings_identity import is_loopback
from mailkeep.upstream.errors import UpstreamCode, UpstreamError
from mailkeep.upstream.refresh.endpoint import (
    GOOGLE_TOKEN_ENDPOINT,
    MICROSOFT,
    microsoft_token_endpoint,
)

OUTLOOK_SCOPE = (
    "offline_access https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send"
)
GMAIL_SCOPE = "https://mail.google.com/"
OIDC_SCOPE = "openid offline_access"
REDIRECT_URI = "http://127.0.0.1:8765/callback"
KINDS = ("outlook", "gmail", "oidc")


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """All but what the sign-in itself makes up. Endpoints that are "" come by discovery of `issuer`."""

    kind: str
    client_id: str
    scope: str
    redirect_uri: str = REDIRECT_URI
    client_secret: str = field(default="", repr=False)
    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    device_endpoint: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    ca_file: str = ""

    def __post_init__(self) -> None:
        """Raises UpstreamError with a sentence that names the variable to set."""
        if not self.client_id:
            raise _wrong("Set CLIENT_ID to what the provider calls this program.")
        parts = urlsplit(self.redirect_uri)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _wrong("REDIRECT_URI is a URL like http://127.0.0.1:8765/callback.")

    @property
    def listens_at(self) -> tuple[str, int, str] | None:
        """(host, port, path) if the redirect URI is one that this machine can answer itself, else None: then
        the person pastes where they ended up."""
        parts = urlsplit(self.redirect_uri)
        if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
            return None
        return parts.hostname or "", parts.port or 80, parts.path or "/"


def plan_from(kind: str, variables: Mapping[str, str]) -> BootstrapPlan:
    """By CLIENT_ID, CLIENT_SECRET, TENANT, ISSUER, REDIRECT_URI, SCOPE and CA_FILE. Raises UpstreamError."""
    shared = BootstrapPlan(
        kind=kind,
        client_id=variables.get("CLIENT_ID", ""),
        client_secret=variables.get("CLIENT_SECRET", ""),
        scope=variables.get("SCOPE", ""),
        redirect_uri=variables.get("REDIRECT_URI") or REDIRECT_URI,
        ca_file=variables.get("CA_FILE", ""),
    )
    if kind == "outlook":
        return _outlook(shared, variables.get("TENANT") or "common")
    if kind == "gmail":
        return _gmail(shared)
    if kind == "oidc":
        issuer = variables.get("ISSUER", "")
        if not issuer:
            raise _wrong("Set ISSUER to the issuer's URL.")
        return replace(shared, scope=shared.scope or OIDC_SCOPE, issuer=issuer)
    raise _wrong(f"'{kind}' is no kind of account: {', '.join(KINDS)}.")


def _outlook(shared: BootstrapPlan, tenant: str) -> BootstrapPlan:
    base = f"{MICROSOFT}/{quote(tenant, safe='')}/oauth2/v2.0"
    return replace(
        shared,
        scope=shared.scope or OUTLOOK_SCOPE,
        authorization_endpoint=f"{base}/authorize",
        token_endpoint=microsoft_token_endpoint(tenant),
        device_endpoint=f"{base}/devicecode",
    )


def _gmail(shared: BootstrapPlan) -> BootstrapPlan:
    return replace(
        shared,
        scope=shared.scope or GMAIL_SCOPE,
        authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
        token_endpoint=GOOGLE_TOKEN_ENDPOINT,
        device_endpoint="https://oauth2.googleapis.com/device/code",
        # Google gives a refresh token only when asked so, and again only when it asks the person again.
        parameters={"access_type": "offline", "prompt": "consent"},
    )


def _wrong(sentence: str) -> UpstreamError:
    return UpstreamError(UpstreamCode.CONFIG, sentence)
