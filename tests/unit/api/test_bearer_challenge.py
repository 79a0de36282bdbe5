"""What a refused bearer is told in WWW-Authenticate (RFC 6750 section 3), on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


@pytest.fixture
async def api(store: Store, store_settings: StoreSettings) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings) as host:
        yield host


async def challenge(api: ApiHost, key: str = "") -> str:
    async with api.client(key) as client:
        answer = await client.get("/api/emails")
    assert answer.status_code == 401
    return str(answer.headers["www-authenticate"])


async def test_without_a_credential_there_is_no_error_code(api: ApiHost) -> None:
    assert await challenge(api) == 'Bearer realm="mailkeep"'


async def test_a_wrong_token_is_an_invalid_one(api: ApiHost) -> None:
    assert await challenge(api, "wrong") == 'Bearer realm="mailkeep", error="invalid_token"'


async def test_a_right_one_made_for_something_else_lacks_the_scope(api: ApiHost) -> None:
    key = await api.key(await api.user("ann@example.test"), Scope.IMAP)
    assert await challenge(api, key) == 'Bearer realm="mailkeep", error="insufficient_scope"'
