"""What nothing refers to goes, and nothing else does: on both databases, beside deliveries of the same."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import open_test_store
from tests.storage.making import address, append, at, deliver, inbox_of, new_user, octets_of, prepared

from mailkeep.errors import InUse
from mailkeep.model.flags import NO_FLAGS
from mailkeep.model.message import Delivery, NewMessage
from mailkeep.model.queue import Envelope, Outbound, OutboundRecipient, Settlement
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage import blobs, collecting, tables
from mailkeep.storage.database import Database, Transaction
from mailkeep.storage.interface import Collected, Store
from mailkeep.storage.interface.collecting import GRACE
from mailkeep.storage.query import Query
from mailkeep.storage.store import OpenedStore

NOW = timedelta(seconds=-1)  # a grace that has ended even for what was just made
LARGE = b"0123456789abcdef" * (blobs.CHUNK // 8)  # of two chunks


async def collect(store: Store) -> Collected:
    return await store.collector.collect(grace=NOW, in_a_hurry=True)


def test_the_collector_knows_every_reference() -> None:
    """Whoever adds one must say whether it keeps what it refers to, or goes with it."""
    found: dict[str, set[tuple[str, str]]] = {"message.id": set(), "blob.digest": set()}
    for table in tables.metadata.tables.values():
        for key in table.foreign_keys:
            found.get(key.target_fullname, set()).add((table.name, key.parent.name))
    assert found["message.id"] == {*collecting.MESSAGE_REFERENCES, *collecting.MESSAGE_PARTS}
    assert found["blob.digest"] == {*collecting.BLOB_REFERENCES, *collecting.BLOB_PARTS}


async def test_a_new_store_has_no_garbage(store: Store) -> None:
    await deliver(store, "alice")
    assert await collect(store) == Collected()


async def test_what_was_expunged_goes_with_its_octets(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    for content in (b"small", LARGE, b"kept"):
        await deliver(store, "alice", message=prepared(content))
    await store.committer.expunge(inbox, UidSet.of([1, 2]), only_deleted=False)
    assert await collect(store) == Collected(messages=2, blobs=2, octets=len(b"small" + LARGE))
    assert (await octets_of(store, inbox, 3)).endswith(b"kept")
    assert await collect(store) == Collected()
    await deliver(store, "alice", message=prepared(LARGE))
    assert (await octets_of(store, inbox, 4)).endswith(LARGE)


async def test_octets_stay_while_another_message_has_them(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    for _ in range(2):
        await deliver(store, "alice", message=prepared(b"same"))
    await store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False)
    assert await collect(store) == Collected(messages=1)
    assert (await octets_of(store, inbox, 2)).endswith(b"same")


async def test_a_message_stays_while_any_mailbox_has_it(store: Store) -> None:
    user = await new_user(store)
    inbox, archive = await inbox_of(store, user), await store.mailboxes.get(user.account_id, "Archive")
    await deliver(store, "alice")
    await store.committer.copy(inbox, UidSet.of([1]), archive.id)
    await store.committer.expunge(inbox, None, only_deleted=False)
    assert await collect(store) == Collected()
    await store.mailboxes.delete(user.account_id, "Archive")
    assert (await collect(store)).messages == 1


async def test_what_is_young_stays(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    await deliver(store, "alice")
    await store.committer.expunge(inbox, None, only_deleted=False)
    assert await store.collector.collect(in_a_hurry=True) == Collected()
    assert 2 * timedelta(microseconds=blobs.TOUCHED_RESOLUTION) < GRACE


async def test_the_queue_keeps_what_it_sends(store: Store) -> None:
    await new_user(store)
    began = datetime.now(UTC)
    recipients = (OutboundRecipient(address("x@far.test")),)
    outbound = Outbound("q1", Envelope(address("alice")), recipients, began, began + timedelta(days=1))
    await store.committer.deliver(Delivery(prepared(b"to be sent"), (), began, outbound))
    await collect(store)
    assert (await collect(store)).blobs == 0
    _, body = await store.queue.message("q1")
    assert (await body.read()).endswith(b"to be sent")
    (claimed,) = await store.queue.claim("a", 1, 60)
    await store.queue.settle([Settlement(claimed.id, claimed.lease)])
    assert (await collect(store)).blobs == 1


async def test_one_process_at_a_time(store_settings: StoreSettings, store: Store) -> None:
    async with open_test_store(store_settings) as other, other.locks.hold(collecting.LOCK):
        with pytest.raises(InUse):
            await collect(store)
    await collect(store)


async def test_many_windows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "WINDOW", 3)
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 20)
    await store.committer.expunge(inbox, UidSet.of(range(2, 20)), only_deleted=False)
    collected = await store.collector.collect(grace=NOW)  # resting, too
    assert (collected.messages, collected.blobs) == (18, 18)
    for uid in (1, 20):
        assert await octets_of(store, inbox, uid)


# --- the change log ---------------------------------------------------------------------------------


async def test_old_changes_are_forgotten_and_readers_read_anew(
    store_settings: StoreSettings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "CHANGES_KEPT", 4)
    monkeypatch.setattr(collecting, "WINDOW", 3)
    inbox = await inbox_of(store, await new_user(store))
    async with open_test_store(store_settings) as other:
        behind = await other.messages.snapshot(inbox)
        for _ in range(10):
            await deliver(store, "alice")
        await store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False)
        assert (await collect(store)).changes == 7
        assert (await collect(store)).changes == 0
        await other.messages.refresh(behind)
        assert list(behind.uids) == list(range(2, 11))
        highest = behind.highestmodseq
        assert await other.messages.vanished(inbox, 1, highest) is None
        assert await other.messages.vanished(inbox, highest - 4, highest) == UidSet.of([1])


# --- unclaimed mail ---------------------------------------------------------------------------------


async def expire(store: Store) -> Collected:
    """As if what has come by now were old."""
    before = datetime.now(UTC) + timedelta(seconds=1)
    return await store.collector.collect(unclaimed_before=before, grace=NOW, in_a_hurry=True)


async def test_unclaimed_mail_is_kept_for_its_time(store: Store) -> None:
    await new_user(store)
    await deliver(store, "alice", "bob", "carol")
    await deliver(store, "bob", message=prepared(b"for bob alone"))
    long_ago = datetime.now(UTC) - timedelta(days=1)
    kept = await store.collector.collect(unclaimed_before=long_ago, in_a_hurry=True)
    assert kept == Collected()
    assert await expire(store) == Collected(expired=3, accounts=2, messages=1, blobs=1, octets=13)
    assert [record.address for record in await store.directory.addresses()] == ["alice@example.test"]


async def test_an_address_that_was_forgotten_is_made_again(store: Store) -> None:
    await new_user(store)
    await deliver(store, "bob")
    await expire(store)
    (delivered,) = await deliver(store, "bob")  # this process remembers that it had an account
    assert delivered.uid == 1
    bob = await store.directory.add_user(address("bob"))
    assert bob.account_id == delivered.account_id
    assert (await expire(store)).expired == 0


async def test_new_mail_of_an_unclaimed_address_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await new_user(store)
    for _ in range(5):
        await deliver(store, "bob")
    monkeypatch.setattr("mailkeep.storage.retention.ENTRIES", 2)
    before = datetime.now(UTC)
    await asyncio.sleep(0.01)
    (last,) = await deliver(store, "bob")
    collected = await store.collector.collect(unclaimed_before=before, in_a_hurry=True)
    assert collected == Collected(expired=5)
    snapshot = await store.messages.snapshot(last.mailbox_id)
    await store.messages.refresh(snapshot)
    assert list(snapshot.uids) == [6]


# --- beside deliveries of the same octets -----------------------------------------------------------


async def test_no_delivery_loses_its_octets_to_the_collector(
    store_settings: StoreSettings, store: Store
) -> None:
    """Every blob is made old again and again, as if nobody had touched it for days, while two processes
    store the same few contents and remove them, until the collector has often met them."""
    contents = [b"one", b"two", LARGE]
    inbox = await inbox_of(store, await new_user(store))
    enough = asyncio.Event()

    async def write(writer: Store, pause: float) -> None:
        while True:
            last = enough.is_set()
            new = [NewMessage(prepared(content), at(0), NO_FLAGS) for content in contents]
            appended = await writer.committer.append(inbox, new)
            if last:
                return
            for uid in appended.uids:
                assert (await octets_of(writer, inbox, uid)).endswith(tuple(contents))
            await writer.committer.expunge(inbox, UidSet.of(appended.uids), only_deleted=False)
            await asyncio.sleep(pause)

    async def age() -> None:
        removed = 0
        while removed < 20:
            await make_old(store)
            removed += (await store.collector.collect(grace=timedelta(hours=1), in_a_hurry=True)).blobs
        enough.set()

    async with open_test_store(store_settings) as other:
        await asyncio.gather(age(), write(store, 0.011), write(other, 0.017))
    snapshot = await store.messages.snapshot(inbox)
    await store.messages.refresh(snapshot)
    assert len(snapshot.uids) == 6
    for uid in snapshot.uids:
        assert (await octets_of(store, inbox, uid)).endswith(tuple(contents))


async def test_a_chunk_that_somebody_holds_keeps_its_blob(postgres_settings: StoreSettings) -> None:
    """PostgreSQL may see to a message's further chunks before it sees to its blob. SQLite has one writer."""
    async with open_test_store(postgres_settings) as store:
        inbox = await inbox_of(store, await new_user(store))
        await deliver(store, "alice", message=prepared(LARGE))
        await store.committer.expunge(inbox, None, only_deleted=False)
        await make_old(store)
        first, further = blobs.inserts([await blobs.pack(LARGE)])

        async def work(transaction: Transaction) -> int:
            await transaction.insert(further)
            collected = await store.collector.collect(grace=timedelta(hours=1), in_a_hurry=True)
            await transaction.insert(first)
            return collected.blobs

        assert await database_of(store).write(work) == 0
        kept = await database_of(store).read(lambda c: c.one(Query("SELECT count(*) FROM blob_chunk")))
        assert kept is not None
        assert kept[0] == 1


def database_of(store: Store) -> Database:
    """What a store of ours is made of."""
    assert isinstance(store, OpenedStore)
    return store._backend.database


async def make_old(store: Store) -> None:
    """Nobody touched a blob since 1970, and every message is as old."""

    async def work(transaction: Transaction) -> None:
        await transaction.run(Query("UPDATE blob SET touched = 0"))
        await transaction.run(Query("UPDATE message SET created_at = 0"))

    await database_of(store).write(work)
