"""A running API host sends the digest that a user asked it for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import deliver, plain, writing

from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api.digesting import sender


@pytest.fixture
async def api(
    store: Store, store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ApiHost]:
    """That looks for digests all the time."""
    monkeypatch.setattr(sender, "LOOK_SECONDS", 0.1)
    async with running_api(store, store_settings) as host:
        yield host


async def test_a_digest_comes_when_the_user_said(api: ApiHost) -> None:
    async with await writing(api) as client:
        await deliver(api, plain("Lunch?"), at=datetime.now(UTC))
        soon = datetime.now(UTC) + timedelta(seconds=8)
        chosen = {"emailDigest": True, "digestFrequency": "daily", "digestTime": f"{soon:%H:%M:%S}"}
        assert (await client.put("/api/preferences", json=chosen)).status_code == 200
        async with asyncio.timeout(60):
            while (found := (await client.get("/api/emails")).json())["totalCount"] < 2:
                await asyncio.sleep(0.1)
        digest = (await client.get(f"/api/emails/{found['items'][0]['id']}")).json()
    assert digest["subject"].startswith("1 unread message since")
    assert "Bob, " in digest["textBody"]
    assert "Lunch?" in digest["textBody"]
