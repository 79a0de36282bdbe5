"""Entries beside the snapshot: when they came (RFC 8514), and which have gone (RFC 7162)."""

from __future__ import annotations

import time

import pytest
from tests.storage.making import append, new_inbox

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import NO_UIDS, UidSet
from mailkeep.storage import change_log
from mailkeep.storage.interface import Store


async def modseq_of(store: Store, inbox: int) -> int:
    return (await store.messages.snapshot(inbox)).highestmodseq


async def test_save_dates(store: Store) -> None:
    inbox, before = await new_inbox(store), int(time.time())
    await append(store, inbox, 3)
    dates = await store.messages.save_dates(inbox, [1, 3, 7])
    assert set(dates) == {1, 3}
    assert all(before <= date <= time.time() for date in dates.values())
    assert await store.messages.save_dates(inbox, []) == {}


async def test_a_copy_is_saved_when_it_is_made(store: Store) -> None:
    inbox, before = await new_inbox(store), int(time.time())
    await append(store, inbox, 1)
    await store.committer.copy(inbox, UidSet.of([1]), inbox)
    assert (await store.messages.save_dates(inbox, [2]))[2] >= before


async def test_save_dates_of_more_entries_than_one_query_takes(store: Store) -> None:
    inbox = await new_inbox(store)
    for _ in range(3):
        await append(store, inbox, 500)
    assert len(await store.messages.save_dates(inbox, range(1, 1501))) == 1500


async def test_what_vanished_between_two_modseqs(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 6)
    start = await modseq_of(store, inbox)
    first = await store.committer.expunge(inbox, UidSet.of([2]), only_deleted=False)
    await store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, Flags.parse(["\\Seen"]))
    last = await store.committer.expunge(inbox, UidSet.parse("4:5"), only_deleted=False)
    messages = store.messages
    assert await messages.vanished(inbox, start, last.modseq) == UidSet.parse("2,4:5")
    assert await messages.vanished(inbox, start, first.modseq) == UidSet.of([2])
    assert await messages.vanished(inbox, first.modseq, last.modseq) == UidSet.parse("4:5")
    assert await messages.vanished(inbox, last.modseq, last.modseq) == NO_UIDS
    assert await messages.vanished(inbox, last.modseq + 5, last.modseq) == NO_UIDS


async def test_what_moved_away_vanished(store: Store) -> None:
    inbox, other = await new_inbox(store), await new_inbox(store, "bob")
    await append(store, inbox, 2)
    start = await modseq_of(store, inbox)
    _, expunged = await store.committer.move(inbox, UidSet.of([1]), other)
    assert await store.messages.vanished(inbox, start, expunged.modseq) == UidSet.of([1])


async def test_modseqs_that_never_were_are_not_known(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 1)
    assert await store.messages.vanished(inbox, 0, await modseq_of(store, inbox) + 3) is None


async def test_too_many_removals_are_not_read_one_by_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_log, "EXPUNGED_LIMIT", 1)
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    start = await modseq_of(store, inbox)
    for uid in (1, 2):
        last = await store.committer.expunge(inbox, UidSet.of([uid]), only_deleted=False)
    assert await store.messages.vanished(inbox, start, last.modseq) is None
    assert await store.messages.vanished(inbox, last.modseq - 1, last.modseq) == UidSet.of([2])
