"""A browser at the real API host, and providers that the test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.oidc.served import AUDIENCE, ServedIssuer, served_issuer

from mailkeep.settings import Settings, StoreSettings
from mailkeep.settings_identity import IssuerSettings
from mailkeep.settings_sessions import ProviderSettings, SessionSettings
from mailkeep.storage.interface import Store

ACCESS_TOKEN = "access-4f0c7d"
ADDRESS = "ann@gmail.example"


@dataclass
class Browser:
    """Keeps cookies as a browser does, and follows no redirect by itself."""

    client: httpx2.AsyncClient
    issuer: ServedIssuer

    async def sent_away(self, provider: str, return_to: str = "/") -> dict[str, str]:
        """What the authorization request says."""
        asked = {"provider": provider, "return_to": return_to}
        answer = await self.client.get("/oauth/authorize", params=asked)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def comes_back(self, **query: str) -> httpx2.Response:
        return await self.client.get("/oauth/callback", params=query)

    async def connect(self, provider: str = "gmail", **answer: object) -> httpx2.Response:
        """The whole way: the provider agrees and says whose mailbox it is."""
        asked = await self.sent_away(provider)
        granted = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 600, **answer}
        self.issuer.codes["code-1"] = granted
        self.issuer.people[str(granted["access_token"])] = {"email": ADDRESS, "email_verified": True}
        return await self.comes_back(state=asked["state"], code="code-1")

    async def status(self) -> dict[str, object]:
        found: dict[str, object] = (await self.client.get("/oauth/status")).json()
        return found


@pytest.fixture
async def issuer() -> AsyncIterator[ServedIssuer]:
    async with served_issuer() as served:
        yield served


@pytest.fixture
async def api(store: Store, store_settings: StoreSettings, issuer: ServedIssuer) -> AsyncIterator[ApiHost]:
    def changed(settings: Settings) -> Settings:
        places = {
            "authorization_endpoint": f"{issuer.issuer}/authorize",
            "token_endpoint": f"{issuer.issuer}/token",
        }
        providers = (
            ProviderSettings("gmail", "us", userinfo_endpoint=f"{issuer.issuer}/me", **places),
            ProviderSettings("outlook", "us", client_secret="hush", **places),
            ProviderSettings("oidc", "us", issuer=issuer.issuer, resource=AUDIENCE),
        )
        trusted = IssuerSettings(issuer.issuer, audiences=(AUDIENCE,))
        return replace(
            settings,
            auth=replace(settings.auth, issuers=(trusted,)),
            sessions=SessionSettings(cleanup_seconds=0.1, providers=providers),
        )

    async with running_api(store, store_settings, changed=changed) as host:
        yield host


@pytest.fixture
async def browser(api: ApiHost, issuer: ServedIssuer) -> AsyncIterator[Browser]:
    async with api.client() as client:
        yield Browser(client, issuer)


@pytest.fixture
async def other_browser(api: ApiHost, issuer: ServedIssuer) -> AsyncIterator[Browser]:
    async with api.client() as client:
        yield Browser(client, issuer)
