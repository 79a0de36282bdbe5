"""`mailkeep store collect`, on a store that other processes may be using."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.settings import StoreSettings
from mailkeep.storage import collecting, open_store
from mailkeep_cli import context
from mailkeep_cli.main import main


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "configure", lambda _settings: None)


def collect(settings: StoreSettings, *words: str) -> Result:
    where = ["--data-dir", settings.data_dir, "--database", settings.database]
    return CliRunner().invoke(main, ["store", "collect", *words, *where])


async def deliver(settings: StoreSettings) -> None:
    store = await open_store(settings)
    target = DeliveryTarget(Address.parse("bob@example.test"))
    await store.committer.deliver(Delivery(prepare(b"A: b\r\n\r\nhi\r\n"), (target,), datetime.now(UTC)))
    await store.close()


def test_what_was_removed(store_settings: StoreSettings) -> None:
    asyncio.run(deliver(store_settings))
    assert collect(store_settings).stdout == "Removed 0 messages and 0 of content.\n"
    facts = json.loads(collect(store_settings, "--unclaimed-days", "1", "--json").stdout)
    assert facts == {"expired": 0, "accounts": 0, "messages": 0, "blobs": 0, "octets": 0, "changes": 0}


def test_one_at_a_time(sqlite_settings: StoreSettings) -> None:
    async def meanwhile() -> Result:
        store = await open_store(sqlite_settings)
        async with store.locks.hold(collecting.LOCK):
            refused = await asyncio.to_thread(collect, sqlite_settings)
        await store.close()
        return refused

    refused = asyncio.run(meanwhile())
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "Another process is collecting" in refused.stderr
