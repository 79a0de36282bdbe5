"""Snapshots: shared, moved forward by the change log, read anew after a gap, and small."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, inbox_of, new_inbox, new_user

from mailkeep.errors import MailboxNotFound
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store
from mailkeep.storage.snapshot import CHANGES_KEPT, Snapshot

SEEN = Flags.parse(["\\Seen"])


async def until(snapshot: Snapshot, modseq: int) -> None:
    """Wait until the feed has moved it."""
    async with asyncio.timeout(10):
        while snapshot.highestmodseq < modseq:
            await asyncio.sleep(0.001)


async def test_all_who_ask_get_the_same_one(store: Store) -> None:
    inbox = await new_inbox(store)
    snapshots = await asyncio.gather(*[store.messages.snapshot(inbox) for _ in range(5)])
    assert all(snapshot is snapshots[0] for snapshot in snapshots)


async def test_nobody_holds_it_nobody_pays(store: Store) -> None:
    inbox = await new_inbox(store)
    snapshot = await store.messages.snapshot(inbox)
    registry: Any = store.messages._snapshots  # type: ignore[attr-defined]
    assert len(registry._held) == 1
    del snapshot
    async with asyncio.timeout(10):  # a database thread may still hold its last result
        while len(registry._held):
            gc.collect()
            await asyncio.sleep(0.01)
    await append(store, inbox)  # nobody is watching any more
    assert len(await store.messages.snapshot(inbox)) == 1


async def test_it_is_up_to_date_when_it_is_handed_out(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        inbox = await new_inbox(one)
        held = await one.messages.snapshot(inbox)
        for number in range(1, 6):
            await append(other, inbox)
            assert len(await one.messages.snapshot(inbox)) == number
        assert held is await one.messages.snapshot(inbox)


async def test_while_held_it_follows_other_processes(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        inbox = await new_inbox(one)
        snapshot = await one.messages.snapshot(inbox)
        heard: list[int] = []
        stop = snapshot.listen(lambda: heard.append(snapshot.highestmodseq))
        await append(other, inbox, 3)
        stored = await other.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, SEEN)
        expunged = await other.committer.expunge(inbox, UidSet.of([1]), only_deleted=False)
        await until(snapshot, expunged.modseq)
        assert heard[-1] == expunged.modseq
        assert list(snapshot.uids) == [2, 3]
        assert snapshot.flags_at(0) == SEEN
        changes = snapshot.changes_since(1)
        assert changes is not None
        assert [str(change.appended) for change in changes] == ["1:3", "", ""]
        assert [str(change.flagged) for change in changes] == ["", "2", ""]
        assert [str(change.expunged) for change in changes] == ["", "", "1"]
        assert [change.modseq for change in changes][1:] == [stored.modseq, expunged.modseq]
        stop()
        count = len(heard)
        await append(one, inbox)
        await until(snapshot, expunged.modseq + 1)
        assert len(heard) == count


async def test_what_is_read_anew_equals_what_was_moved_forward(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        inbox = await new_inbox(one)
        moved = await one.messages.snapshot(inbox)
        await append(one, inbox, 20, Flags.parse(["a", "b"]))
        await one.committer.store_flags(
            inbox, UidSet.parse("3:9"), FlagAction.ADD, Flags.parse(["\\Seen", "c"])
        )
        await one.committer.store_flags(inbox, UidSet.parse("5"), FlagAction.SET, Flags())
        await one.committer.expunge(inbox, UidSet.parse("4,10:12"), only_deleted=False)
        await one.messages.refresh(moved)
        fresh = await other.messages.snapshot(inbox)
        entries = [
            [snapshot.entry_at(place) for place in range(len(snapshot))] for snapshot in (moved, fresh)
        ]
        assert entries[0] == entries[1]
        assert (moved.uidnext, moved.highestmodseq) == (fresh.uidnext, fresh.highestmodseq)


async def test_too_many_commits_behind(
    store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailkeep.storage.snapshots.CHANGES_KEPT", 5)
    async with open_test_store(store_settings) as store:
        inbox = await new_inbox(store)
        await append(store, inbox, 2)
        snapshot = await store.messages.snapshot(inbox)
        known = snapshot.highestmodseq
        registry: Any = store.messages._snapshots  # type: ignore[attr-defined]
        async with registry._lock(inbox):  # holds the follower back
            for _ in range(6):
                await append(store, inbox)
            await store.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, SEEN)
            last = await store.committer.expunge(inbox, UidSet.of([1, 4]), only_deleted=False)
        await store.messages.refresh(snapshot)
        assert list(snapshot.uids) == [2, 3, 5, 6, 7, 8]
        (difference,) = snapshot.changes_since(known) or ()
        assert difference.modseq == last.modseq
        assert [str(uids) for uids in (difference.appended, difference.flagged, difference.expunged)] == [
            "3,5:8", "2", "1"
        ]  # fmt: skip
        assert snapshot.changes_since(snapshot.highestmodseq) == ()


async def test_a_mailbox_that_is_deleted_meanwhile(store: Store) -> None:
    user = await new_user(store)
    made = await store.mailboxes.create(user.account_id, "a")
    snapshot = await store.messages.snapshot(made.id)
    heard = asyncio.Event()
    stop = snapshot.listen(heard.set)
    await store.mailboxes.delete(user.account_id, "a")
    await asyncio.wait_for(heard.wait(), 10)
    with pytest.raises(MailboxNotFound):
        await store.messages.refresh(snapshot)
    stop()


async def test_cancelled_readers_leave_it_whole(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 50)
    for _ in range(20):
        task = asyncio.create_task(store.messages.snapshot(inbox))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert len(await store.messages.snapshot(inbox)) == 50


async def test_all_mailboxes_of_a_session_at_once(store: Store) -> None:
    user = await new_user(store)
    await append(store, await inbox_of(store, user), 2)
    boxes = await store.mailboxes.list(user.account_id)
    snapshots = await asyncio.gather(*[store.messages.snapshot(box.id) for box in boxes])
    assert [len(snapshot) for snapshot in snapshots] == [box.messages for box in boxes]


def test_a_hundred_thousand_entries_take_less_than_ten_megabytes() -> None:
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    snapshot = Snapshot(1, 1, 100_001, 5)
    for start in range(1, 100_001, 5000):
        snapshot.load(
            (uid, uid + 10, uid % 32, (), 5, 4096, 1_700_000_000) for uid in range(start, start + 5000)
        )
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(snapshot) == 100_000
    assert after - before < 10_000_000


def test_changes_are_kept_up_to_a_limit() -> None:
    assert CHANGES_KEPT >= 1000
