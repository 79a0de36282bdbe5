"""Limits hold for appends and copies; what an account holds is counted exactly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest
from tests.conftest import open_test_store
from tests.storage.making import address, append, at, deliver, inbox_of, new_user, prepared

from mailkeep.errors import NeverFits, NotFound, OverQuota
from mailkeep.model.flags import NO_FLAGS, FlagAction, Flags, SystemFlag
from mailkeep.model.message import NewMessage
from mailkeep.model.quota import Limits
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

OCTETS = 100
MESSAGE = prepared(b"x" * 80, header=b"y" * 20)
ONE, THREE = UidSet.of([1]), UidSet.of([1, 2, 3])


@pytest.fixture
async def limited(store_settings: StoreSettings) -> AsyncIterator[Store]:
    """A store where a user may hold five messages of ours, and an unclaimed address two."""
    settings = replace(
        store_settings, quota_storage=5 * OCTETS, unclaimed_storage=1000 * OCTETS, unclaimed_messages=2
    )
    async with open_test_store(settings) as opened:
        yield opened


async def fill(store: Store, mailbox_id: int, count: int) -> None:
    messages = [NewMessage(MESSAGE, at(number), NO_FLAGS) for number in range(count)]
    await store.committer.append(mailbox_id, messages)


async def test_all_mailboxes_count_together(limited: Store) -> None:
    user = await new_user(limited)
    inbox, archive = await inbox_of(limited, user), await limited.mailboxes.get(user.account_id, "Archive")
    await fill(limited, inbox, 3)
    await fill(limited, archive.id, 2)
    quota = await limited.quotas.of(user.account_id)
    assert (quota.storage, quota.messages, quota.limits) == (5 * OCTETS, 5, Limits(5 * OCTETS))
    for mailbox_id in (inbox, archive.id):
        with pytest.raises(OverQuota):
            await fill(limited, mailbox_id, 1)
    assert (await limited.quotas.of(user.account_id)).storage == 5 * OCTETS


async def test_all_of_an_append_fits_or_nothing_is_kept(limited: Store) -> None:
    user = await new_user(limited)
    inbox = await inbox_of(limited, user)
    await fill(limited, inbox, 4)
    with pytest.raises(OverQuota):
        await fill(limited, inbox, 2)
    with pytest.raises(NeverFits):
        await fill(limited, inbox, 6)
    await fill(limited, inbox, 1)


async def test_appends_of_one_transaction_are_counted_one_by_one(limited: Store) -> None:
    user = await new_user(limited)
    inbox, archive = await inbox_of(limited, user), await limited.mailboxes.get(user.account_id, "Archive")
    writes = [fill(limited, mailbox_id, 1) for mailbox_id in (inbox, archive.id) * 5]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(answer, OverQuota) for answer in answers) == 5
    assert sum(answer is None for answer in answers) == 5


async def test_a_copy_takes_room_and_a_move_does_not(limited: Store) -> None:
    user = await new_user(limited)
    inbox, archive = await inbox_of(limited, user), await limited.mailboxes.get(user.account_id, "Archive")
    await fill(limited, inbox, 3)
    with pytest.raises(OverQuota):
        await limited.committer.copy(inbox, THREE, archive.id)
    await limited.committer.copy(inbox, ONE, archive.id)
    await limited.committer.copy(inbox, ONE, inbox)
    await limited.committer.move(inbox, THREE, archive.id)
    assert (await limited.mailboxes.get(user.account_id, "Archive")).messages == 4
    await limited.committer.expunge(archive.id, None, only_deleted=False)
    assert (await limited.quotas.of(user.account_id)).storage == OCTETS


async def test_a_move_to_another_account_takes_room_there(limited: Store) -> None:
    alice, bob = await new_user(limited), await new_user(limited, "bob")
    inboxes = await inbox_of(limited, alice), await inbox_of(limited, bob)
    await fill(limited, inboxes[0], 3)
    await fill(limited, inboxes[1], 3)
    with pytest.raises(OverQuota):
        await limited.committer.move(inboxes[0], THREE, inboxes[1])
    assert (await limited.quotas.of(alice.account_id)).messages == 3


async def test_one_account_may_have_other_limits(limited: Store) -> None:
    user = await new_user(limited)
    inbox = await inbox_of(limited, user)
    await limited.quotas.set_limits(user.id, None, 1)
    assert (await limited.quotas.of(user.account_id)).limits == Limits(5 * OCTETS, 1)
    assert await limited.quotas.own_limits(user.id) == (None, 1)
    await fill(limited, inbox, 1)
    with pytest.raises(OverQuota):
        await fill(limited, inbox, 1)
    await limited.quotas.set_limits(user.id, 0, 0)
    await fill(limited, inbox, 9)


async def test_limits_of_nobody(limited: Store) -> None:
    with pytest.raises(NotFound):
        await limited.quotas.set_limits(uuid4(), 1, 1)
    with pytest.raises(NotFound):
        await limited.quotas.own_limits(uuid4())
    with pytest.raises(NotFound):
        await limited.quotas.of(999_999)


# --- before a delivery ------------------------------------------------------------------------------


async def test_a_delivery_asks_before_it_comes(limited: Store) -> None:
    user = await new_user(limited)
    alice = address("alice")
    await limited.quotas.require_room(alice, 5 * OCTETS)
    with pytest.raises(NeverFits):
        await limited.quotas.require_room(alice, 5 * OCTETS + 1)
    await fill(limited, await inbox_of(limited, user), 5)
    with pytest.raises(OverQuota):
        await limited.quotas.require_room(alice, 1)
    await limited.quotas.require_room(alice)  # of no declared size: it may be empty


async def test_an_unclaimed_address_has_limits_of_its_own(limited: Store) -> None:
    await new_user(limited)
    bob = address("bob")
    await limited.quotas.require_room(bob, OCTETS)  # has no account yet
    with pytest.raises(NeverFits):
        await limited.quotas.require_room(bob, 1001 * OCTETS)
    for _ in range(2):
        await deliver(limited, "bob", message=MESSAGE)
    with pytest.raises(OverQuota):
        await limited.quotas.require_room(bob)
    await limited.directory.add_user(bob)
    await limited.quotas.require_room(bob, OCTETS)


async def test_what_was_accepted_is_stored_past_the_limit(limited: Store) -> None:
    for _ in range(3):
        await deliver(limited, "bob", message=MESSAGE)
    (delivered,) = await deliver(limited, "bob", message=MESSAGE)
    assert (await limited.quotas.of(delivered.account_id)).messages == 4


async def test_a_limit_that_another_process_sets_is_heard_of(
    store_settings: StoreSettings, store: Store
) -> None:
    user = await new_user(store)
    await append(store, await inbox_of(store, user), 2)
    async with open_test_store(store_settings) as other:
        await store.quotas.require_room(address("alice"))
        await other.quotas.set_limits(user.id, None, 2)
        async with asyncio.timeout(20):
            while True:
                try:
                    await store.quotas.require_room(address("alice"))
                except OverQuota:
                    break
                await asyncio.sleep(0.01)


async def test_deleted_octets_are_those_marked_so(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await fill(store, inbox, 3)
    assert await store.mailboxes.deleted_size(inbox) == 0
    await store.committer.store_flags(inbox, ONE, FlagAction.ADD, Flags(SystemFlag.DELETED))
    assert await store.mailboxes.deleted_size(inbox) == OCTETS
    assert await store.mailboxes.deleted_size(999_999) == 0
