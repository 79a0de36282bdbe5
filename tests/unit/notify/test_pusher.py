"""The outbox against a real API host: late is allowed, lost and doubled are not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.event_stream import Events, heard, listening
from tests.support.ports import free_port

from mailkeep.errors import SettingsError
from mailkeep.mime.prepare import prepare
from mailkeep.model.address import Address
from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.model.scope import Scope
from mailkeep.notify.pusher import OutboxPusher, read_key
from mailkeep.settings import NotifySettings, StoreSettings
from mailkeep.storage.interface import Store

ANN = Address.parse("ann@example.test")
KEY_FILE = "internal.key"


async def deliver(store: Store, *subjects: str) -> None:
    for subject in subjects:
        message = prepare(f"From: Bob <b@other.test>\r\nSubject: {subject}\r\n\r\nHello.\r\n".encode())
        await store.committer.deliver(Delivery(message, (DeliveryTarget(ANN),), datetime.now(UTC)))


async def write_key(api: ApiHost, directory: Path) -> None:
    (directory / KEY_FILE).write_text(await api.key(None, Scope.INTERNAL))


@asynccontextmanager
async def pushing(store: Store, directory: Path, port: int) -> AsyncIterator[None]:
    settings = NotifySettings(
        api_url=f"http://127.0.0.1:{port}", key_file=str(directory / KEY_FILE), retry_seconds=0.05
    )
    task = asyncio.create_task(OutboxPusher(store, settings).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def news(events: Events) -> dict[str, str]:
    """The next NewEmail; the counts of unread mail that follow each are another matter."""
    while (event := await heard(events))["event"] != "NewEmail":
        pass
    return event


async def test_delivered_mail_is_told_in_order(
    store: Store, store_settings: StoreSettings, tmp_path: Path
) -> None:
    port = free_port()
    async with running_api(store, store_settings, port) as api:
        await write_key(api, tmp_path)
        ann = await api.user(str(ANN))
        async with (
            api.client(await api.key(ann, Scope.API_READ)) as client,
            listening(client) as events,
            pushing(store, tmp_path, port),
        ):
            await deliver(store, "one", "two", "three")
            told = [await news(events) for _ in range(3)]
    for subject, event in zip(("one", "two", "three"), told, strict=True):
        assert f'"subject":"{subject}"' in event["data"]
        assert '"from":"b@other.test","fromDisplay":"Bob"' in event["data"]


async def test_while_the_api_is_down_notifications_wait_and_each_comes_once(
    store: Store, store_settings: StoreSettings, tmp_path: Path
) -> None:
    port = free_port()
    async with running_api(store, store_settings, port) as api:
        await write_key(api, tmp_path)
        ann = await api.user(str(ANN))
        read_only = await api.key(ann, Scope.API_READ)
    async with pushing(store, tmp_path, port):
        await deliver(store, *(f"waiting {n}" for n in range(5)))
        await asyncio.sleep(0.3)  # several refused attempts
        async with (
            running_api(store, store_settings, port) as api,
            api.client(read_only) as client,
            listening(client) as events,
        ):
            told = [(await news(events))["data"] for _ in range(5)]
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(news(events), 0.5)
    subjects = sorted(data.split('"subject":"')[1].split('"')[0] for data in told)
    assert subjects == [f"waiting {n}" for n in range(5)]


async def test_mail_for_an_unclaimed_address_tells_nobody(
    store: Store, store_settings: StoreSettings
) -> None:
    await store.directory.add_domain("example.test")
    await deliver(store, "nobody's yet")
    assert await store.outbox.claim(10, 1) == []


def test_a_key_file_that_is_missing_or_empty_is_a_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_key(str(tmp_path / "none"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        read_key(str(tmp_path / "empty"))
