"""The running host that most of these tests ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


@pytest.fixture
async def api(store: Store, store_settings: StoreSettings) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings) as host:
        yield host
