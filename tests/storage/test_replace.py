"""One message in the place of another (RFC 8508 section 3.4)."""

from __future__ import annotations

import pytest
from tests.storage.making import append, at, inbox_of, new_user, octets_of, prepared

from mailkeep.errors import MailboxNotFound, NotFound, OverQuota
from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import Store


def made(content: bytes) -> NewMessage:
    return NewMessage(prepared(content, header=b""), at(0))


async def test_one_comes_and_one_goes(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    await append(store, inbox, 3)
    appended, expunged = await store.committer.replace(inbox, 2, inbox, made(b"new"))
    assert (appended.uids, str(expunged.uids)) == ((4,), "2")
    assert list((await store.messages.snapshot(inbox)).uids) == [1, 3, 4]
    assert await octets_of(store, inbox, 4) == b"new"


async def test_into_another_mailbox(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 1)
    target = await store.mailboxes.get(user.account_id, "Sent")
    appended, expunged = await store.committer.replace(inbox, 1, target.id, made(b"new"))
    assert (appended.mailbox_id, appended.uids, str(expunged.uids)) == (target.id, (1,), "1")
    counted = await store.mailboxes.get(user.account_id, "INBOX")
    assert (counted.messages, counted.size) == (0, 0)


async def test_what_is_not_there_changes_nothing(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    await append(store, inbox, 1)
    with pytest.raises(NotFound):
        await store.committer.replace(inbox, 9, inbox, made(b"new"))
    with pytest.raises(MailboxNotFound):
        await store.committer.replace(inbox, 1, 999_999, made(b"new"))
    assert list((await store.messages.snapshot(inbox)).uids) == [1]


async def test_only_the_difference_counts_against_the_quota(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await store.committer.append(inbox, [made(b"x" * 900)])
    await store.quotas.set_limits(user.id, 1000, 1)
    await store.committer.replace(inbox, 1, inbox, made(b"y" * 1000))
    with pytest.raises(OverQuota):
        await store.committer.replace(inbox, 2, inbox, made(b"y" * 1001))
    assert list((await store.messages.snapshot(inbox)).uids) == [2]
