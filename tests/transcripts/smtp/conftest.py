"""One SMTP host a test, on each database; a module that needs other limits overrides `limits`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.smtp_host import SmtpHost, Wire, smtp_host

from mailkeep.net.development import DevelopmentCa
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store


@pytest.fixture
def limits() -> dict[str, Any]:
    """SmtpSettings that differ from the defaults; modules override it."""
    return {}


@pytest.fixture
def relay() -> RelaySettings:
    """Nothing leaves; modules override it."""
    return RelaySettings(route="off")


@pytest.fixture
async def host(
    store: Store, tmp_path: Path, ca: DevelopmentCa, limits: dict[str, Any], relay: RelaySettings
) -> AsyncIterator[SmtpHost]:
    """A running host."""
    async with smtp_host(store, tmp_path / "data", ca, relay=relay, **limits) as running:
        yield running


@pytest.fixture
async def mx(host: SmtpHost) -> AsyncIterator[Wire]:
    """A fresh connection to the MX listener."""
    wire = await host.connect("mx")
    yield wire
    await wire.close()
