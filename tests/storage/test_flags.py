"""Changing flags (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3)."""

from __future__ import annotations

import random

import pytest
from tests.storage.making import append, new_inbox

from mailkeep.errors import InvalidName, MailboxNotFound
from mailkeep.model.flags import KEYWORDS_PER_MESSAGE, NO_FLAGS, FlagAction, Flags
from mailkeep.model.uids import UID_MAX, UidSet
from mailkeep.storage.interface import Store

SEEN = Flags.parse(["\\Seen"])


async def flags_of(store: Store, mailbox_id: int) -> list[tuple[str, ...]]:
    snapshot = await store.messages.snapshot(mailbox_id)
    return [snapshot.flags_at(place).names() for place in range(len(snapshot))]


async def test_add_remove_set(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    change = store.committer.store_flags
    added = await change(inbox, UidSet.parse("1:2"), FlagAction.ADD, Flags.parse(["\\Seen", "Work"]))
    assert str(added.changed) == "1:2"
    assert await flags_of(store, inbox) == [("\\Seen", "Work"), ("\\Seen", "Work"), ()]
    await change(inbox, UidSet.parse("2:3"), FlagAction.REMOVE, Flags.parse(["\\Seen", "WORK"]))
    assert await flags_of(store, inbox) == [("\\Seen", "Work"), (), ()]
    await change(inbox, UidSet.parse("1,3"), FlagAction.SET, Flags.parse(["\\Flagged"]))
    assert await flags_of(store, inbox) == [("\\Flagged",), (), ("\\Flagged",)]


async def test_only_what_changes_gets_a_modseq(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    first = await store.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, SEEN)
    second = await store.committer.store_flags(inbox, UidSet.parse("1:3"), FlagAction.ADD, SEEN)
    third = await store.committer.store_flags(inbox, UidSet.parse("1:3"), FlagAction.ADD, SEEN)
    assert str(second.changed) == "1,3"
    assert not third.changed
    assert third.modseq == second.modseq == first.modseq + 1
    snapshot = await store.messages.snapshot(inbox)
    assert list(snapshot.modseqs) == [second.modseq, first.modseq, second.modseq]


async def test_unknown_uids_are_ignored(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 1)
    stored = await store.committer.store_flags(inbox, UidSet.of_ranges([(1, UID_MAX)]), FlagAction.ADD, SEEN)
    assert str(stored.changed) == "1"
    nothing = await store.committer.store_flags(inbox, UidSet(), FlagAction.ADD, SEEN)
    assert not nothing.changed


async def test_unchangedsince(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    known = (await store.messages.snapshot(inbox)).highestmodseq
    await store.committer.store_flags(inbox, UidSet.of([2]), FlagAction.ADD, Flags.parse(["\\Flagged"]))
    stored = await store.committer.store_flags(
        inbox, UidSet.parse("1:3"), FlagAction.ADD, SEEN, unchanged_since=known
    )
    assert (str(stored.changed), str(stored.modified)) == ("1,3", "2")
    assert await flags_of(store, inbox) == [("\\Seen",), ("\\Flagged",), ("\\Seen",)]


async def test_the_counters_follow(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    both = Flags.parse(["\\Seen", "\\Deleted"])
    await store.committer.store_flags(inbox, UidSet.parse("1:2"), FlagAction.ADD, both)
    await store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.SET, NO_FLAGS)
    user = (await store.directory.users())[0]
    box = await store.mailboxes.get(user.account_id, "INBOX")
    assert (box.messages, box.unseen, box.deleted) == (3, 2, 1)


async def test_the_keyword_limit_is_a_refusal_that_changes_nothing(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 1)
    many = Flags.parse([f"word{number}" for number in range(KEYWORDS_PER_MESSAGE)])
    await store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, many)
    with pytest.raises(InvalidName):
        await store.committer.store_flags(
            inbox, UidSet.of([1]), FlagAction.ADD, Flags.parse(["\\Seen", "more"])
        )
    ((*names,),) = await flags_of(store, inbox)
    assert len(names) == KEYWORDS_PER_MESSAGE


async def test_a_mailbox_that_does_not_exist(store: Store) -> None:
    inbox = await new_inbox(store)
    with pytest.raises(MailboxNotFound):
        await store.committer.store_flags(inbox + 1000, UidSet.of([1]), FlagAction.ADD, SEEN)


async def test_many_scattered_uids(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 400)
    odd = UidSet.of(range(1, 400, 2))
    stored = await store.committer.store_flags(inbox, odd, FlagAction.ADD, SEEN)
    assert stored.changed == odd
    assert [bool(names) for names in await flags_of(store, inbox)] == [True, False] * 200


async def test_a_whole_mailbox_whatever_its_entries_have_in_common(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 200)
    every = UidSet(((1, 1 << 31),))
    alike = await store.committer.store_flags(inbox, every, FlagAction.ADD, SEEN)
    assert str(alike.changed) == "1:200"
    again = await store.committer.store_flags(inbox, every, FlagAction.ADD, SEEN)
    assert (again.modseq, str(again.changed)) == (alike.modseq, "")
    await store.committer.store_flags(inbox, UidSet.of([7]), FlagAction.REMOVE, SEEN)
    mixed = await store.committer.store_flags(inbox, every, FlagAction.ADD, SEEN)
    assert str(mixed.changed) == "7"
    stale = await store.committer.store_flags(inbox, every, FlagAction.SET, NO_FLAGS, alike.modseq)
    assert (str(stale.changed), str(stale.modified)) == ("1:6,8:200", "7")
    await store.committer.expunge(inbox, UidSet.of([50]), only_deleted=False)
    with_gap = await store.committer.store_flags(inbox, every, FlagAction.SET, Flags.parse(["word"]))
    assert str(with_gap.changed) == "1:49,51:200"
    assert await flags_of(store, inbox) == [("word",)] * 199
    nobody = await store.committer.store_flags(inbox, UidSet(((500, 900),)), FlagAction.ADD, SEEN)
    assert (nobody.modseq, str(nobody.changed)) == (with_gap.modseq, "")
    user = (await store.directory.users())[0]
    box = await store.mailboxes.get(user.account_id, "INBOX")
    assert (box.messages, box.unseen, box.deleted) == (199, 199, 0)


@pytest.mark.parametrize("action", FlagAction)
async def test_a_run_of_any_entries_is_as_if_changed_one_by_one(store: Store, action: FlagAction) -> None:
    inbox, other = await new_inbox(store), await new_inbox(store, "bob")
    chance = random.Random(7)
    kinds = [Flags.parse(names) for names in ([], ["\\Seen"], ["\\Deleted", "word"], ["\\Seen", "\\Flagged"])]
    for one in (inbox, other):
        await append(store, one, 90)
        await store.committer.expunge(one, UidSet.parse("1,40:42,90"), only_deleted=False)
    for uid in range(2, 90, 3):
        flags = chance.choice(kinds)
        for one in (inbox, other):
            await store.committer.store_flags(one, UidSet.of([uid]), FlagAction.SET, flags)
    change = Flags.parse(["\\Seen", "\\Draft"])
    changed = []
    for uid in range(5, 88):
        found = await store.committer.store_flags(other, UidSet.of([uid]), action, change)
        changed += list(found.changed)
    stored = await store.committer.store_flags(inbox, UidSet(((5, 87),)), action, change)
    assert list(stored.changed) == changed
    assert await flags_of(store, inbox) == await flags_of(store, other)
    accounts = [user.account_id for user in await store.directory.users()]
    boxes = [await store.mailboxes.get(account_id, "INBOX") for account_id in accounts]
    assert boxes[0].unseen == boxes[1].unseen
    assert boxes[0].deleted == boxes[1].deleted
    snapshot = await store.messages.snapshot(inbox)
    with_it = [
        uid for uid, modseq in zip(snapshot.uids, snapshot.modseqs, strict=True) if modseq == stored.modseq
    ]
    assert with_it == changed
