"""Push subscriptions, by user and endpoint."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tests.conftest import open_test_store
from tests.storage.making import new_user

from mailkeep.errors import NotFound
from mailkeep.settings import StoreSettings
from mailkeep.storage import push
from mailkeep.storage.interface import Store

URL = "https://push.example.org/one"


async def test_an_endpoint_is_kept_once_for_each_user(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    first, is_new = await store.push.add(alice.id, URL, "key", "secret")
    again, is_new_again = await store.push.add(alice.id, URL, "other", "secret")
    await store.push.add(bob.id, URL, "key", "secret")
    assert (is_new, is_new_again, again.id, again.p256dh) == (True, False, first.id, "other")
    assert list(await store.push.of_user(alice.id)) == [again]
    assert set(await store.push.users()) == {alice.id, bob.id}
    assert "secret" not in repr(first)
    assert URL not in repr(first)


async def test_use_and_the_end(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    mine, _ = await store.push.add(alice.id, URL, "key", "secret")
    theirs, _ = await store.push.add(bob.id, URL, "key", "secret")
    await store.push.touch([mine.id])
    (used,) = await store.push.of_user(alice.id)
    assert used.last_used_at is not None
    for other in (theirs.id, uuid4()):
        with pytest.raises(NotFound):
            await store.push.remove(alice.id, other)
    await store.push.remove(alice.id, mine.id)
    await store.push.forget([theirs.id, uuid4()])
    assert list(await store.push.users()) == []


async def test_a_disabled_user_is_told_nothing(store: Store) -> None:
    alice = await new_user(store)
    await store.push.add(alice.id, URL, "key", "secret")
    await store.directory.set_disabled(alice.id, True)
    assert list(await store.push.of_user(alice.id)) == []


async def test_news_is_pushed_by_whoever_claims_it_first(store_settings: StoreSettings) -> None:
    news = uuid4()
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        claims = await asyncio.gather(*(store.push.claim(news) for store in (one, other, one, other)))
        assert sorted(claims) == [False, False, False, True]
        await one.push.forget_claims(3600)
        assert not await other.push.claim(news)
        await one.push.forget_claims(-1)
        assert await other.push.claim(news)


async def test_the_oldest_gives_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "SUBSCRIPTIONS_LIMIT", 2)
    alice = await new_user(store)
    for number in range(4):
        await store.push.add(alice.id, f"{URL}/{number}", "key", "secret")
    kept = [one.endpoint for one in await store.push.of_user(alice.id)]
    assert kept == [f"{URL}/2", f"{URL}/3"]
