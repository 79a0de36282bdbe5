"""Notifications: a page a commit, claimed by one or told by who committed it, kept until acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine
from tests.conftest import open_test_store
from tests.storage.making import address, at, deliver, new_user, prepared

from mailkeep.model.message import Delivery, DeliveryTarget
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import OutboxPage, Store, Topic, TopicKind
from mailkeep.storage.outbox_pages import PAGE_ITEMS


def emails(pages: Sequence[OutboxPage]) -> list[UUID]:
    return [item.email_id for page in pages for item in page.items]


async def test_oldest_first_and_to_one_only(store: Store) -> None:
    await new_user(store)
    delivered = [(await deliver(store, "alice"))[0] for _ in range(5)]
    first = await store.outbox.claim(3, 60)
    second = await store.outbox.claim(3, 60)
    assert emails([*first, *second]) == [one.email_id for one in delivered]
    assert not await store.outbox.claim(3, 60)


async def test_finished_pages_are_gone_and_released_ones_come_back(store: Store) -> None:
    await new_user(store)
    for _ in range(2):
        await deliver(store, "alice")
    one, other = await store.outbox.claim(10, 60)
    assert await store.outbox.count() == 2
    await store.outbox.finish([one.id])
    await store.outbox.release([other.id])
    assert await store.outbox.count() == 1
    assert list(await store.outbox.claim(10, 60)) == [other]


async def test_a_lease_ends(store: Store) -> None:
    await new_user(store)
    await deliver(store, "alice")
    (page,) = await store.outbox.claim(10, 0.01)
    await asyncio.sleep(0.02)
    assert list(await store.outbox.claim(10, 60)) == [page]


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
        ids = [page.id for pages in claimed for page in pages]
        while rest := await one.outbox.claim(3, 60):
            ids += [page.id for page in rest]
        assert len(ids) == len(set(ids)) == 20


async def test_nothing_to_do(store: Store) -> None:
    assert not await store.outbox.claim(10, 60)
    assert not store.outbox.take(10)
    await store.outbox.let_go()
    await store.outbox.finish([])
    await store.outbox.release([])


async def test_a_commit_with_much_to_tell_makes_several_pages_and_each_item_has_an_id(store: Store) -> None:
    await new_user(store)
    count = 2 * PAGE_ITEMS + 1
    targets = (DeliveryTarget(address("alice")),)
    deliveries = [Delivery(prepared(subject=f"News {number}"), targets, at(0)) for number in range(count)]
    await store.committer.deliver_all(deliveries)
    pages = await store.outbox.claim(10, 60)
    assert [len(page.items) for page in pages] == [PAGE_ITEMS, PAGE_ITEMS, 1]
    items = [item for page in pages for item in page.items]
    assert [item.subject for item in items] == [f"News {number}" for number in range(count)]
    assert len({item.id for item in items}) == await store.outbox.count() == count


# --- who commits tells ----------------------------------------------------------------------------------


async def test_what_is_held_is_taken_without_a_claim_and_nobody_else_gets_it(
    store_settings: StoreSettings,
) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await new_user(one)
        came = asyncio.Event()
        one.outbox.hold(60, came.set)
        delivered = [(await deliver(one, "alice"))[0] for _ in range(3)]
        assert came.is_set()
        assert not await other.outbox.claim(10, 60)
        held = [*one.outbox.take(2), *one.outbox.take(2)]
        assert emails(held) == [told.email_id for told in delivered]
        assert not one.outbox.take(2)
        assert await one.outbox.count() == 3  # until they are finished they are in the table, too
        await one.outbox.finish([page.id for page in held])
        assert await one.outbox.count() == 0


async def test_what_was_held_by_one_who_died_is_others_when_its_lease_ends(
    store_settings: StoreSettings,
) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await new_user(one)
        one.outbox.hold(0.05, lambda: None)
        await deliver(one, "alice")
        (held,) = one.outbox.take(10)
        await asyncio.sleep(0.06)
        assert list(await other.outbox.claim(10, 60)) == [held]


async def test_who_lets_go_frees_what_is_held_and_wakes_others(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        await new_user(one)
        one.outbox.hold(60, lambda: None)
        first = (await deliver(one, "alice"))[0]
        woken = asyncio.Event()
        other.feed.watch(Topic(TopicKind.OUTBOX), woken.set)
        await one.outbox.let_go()
        await asyncio.wait_for(woken.wait(), 10)
        second = (await deliver(one, "alice"))[0]
        assert not one.outbox.take(10)
        assert emails(await other.outbox.claim(10, 60)) == [first.email_id, second.email_id]


# --- what versions before have left -----------------------------------------------------------------------

_ROW = (
    "INSERT INTO outbox (item_id, user_id, email_id, created_at, leased_until, from_address, from_name,"
    " subject, has_attachments, mail_id, traceparent) VALUES ({ids}, 1, {leased}, 'a@b.test', 'A',"
    " '{subject}', {no}, '', '')"
)


async def leave(settings: StoreSettings, subject: str, leased_until: int) -> UUID:
    """A row as hosts from before pages write it; its item's id."""
    item_id = UUID(int=int.from_bytes(subject.encode(), "big"))
    is_sqlite = not settings.database
    literal = f"x'{item_id.hex}'" if is_sqlite else f"'{item_id}'"
    path = f"sqlite+aiosqlite:///{settings.data_dir}/mailkeep.sqlite3" if is_sqlite else settings.database_url
    statement = _ROW.format(
        ids=", ".join([literal] * 3), leased=leased_until, subject=subject, no="0" if is_sqlite else "false"
    )
    engine = create_async_engine(path)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(statement)
    await engine.dispose()
    return item_id


async def test_rows_of_the_table_before_are_told_under_their_own_ids(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as store:
        one = await leave(store_settings, "one", 0)
        await leave(store_settings, "somebody has it", 1 << 62)
        two = await leave(store_settings, "two", 0)
        assert await store.outbox.count() == 3
        pages = await store.outbox.claim(10, 60)
        assert [(item.id, item.subject) for page in pages for item in page.items] == [
            (one, "one"),
            (two, "two"),
        ]
        await store.outbox.finish([page.id for page in pages])
        assert await store.outbox.count() == 1
