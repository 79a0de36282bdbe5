"""Accounts elsewhere: configuration, positions, and what was fetched, written with what was delivered."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.storage.making import prepared

from mailkeep.errors import AlreadyExists, NotFound, StoreUnavailable
from mailkeep.model.address import Address
from mailkeep.model.flags import NO_FLAGS, Flags, SystemFlag
from mailkeep.model.message import Delivered, Delivery, DeliveryTarget
from mailkeep.model.upstream import FetchedFrom, FetchedMessage
from mailkeep.storage.interface import Store

ANN = Address("ann", "example.test")
SEEN = Flags(SystemFlag.SEEN, ("work",))


@pytest.fixture(autouse=True)
async def domain(store: Store) -> None:
    await store.directory.add_domain("example.test")


async def fetch(store: Store, folder_id: int, uid: int, flags: Flags = NO_FLAGS) -> Delivered:
    target = DeliveryTarget(ANN, flags=flags, is_news=False)
    source = FetchedFrom(folder_id, uid, flags)
    delivery = Delivery(
        prepared(f"Subject: {uid}\r\n\r\n".encode()), (target,), datetime.now(UTC), fetched=source
    )
    [delivered] = await store.committer.deliver(delivery)
    return delivered


async def test_a_user_s_accounts_have_names_of_their_own(store: Store) -> None:
    ann, bob = (
        await store.directory.add_user(ANN),
        await store.directory.add_user(Address("bob", "example.test")),
    )
    made = await store.upstreams.add(ann.id, "work", '{"imap":"x"}')
    await store.upstreams.add(bob.id, "work", "{}")
    with pytest.raises(AlreadyExists):
        await store.upstreams.add(ann.id, "work", "{}")
    assert list(await store.upstreams.list(ann.id)) == [made]
    assert len(await store.upstreams.list()) == 2


async def test_how_the_last_sync_ended_is_kept(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    made = await store.upstreams.add(ann.id, "work", "{}")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    await store.upstreams.note(made.id, "", "", at)
    await store.upstreams.note(made.id, "needs_sign_in", "Sign in again.")
    [found] = await store.upstreams.list(ann.id)
    assert (found.state, found.said, found.last_sync_at) == ("needs_sign_in", "Sign in again.", at)


async def test_what_was_fetched_is_written_with_its_entry(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    account = await store.upstreams.add(ann.id, "work", "{}")
    position, before = await store.upstreams.folder(account.id, "INBOX", 7)
    assert (position.uidvalidity, before) == (7, 0)
    first, second = await fetch(store, position.id, 11, SEEN), await fetch(store, position.id, 12)
    assert list(await store.upstreams.fetched(position.id)) == [
        FetchedMessage(11, first.mailbox_id, first.uid, SEEN),
        FetchedMessage(12, second.mailbox_id, second.uid, NO_FLAGS),
    ]


async def test_a_message_is_fetched_once(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    account = await store.upstreams.add(ann.id, "work", "{}")
    position, _ = await store.upstreams.folder(account.id, "INBOX", 7)
    delivered = await fetch(store, position.id, 11)
    with pytest.raises(StoreUnavailable):
        await fetch(store, position.id, 11)
    mailbox = await store.mailboxes.get(delivered.account_id, "INBOX")
    assert mailbox.messages == 1


async def test_the_end_of_a_sync_says_how_far_it_came(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    account = await store.upstreams.add(ann.id, "work", "{}")
    position, _ = await store.upstreams.folder(account.id, "INBOX", 7)
    for uid in (11, 12, 13):
        await fetch(store, position.id, uid)
    await store.upstreams.settle(position.id, {11: SEEN}, [13], 500, 40)
    found = {one.remote_uid: one.flags for one in await store.upstreams.fetched(position.id)}
    assert found == {11: SEEN, 12: NO_FLAGS}
    again, before = await store.upstreams.folder(account.id, "INBOX", 7)
    assert (again.remote_modseq, again.local_modseq, before) == (500, 40, 7)


async def test_new_numbers_for_a_folder(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    account = await store.upstreams.add(ann.id, "work", "{}")
    position, _ = await store.upstreams.folder(account.id, "INBOX", 7)
    kept = await fetch(store, position.id, 11, SEEN)
    await fetch(store, position.id, 12)
    await store.upstreams.settle(position.id, {}, [], 500, 40)
    await store.upstreams.renumber(position.id, 8, {11: 1})
    assert list(await store.upstreams.fetched(position.id)) == [
        FetchedMessage(1, kept.mailbox_id, kept.uid, SEEN)
    ]
    again, _ = await store.upstreams.folder(account.id, "INBOX", 8)
    assert (again.uidvalidity, again.remote_modseq) == (8, 0)


async def test_a_removed_account_leaves_its_mail_here(store: Store) -> None:
    ann = await store.directory.add_user(ANN)
    account = await store.upstreams.add(ann.id, "work", "{}")
    position, _ = await store.upstreams.folder(account.id, "INBOX", 7)
    delivered = await fetch(store, position.id, 11)
    await store.upstreams.remove(account.id)
    assert list(await store.upstreams.list()) == []
    assert list(await store.upstreams.fetched(position.id)) == []
    assert (await store.mailboxes.get(delivered.account_id, "INBOX")).messages == 1
    with pytest.raises(NotFound):
        await store.upstreams.remove(uuid4())
