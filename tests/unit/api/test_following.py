"""Events of changes that another process made: IMAP and POP3 are such."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, deliver, keep, plain, reading
from tests.support.event_stream import Events, heard, listening

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store
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


async def test_mail_that_nobody_announces_is_counted(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep_api.following.GROWTH_SECONDS", 0.05)
    async with await reading(api) as client, listening(client) as events:
        await keep(api, ANN, "INBOX", plain("appended"))
        assert await told(events) == ("UnreadCountChanged", 1)


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
        while name == "UnreadCountChanged":  # one for each look that came between
            name, data = await told(events)
        assert (name, data["isRead"]) == ("EmailUpdated", True)


async def test_who_comes_back_after_nobody_followed_reads_anew(
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
    stream = hub.subscribe(user.id)
    await asyncio.sleep(0.1)
    assert len(following) == 1
    hub.unsubscribe(stream)
    while len(following):
        await asyncio.sleep(0.01)
    missed = await following.follow(user.id, user.account_id)
    again = hub.subscribe(user.id, f"{hub.generation}.0", missed=missed)
    assert b"event: Resync" in (await again.next(1.0) or b"")
    await following.close()
