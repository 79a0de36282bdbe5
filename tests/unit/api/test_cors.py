"""Which web pages of other origins may read answers: those of the setting, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import reading

from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store

ORIGIN = "https://app.example.test"
ASKED = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}


def one_origin(settings: Settings) -> Settings:
    return replace(settings, api=replace(settings.api, cors_origins=(ORIGIN,)))


async def test_an_origin_of_the_setting_may_ask_with_credentials(
    store: Store, store_settings: StoreSettings
) -> None:
    async with (
        running_api(store, store_settings, changed=one_origin) as api,
        await reading(api) as client,
    ):
        preflight = await client.options("/api/emails", headers={"Origin": ORIGIN, **ASKED})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert "PATCH" in preflight.headers["access-control-allow-methods"]
        answer = await client.get("/api/emails", headers={"Origin": ORIGIN})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
        refused = await client.get("/api/nothing", headers={"Origin": ORIGIN})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, ORIGIN)


@pytest.mark.parametrize("origin", ["https://evil.test", "null", f"{ORIGIN}.evil.test"])
async def test_another_origin_reads_nothing(store: Store, store_settings: StoreSettings, origin: str) -> None:
    async with (
        running_api(store, store_settings, changed=one_origin) as api,
        await reading(api) as client,
    ):
        preflight = await client.options("/api/emails", headers={"Origin": origin, **ASKED})
        assert preflight.status_code == 400
        for answer in (preflight, await client.get("/api/emails", headers={"Origin": origin})):
            assert "access-control-allow-origin" not in answer.headers


async def test_the_contracts_client_may_ask_by_default(api: ApiHost) -> None:
    async with api.client() as client:
        asked = {**ASKED, "Access-Control-Request-Headers": "x-signalr-user-agent, x-requested-with"}
        answer = await client.options(
            "/hubs/email/negotiate", headers={"Origin": "http://localhost:5173", **asked}
        )
    assert answer.status_code == 200
