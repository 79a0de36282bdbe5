"""Events of changes that another process made: IMAP and POP3 are such."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import ANN, NOON, deliver, keep, plain, reading
from tests.support.event_stream import Events, heard, listening

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api import positions
from mailkeep_api.following import Following
from mailkeep_api.hub import Hub

SEEN = Flags.parse(["\\Seen"])


async def told(events: Events) -> tuple[str, Any]:
    event = await heard(events)
    return event["event"], json.loads(event["data"])


async def mailbox(store: Store, name: str) -> int:
    user = await store.directory.user_by_address(ANN)
    assert user is not None
    return (await store.mailboxes.get(user.account_id, name)).id


@pytest.fixture(autouse=True)
def _no_notifications(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is heard here, the change log tells."""
    monkeypatch.setattr("mailkeep_api.taking.PAGES", 0)


async def test_what_other_processes_change_is_heard(api: ApiHost) -> None:
    async with await reading(api) as client, open_test_store(api.settings.store) as imap:
        ids = [str(await deliver(api, plain(f"n{number}"))) for number in range(3)]
        inbox, trash = await mailbox(imap, "INBOX"), await mailbox(imap, "Trash")
        async with listening(client) as events:
            await imap.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, SEEN)
            assert await told(events) == ("EmailUpdated", {"id": ids[0], "isRead": True})
            assert await told(events) == ("UnreadCountChanged", 2)
            await imap.committer.expunge(inbox, UidSet.of([2]), only_deleted=False)
            assert await told(events) == ("EmailDeleted", ids[1])
            assert await told(events) == ("UnreadCountChanged", 1)
            await imap.committer.move(inbox, UidSet.of([3]), trash)
            assert await told(events) == ("EmailDeleted", ids[2])


async def test_what_a_client_appends_is_new_mail_and_what_it_moves_house_with_is_not(api: ApiHost) -> None:
    async with await reading(api) as client, listening(client) as events:
        await keep(api, ANN, "INBOX", plain("appended"), datetime.now(UTC))
        name, shown = await told(events)
        assert (name, shown["from"], shown["subject"]) == ("NewEmail", "b@other.test", "appended")
        assert await told(events) == ("UnreadCountChanged", 1)
        await keep(api, ANN, "INBOX", plain("of long ago"), NOON)
        assert await told(events) == ("UnreadCountChanged", 2)
        await keep(api, ANN, "Sent", plain("sent"), datetime.now(UTC))
        await keep(api, ANN, "INBOX", plain("again"), datetime.now(UTC))
        heard = []
        while ("UnreadCountChanged", 4) not in heard:  # two changes in one moment may be told of as one
            heard.append(await told(events))
        assert [name for name, _ in heard].count("NewEmail") == 1


async def test_a_whole_mailbox_at_once_is_one_word_to_read_anew(
    api: ApiHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.account_news.TOLD_LIMIT", 2)
    async with await reading(api) as client:
        for number in range(3):
            await deliver(api, plain(f"n{number}"))
        async with listening(client) as events:
            box = await mailbox(api.store, "INBOX")
            await api.store.committer.store_flags(box, UidSet.of([1, 2, 3]), FlagAction.ADD, SEEN)
            assert await told(events) == ("Resync", {})
            assert await told(events) == ("UnreadCountChanged", 0)


async def test_a_new_mailbox_is_followed_too(api: ApiHost) -> None:
    async with await reading(api) as client, listening(client) as events:
        user = await api.store.directory.user_by_address(ANN)
        assert user is not None
        made = await api.store.mailboxes.create(user.account_id, "lists")
        await keep(api, ANN, "lists", plain("listed"))
        await api.store.committer.store_flags(made.id, UidSet.of([1]), FlagAction.ADD, SEEN)
        name, data = await told(events)
        while name != "EmailUpdated":  # what came between, if somebody looked then
            name, data = await told(events)
        assert (name, data["isRead"]) == ("EmailUpdated", True)


async def test_two_api_processes_tell_of_the_same_mail(store: Store, store_settings: StoreSettings) -> None:
    async with (
        running_api(store, store_settings) as one,
        open_test_store(store_settings) as second_store,
        running_api(second_store, store_settings) as other,
        await reading(one) as client,
        other.client(client.headers["authorization"].removeprefix("Bearer ")) as client_of_other,
        listening(client) as events,
        listening(client_of_other) as events_of_other,
    ):
        email_id = str(await deliver(one, plain("to both"), at=datetime.now(UTC)))
        for heard_by in (events, events_of_other):
            name, shown = await told(heard_by)
            assert (name, shown["id"]) == ("NewEmail", email_id)
            assert await told(heard_by) == ("UnreadCountChanged", 1)


async def test_a_stream_goes_on_at_another_process_where_it_stood(
    store: Store, store_settings: StoreSettings
) -> None:
    async with running_api(store, store_settings) as one:
        client = await reading(one)
        key = client.headers["authorization"].removeprefix("Bearer ")
        async with client, listening(client) as events:
            await deliver(one, plain("heard"), at=datetime.now(UTC))
            assert (await told(events))[0] == "NewEmail"
            last = (await heard(events))["id"]
    missed = [str(await deliver(one, plain(f"m{number}"), at=datetime.now(UTC))) for number in range(2)]
    async with (
        open_test_store(store_settings) as second_store,
        running_api(second_store, store_settings) as other,
    ):
        async with other.client(key) as client, listening(client, last) as events:
            first, second, count = await told(events), await told(events), await heard(events)
            assert [shown["id"] for _, shown in (first, second)] == missed
            assert (count["event"], count["data"]) == ("UnreadCountChanged", "3")
            live = str(await deliver(other, plain("live"), at=datetime.now(UTC)))
            assert (await told(events))[1]["id"] == live
            assert last.split(".")[0] != count["id"].split(".")[0]
        async with other.client(key) as client, listening(client, count["id"]) as events:
            assert (await told(events))[1]["id"] == live


async def test_a_position_that_never_was_is_the_word_to_read_anew(api: ApiHost) -> None:
    async with await reading(api) as client:
        for made_up in (positions.pack({1: 1 << 62}), positions.pack({12345: 1})):
            async with listening(client, f"00000000.7.{made_up}") as events:
                assert await told(events) == ("Resync", {})


async def test_who_comes_back_after_nobody_followed_is_told_from_where_they_stood(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep_api.following.LINGER_SECONDS", -1.0)
    monkeypatch.setattr("mailkeep_api.following.SWEEP_SECONDS", 0.02)
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(ANN)
    hub = Hub()
    following = Following(store, hub)
    assert await following.follow(user.id, user.account_id)
    assert not await following.follow(user.id, user.account_id)
    stood = following.position(user.id)
    stream = hub.subscribe(user.id)
    await asyncio.sleep(0.1)
    assert len(following) == 1
    hub.unsubscribe(stream)
    while len(following):
        await asyncio.sleep(0.01)
    missed = await following.missed(user.id, user.account_id, f"{hub.generation}.0.")
    again = hub.subscribe(user.id, f"{hub.generation}.0.", missed=missed)
    assert b"event: Resync" in (await again.next(1.0) or b"")
    while len(following) and not hub.unsubscribe(again):
        await asyncio.sleep(0.01)
    missed = await following.missed(user.id, user.account_id, hub.mark(stood))
    assert missed is not None
    assert missed.events == []
    await following.close()
