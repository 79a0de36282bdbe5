"""The web client's configuration, and what it hears below paths that do not exist."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.api_host import ApiHost, api_settings

from mailkeep.settings import IssuerSettings, StoreSettings
from mailkeep_api.browsers import COOKIE
from mailkeep_api.routes.config import _config

SCOPE = "openid profile email"


async def test_what_is_not_set_is_empty(api: ApiHost) -> None:
    async with api.client() as client:
        answer = await client.get("/config/config.json")
    assert answer.status_code == 200
    assert answer.json() == {
        "oidcAuthority": "",
        "oidcClientId": "",
        "oidcRedirectUri": "",
        "oidcScope": SCOPE,
    }


async def test_a_browser_gets_a_cookie_once_that_scripts_and_other_sites_cannot_use(api: ApiHost) -> None:
    async with api.client() as client:
        first = await client.get("/config/config.json")
        again = await client.get("/config/config.json")
    assert first.headers["cache-control"] == "private, no-cache"
    name, *attributes = first.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert set(attributes) == {"HttpOnly", "Path=/", "SameSite=strict"}
    assert "set-cookie" not in again.headers


def test_the_first_issuer_is_the_authority_unless_another_is_set() -> None:
    settings = api_settings(StoreSettings(), 1)
    issuer = IssuerSettings("https://id.example.test")
    settings = replace(settings, auth=replace(settings.auth, issuers=(issuer,)))
    assert _config(settings).oidc_authority == "https://id.example.test"
    other = replace(settings, api=replace(settings.api, oidc_authority="https://login.example.test"))
    assert _config(other).oidc_authority == "https://login.example.test"


@pytest.mark.parametrize("path", ["/api/nothing", "/hubs/nothing", "/config/nothing", "/api/emails/no-id"])
async def test_what_is_not_there_is_404_in_json(api: ApiHost, path: str) -> None:
    async with api.client("wrong") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
    assert answer.headers["content-type"] == "application/problem+json"
