"""Copying and moving (RFC 9051 sections 6.4.7 and 6.4.8, RFC 4315, RFC 6851)."""

from __future__ import annotations

import pytest
from tests.storage.making import append, inbox_of, new_user, octets_of

from mailkeep.errors import MailboxNotFound
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store

FLAGS = Flags.parse(["\\Seen", "Work"])


async def two_boxes(store: Store) -> tuple[int, int]:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 4, FLAGS)
    return inbox, (await store.mailboxes.get(user.account_id, "Archive")).id


async def test_the_facts_of_copyuid(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    copied = await store.committer.copy(inbox, UidSet.parse("2:3,9"), archive)
    assert (copied.source_uids, copied.uids, copied.mailbox_id) == ((2, 3), (1, 2), archive)
    source, target = await store.messages.snapshot(inbox), await store.messages.snapshot(archive)
    assert copied.uidvalidity == target.uidvalidity
    for from_uid, to_uid in ((2, 1), (3, 2)):
        before, after = source.entry(from_uid), target.entry(to_uid)
        assert before is not None
        assert after is not None
        assert (after.message_id, after.flags) == (before.message_id, FLAGS)
        assert after.internal_date == before.internal_date


async def test_copies_have_flags_of_their_own(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    await store.committer.copy(inbox, UidSet.of([1]), archive)
    await store.committer.store_flags(archive, UidSet.of([1]), FlagAction.SET, Flags())
    entry = (await store.messages.snapshot(inbox)).entry(1)
    assert entry is not None
    assert entry.flags == FLAGS


async def test_copying_into_the_same_mailbox(store: Store) -> None:
    inbox, _ = await two_boxes(store)
    copied = await store.committer.copy(inbox, UidSet.of([1]), inbox)
    assert (copied.source_uids, copied.uids) == ((1,), (5,))


async def test_moving_is_one_step(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    octets = await octets_of(store, inbox, 3)
    moved, expunged = await store.committer.move(inbox, UidSet.parse("3:4"), archive)
    assert (moved.source_uids, moved.uids, str(expunged.uids)) == ((3, 4), (1, 2), "3:4")
    assert list((await store.messages.snapshot(inbox)).uids) == [1, 2]
    assert await octets_of(store, archive, 1) == octets


async def test_a_copy_outlives_its_source(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    octets = await octets_of(store, inbox, 1)
    await store.committer.copy(inbox, UidSet.of([1]), archive)
    await store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False)
    assert await octets_of(store, archive, 1) == octets


async def test_nothing_to_copy(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    copied = await store.committer.copy(inbox, UidSet.of([77]), archive)
    assert (copied.uids, copied.source_uids) == ((), ())
    moved, expunged = await store.committer.move(inbox, UidSet(), archive)
    assert (moved.uids, expunged.uids) == ((), UidSet())


async def test_mailboxes_that_do_not_exist(store: Store) -> None:
    inbox, archive = await two_boxes(store)
    for source, target in ((inbox, archive + 1000), (inbox + 1000, archive)):
        with pytest.raises(MailboxNotFound):
            await store.committer.copy(source, UidSet.of([1]), target)
        with pytest.raises(MailboxNotFound):
            await store.committer.move(source, UidSet.of([1]), target)
    assert len(await store.messages.snapshot(inbox)) == 4


async def test_more_than_the_change_log_writes_down(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.storage.operations.copying.APPENDED_LIMIT", 2)
    inbox, archive = await two_boxes(store)
    snapshot = await store.messages.snapshot(archive)
    await store.committer.copy(inbox, UidSet.parse("1:4"), archive)
    await store.messages.refresh(snapshot)
    assert list(snapshot.uids) == [1, 2, 3, 4]
    (difference,) = snapshot.changes_since(1) or ()
    assert str(difference.appended) == "1:4"
