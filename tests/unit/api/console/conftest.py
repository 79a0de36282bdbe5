"""Browsers at the real API host, one of them signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import httpx2
import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.dns_zone import DnsZone

from mailkeep.model.scope import Scope
from mailkeep.settings import ImapSettings, Settings, SmtpSettings, StoreSettings
from mailkeep.settings_dns import DnsSettings
from mailkeep.settings_sessions import ProviderSettings, SessionSettings
from mailkeep.storage.interface import Store

ANN = "ann@example.test"
OPERATOR = "Post.Master@example.test"
RECORDS = """
example.test. MX 10 mail.example.test.
mail.example.test. A 192.0.2.1
1.2.0.192.in-addr.arpa. PTR mail.example.test.
"""


@dataclass
class Visitor:
    """A browser whose cookie is good, and the user behind it."""

    client: httpx2.AsyncClient
    user_id: UUID

    async def page(self, path: str) -> str:
        """A page that can be shown."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def csrf(self) -> dict[str, str]:
        """The header of a write."""
        return {"X-CSRF-Token": (await self.client.get("/oauth/status")).json()["csrfToken"]}


def changed(settings: Settings, zone: DnsZone) -> Settings:
    """An issuer, a mailbox to connect, an operator, and DNS that knows the domain."""
    providers = (
        ProviderSettings("gmail", "us"),
        ProviderSettings("oidc", "us", name="work_place", issuer="http://127.0.0.1:9"),
    )
    return replace(
        settings,
        api=replace(settings.api, operators=(OPERATOR,)),
        sessions=SessionSettings(providers=providers),
        imap=ImapSettings(tls=("127.0.0.1:2993",)),
        smtp=SmtpSettings(
            mx=("127.0.0.1:2025",), hostname="mail.example.test", submission=("127.0.0.1:2587",)
        ),
        dns=DnsSettings(nameservers=(zone.place,)),
    )


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone(RECORDS) as served:
        yield served


@pytest.fixture
async def api(store: Store, store_settings: StoreSettings, zone: DnsZone) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings, changed=partial(changed, zone=zone)) as host:
        yield host


@pytest.fixture
async def stranger(api: ApiHost) -> AsyncIterator[httpx2.AsyncClient]:
    async with api.client() as client:
        yield client


@pytest.fixture
async def ann(api: ApiHost) -> AsyncIterator[Visitor]:
    user_id = await api.user(ANN)
    async with api.client() as client:
        answer = await client.post("/oauth/key", json={"key": await api.key(user_id, Scope.APP)})
        assert answer.status_code == 200, answer.text
        yield Visitor(client, user_id)
