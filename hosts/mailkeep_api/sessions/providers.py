"""Where a browser is sent to sign in: Google, Microsoft, or an OpenID Connect issuer.

A provider is settings with the gaps filled: by what its kind is known for, or by the discovery document. No
refresh token is ever asked for, and one that comes anyway is not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from mailkeep.auth.tokens.documents import openid_configuration
from mailkeep.auth.tokens.facts import is_same_issuer
from mailkeep.net.outbound import OutboundClient, OutboundFailed
from mailkeep.settings_identity import is_safe_url
from mailkeep.settings_sessions import ProviderKind, ProviderSettings, read_provider_secret

MICROSOFT = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a kind of provider without being told."""

    scope: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""  # "": the address is read from the ID token
    parameters: Mapping[str, str] = field(default_factory=dict)
    imap: str = ""
    smtp: str = ""
    signs_in: bool = False  # its access tokens are for this API


KINDS: Mapping[ProviderKind, Kind] = {
    "gmail": Kind(
        scope="openid email https://mail.google.com/",
        authorization_endpoint="https://accounts.google.com/o/oauth2/v2/auth",
        token_endpoint="https://oauth2.googleapis.com/token",  # noqa: S106  an address
        userinfo_endpoint="https://openidconnect.googleapis.com/v1/userinfo",
        parameters={"access_type": "online", "prompt": "consent"},
        imap="imap.gmail.com:993",
        smtp="smtp.gmail.com:465",
    ),
    # Microsoft's userinfo belongs to Graph and takes no token for mail: the ID token has the address.
    "outlook": Kind(
        scope="openid email profile https://outlook.office.com/IMAP.AccessAsUser.All"
        " https://outlook.office.com/SMTP.Send",
        authorization_endpoint=MICROSOFT + "/{tenant}/oauth2/v2.0/authorize",
        token_endpoint=MICROSOFT + "/{tenant}/oauth2/v2.0/token",
        parameters={"prompt": "select_account"},
        imap="outlook.office365.com:993",
        smtp="smtp.office365.com:587",
    ),
    "oidc": Kind(scope="openid email profile", signs_in=True),
}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one provider is asked. `userinfo` is "" where the ID token must do."""

    authorization: str
    token: str
    userinfo: str


class Provider:
    """One configured provider, with its connection. `close` when nobody signs in any more."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self.kind = KINDS[settings.kind]
        self.client = OutboundClient(settings.timeout_seconds, settings.ca_file)
        self._found: Endpoints | None = None

    @property
    def name(self) -> str:
        """What the address of the sign-in page calls it."""
        return self.settings.name

    @property
    def scope(self) -> str:
        """What is asked for, words with a space between."""
        return self.settings.scope or self.kind.scope

    @property
    def parameters(self) -> Mapping[str, str]:
        """Further parameters of the authorization request."""
        named = {"resource": self.settings.resource} if self.settings.resource else {}
        return {**self.kind.parameters, **self.settings.parameters, **named}

    @property
    def imap(self) -> str:
        """ "host:port" of the connected account's IMAP server, "" if there is none."""
        return self.settings.imap or self.kind.imap

    @property
    def smtp(self) -> str:
        """ "host:port" of the connected account's submission server, "" if there is none."""
        return self.settings.smtp or self.kind.smtp

    async def endpoints(self) -> Endpoints:
        """By settings, by kind, by discovery, in this order. Raises OutboundFailed."""
        if self._found is None:
            self._found = self._complete(await self._discovered())
        return self._found

    async def secret(self) -> str:
        """Ours at the provider, "" for a public client. Read at each use, so that it may be changed.

        Raises OutboundFailed if its file cannot be read.
        """
        try:
            return await asyncio.to_thread(read_provider_secret, self.settings)
        except (OSError, ValueError):
            raise OutboundFailed(f"the client secret of {self.name} cannot be read") from None

    async def close(self) -> None:
        """Let go of the connections."""
        await self.client.close()

    async def _discovered(self) -> Mapping[str, object]:
        issuer = self.settings.issuer
        if not issuer:
            return {}
        document = await self.client.get(openid_configuration(issuer))
        if not is_same_issuer(document.get("issuer"), issuer):
            raise OutboundFailed("the discovery document names another issuer")
        return document

    def _complete(self, document: Mapping[str, object]) -> Endpoints:
        found = []
        for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint"):
            url = getattr(self.settings, name) or getattr(self.kind, name) or document.get(name, "")
            if not isinstance(url, str):
                raise OutboundFailed(f"the discovery document has no usable {name}")
            found.append(url.replace("{tenant}", quote(self.settings.tenant, safe="")))
        if not (is_safe_url(found[0]) and is_safe_url(found[1])):
            raise OutboundFailed(f"{self.name} names no endpoint that may be used")
        return Endpoints(*found)
