"""A user whom an operator added by hand becomes an issuer's, once, on both databases."""

from __future__ import annotations

import asyncio

import pytest
from tests.conftest import open_test_store

from mailkeep.errors import AlreadyExists, NotFound
from mailkeep.model.address import Address
from mailkeep.model.directory import LOCAL_ISSUER
from mailkeep.storage.interface import Store, Topic, TopicKind

ISSUER = "https://id.example"


@pytest.fixture
async def local(store: Store):
    await store.directory.add_domain("example.test")
    return await store.directory.add_user(Address.parse("alice@example.test"), "Alice")


async def test_the_issuer_knows_the_user_from_then_on(store, local):
    adopted = await store.directory.adopt_subject(local.id, ISSUER, "s-1")
    assert (adopted.id, adopted.account_id) == (local.id, local.account_id)
    assert (adopted.issuer, adopted.subject) == (ISSUER, "s-1")
    assert await store.directory.user_by_subject(ISSUER, "s-1") == adopted
    assert await store.directory.user_by_subject(LOCAL_ISSUER, "alice@example.test") is None
    assert await store.directory.user_by_address(Address.parse("alice@example.test")) == adopted


async def test_nobody_is_adopted_twice(store, local):
    await store.directory.adopt_subject(local.id, ISSUER, "s-1")
    for issuer, subject in ((ISSUER, "s-1"), (ISSUER, "s-2"), ("https://other.example", "s-1")):
        with pytest.raises(NotFound):
            await store.directory.adopt_subject(local.id, issuer, subject)
    user = await store.directory.user(local.id)
    assert (user.issuer, user.subject) == (ISSUER, "s-1")


async def test_a_subject_is_one_users(store, local):
    other = await store.directory.add_user(Address.parse("bob@example.test"), "", ISSUER, "s-1")
    with pytest.raises(AlreadyExists):
        await store.directory.adopt_subject(local.id, ISSUER, "s-1")
    assert await store.directory.user_by_subject(ISSUER, "s-1") == other
    assert await store.directory.user(local.id) == local


async def test_of_several_who_try_at_once_one_succeeds(store, store_settings, local):
    async with open_test_store(store_settings) as second:
        tries = [
            directory.adopt_subject(local.id, ISSUER, f"s-{number}")
            for number, directory in enumerate([store.directory, second.directory] * 3)
        ]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
    adopted = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(adopted) == 1
    assert {type(outcome) for outcome in outcomes} - {type(adopted[0])} == {NotFound}
    assert await store.directory.user(local.id) == adopted[0]


async def test_the_feed_names_the_user(store, local):
    told = asyncio.Event()
    stop = store.feed.watch(Topic(TopicKind.USER, str(local.id)), told.set)
    await store.directory.adopt_subject(local.id, ISSUER, "s-1")
    async with asyncio.timeout(20):
        await told.wait()
    stop()
