"""Server-sent events over a real connection: the news, resuming, and the end of a stream."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.event_stream import Events, heard, listening

from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


async def tell(api: ApiHost, user: UUID, subject: str, key: str, idempotency_key: str = "") -> None:
    body = {
        "userIds": [str(user)],
        "email": {
            "id": str(uuid4()),
            "from": "b@other.test",
            "subject": subject,
            "receivedAt": "2026-01-02T03:04:05Z",
            "hasAttachments": True,
        },
    }
    async with api.client(key) as client:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = await client.post("/api/internal/notifications/new-email", json=body, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")


async def news(events: Events) -> dict[str, str]:
    """The next NewEmail, and the count that follows it."""
    event, count = await heard(events), await heard(events)
    assert (event["event"], count["event"]) == ("NewEmail", "UnreadCountChanged")
    return event


async def test_new_mail_is_heard_by_its_user_alone(api: ApiHost) -> None:
    internal = await api.key(None, Scope.INTERNAL)
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with (
        api.client(await api.key(ann, Scope.API_READ)) as ann_client,
        api.client(await api.key(bob, Scope.APP)) as bob_client,
        listening(ann_client) as ann_events,
        listening(bob_client) as bob_events,
    ):
        await tell(api, ann, "for Ann", internal)
        await tell(api, bob, "for Bob", internal)
        first, second = await news(ann_events), await news(bob_events)
    assert first["event"] == second["event"] == "NewEmail"
    assert '"subject":"for Ann"' in first["data"]
    assert '"from":"b@other.test","fromDisplay":null' in first["data"]
    assert '"hasAttachments":true' in first["data"]
    assert '"subject":"for Bob"' in second["data"]


async def test_a_repeated_notification_is_heard_once(api: ApiHost) -> None:
    internal = await api.key(None, Scope.INTERNAL)
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.API_READ)) as client, listening(client) as events:
        for subject, key in (("one", "1"), ("one", "1"), ("two", "2")):
            await tell(api, ann, subject, internal, key)
        assert '"one"' in (await news(events))["data"]
        assert '"two"' in (await news(events))["data"]


async def test_a_client_that_returns_hears_what_it_missed(api: ApiHost) -> None:
    internal = await api.key(None, Scope.INTERNAL)
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.API_READ)) as client:
        async with listening(client) as events:
            await tell(api, ann, "one", internal)
            await heard(events)
            last = (await heard(events))["id"]
        await tell(api, ann, "two", internal)
        async with listening(client, last) as events:
            assert '"two"' in (await news(events))["data"]


async def test_a_stream_ends_when_its_user_is_disabled(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.API_READ)) as client, listening(client) as events:
        await api.store.directory.set_disabled(ann, True)
        with pytest.raises(StopAsyncIteration):
            await heard(events)


async def test_streams_end_when_the_host_stops(store: Store, store_settings: StoreSettings) -> None:
    async with running_api(store, store_settings) as api:
        ann = await api.user("ann@example.test")
        client = api.client(await api.key(ann, Scope.API_READ))
        stream = listening(client)
        events = await stream.__aenter__()
    with pytest.raises(StopAsyncIteration):
        await heard(events)
    await stream.__aexit__(None, None, None)
    await client.aclose()
