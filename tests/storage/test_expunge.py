"""Expunging (RFC 9051 sections 6.4.3 and 6.4.9)."""

from __future__ import annotations

import pytest
from tests.storage.making import append, new_inbox

from mailkeep.errors import MailboxNotFound
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store

DELETED = Flags.parse(["\\Deleted"])


async def mark(store: Store, inbox: int, uids: str) -> None:
    await store.committer.store_flags(inbox, UidSet.parse(uids), FlagAction.ADD, DELETED)


async def uids_of(store: Store, inbox: int) -> list[int]:
    return list((await store.messages.snapshot(inbox)).uids)


async def test_all_that_are_marked(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 5)
    await mark(store, inbox, "2,4:5")
    expunged = await store.committer.expunge(inbox, None)
    assert str(expunged.uids) == "2,4:5"
    assert await uids_of(store, inbox) == [1, 3]
    assert await append(store, inbox) == [6]


async def test_only_the_marked_ones_among_some(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 5)
    await mark(store, inbox, "2,4")
    assert str((await store.committer.expunge(inbox, UidSet.parse("1:2,9"))).uids) == "2"
    assert await uids_of(store, inbox) == [1, 3, 4, 5]


async def test_unmarked_ones_as_pop3_does(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 3)
    expunged = await store.committer.expunge(inbox, UidSet.parse("1,3"), only_deleted=False)
    assert str(expunged.uids) == "1,3"
    assert await uids_of(store, inbox) == [2]


async def test_nothing_to_expunge_is_no_change(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 1)
    before = (await store.messages.snapshot(inbox)).highestmodseq
    for uids in (None, UidSet(), UidSet.of([1]), UidSet.of([7])):
        expunged = await store.committer.expunge(inbox, uids)
        assert (expunged.modseq, expunged.uids) == (before, UidSet())


async def test_a_mailbox_that_does_not_exist(store: Store) -> None:
    with pytest.raises(MailboxNotFound):
        await store.committer.expunge(await new_inbox(store) + 1000, None)
