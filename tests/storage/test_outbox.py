"""Notifications: claimed by one, kept until acknowledged."""

from __future__ import annotations

import asyncio

from tests.conftest import open_test_store
from tests.storage.making import deliver, new_user

from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store, Topic, TopicKind


async def test_oldest_first_and_to_one_only(store: Store) -> None:
    await new_user(store)
    delivered = [(await deliver(store, "alice"))[0] for _ in range(5)]
    first = await store.outbox.claim(3, 60)
    second = await store.outbox.claim(3, 60)
    assert [item.email_id for item in (*first, *second)] == [one.email_id for one in delivered]
    assert not await store.outbox.claim(3, 60)


async def test_finished_ones_are_gone_and_released_ones_come_back(store: Store) -> None:
    await new_user(store)
    for _ in range(2):
        await deliver(store, "alice")
    one, other = await store.outbox.claim(10, 60)
    await store.outbox.finish([one.id])
    await store.outbox.release([other.id])
    assert list(await store.outbox.claim(10, 60)) == [other]


async def test_a_lease_ends(store: Store) -> None:
    await new_user(store)
    await deliver(store, "alice")
    (item,) = await store.outbox.claim(10, 0.01)
    await asyncio.sleep(0.02)
    assert list(await store.outbox.claim(10, 60)) == [item]


async def test_those_that_came_just_now_can_be_left_to_others(store: Store) -> None:
    await new_user(store)
    await deliver(store, "alice")
    assert not await store.outbox.claim(10, 60, 3600)
    assert len(await store.outbox.claim(10, 60, 0)) == 1


async def test_a_delivery_wakes_who_watches(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        woken = asyncio.Event()
        other.feed.watch(Topic(TopicKind.OUTBOX), woken.set)
        await new_user(one)
        await deliver(one, "alice")
        await asyncio.wait_for(woken.wait(), 10)


async def test_claims_at_once_share_without_overlap(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await new_user(one)
        for _ in range(20):
            await deliver(one, "alice")
        claimed = await asyncio.gather(
            *[store.outbox.claim(3, 60) for store in (one, other) for _ in range(5)]
        )
        ids = [item.id for items in claimed for item in items]
        while rest := await one.outbox.claim(3, 60):
            ids += [item.id for item in rest]
        assert len(ids) == len(set(ids)) == 20


async def test_nothing_to_do(store: Store) -> None:
    assert not await store.outbox.claim(10, 60)
    await store.outbox.finish([])
    await store.outbox.release([])
