"""The account-wide list for the API: newest first, exact totals."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.storage.making import append, at, deliver, inbox_of, new_user, prepared

from mailkeep.errors import NotFound
from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.message import NewMessage
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store


async def test_newest_first_over_all_listed_mailboxes(store: Store) -> None:
    user = await new_user(store)
    await store.mailboxes.create(user.account_id, "lists")
    order = {
        "INBOX": [5, 1],
        "lists": [4, 2],
        "Archive": [3],
        "Sent": [9],
        "Junk": [8],
        "Trash": [7],
        "Drafts": [6],
    }
    for name, minutes in order.items():
        box = await store.mailboxes.get(user.account_id, name)
        messages = [NewMessage(prepared(subject=f"at {minute}"), at(minute)) for minute in minutes]
        await store.committer.append(box.id, messages)
    rows, total, unread = await store.emails.page(user.account_id, 0, 10)
    assert [row.subject for row in rows] == ["at 5", "at 4", "at 3", "at 2", "at 1"]
    assert [row.mailbox for row in rows] == ["INBOX", "lists", "Archive", "lists", "INBOX"]
    assert (total, unread) == (5, 9)


async def test_pages_join_without_gap_or_overlap(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    await append(store, inbox, 7)
    await append(store, inbox, 6)  # the same moments again: then the later message first
    seen = []
    for offset in range(0, 15, 4):
        rows, total, _ = await store.emails.page(user.account_id, offset, 4)
        seen += [(row.received_at, row.message_id) for row in rows]
        assert total == 13
    assert len(set(seen)) == 13
    assert seen == sorted(seen, reverse=True)


async def test_one_mailbox(store: Store) -> None:
    user = await new_user(store)
    await append(store, await inbox_of(store, user), 2, Flags.parse(["\\Seen"]))
    sent = await store.mailboxes.get(user.account_id, "Sent")
    await append(store, sent.id, 3)
    rows, total, unread = await store.emails.page(user.account_id, 1, 10, mailbox="Sent")
    assert ([row.mailbox for row in rows], total, unread) == (["Sent", "Sent"], 3, 3)
    assert (await store.emails.page(user.account_id, 0, 10, mailbox="inbox"))[1] == 2
    assert await store.emails.page(user.account_id, 0, 10, mailbox="nothing") == ([], 0, 3)


async def test_a_row_tells_all(store: Store) -> None:
    user = await new_user(store)
    message = prepared(subject="Everything")
    (delivered,) = await deliver(store, "alice", message=message, minutes=7)
    await store.committer.store_flags(
        delivered.mailbox_id, UidSet.of([delivered.uid]), FlagAction.ADD, Flags.parse(["\\Seen", "Work"])
    )
    row = await store.emails.get(user.account_id, delivered.email_id)
    assert (await store.emails.page(user.account_id, 0, 1))[0] == [row]
    assert (row.email_id, row.mailbox_id, row.mailbox, row.uid) == (
        delivered.email_id,
        delivered.mailbox_id,
        "INBOX",
        delivered.uid,
    )
    assert row.flags.names() == ("\\Seen", "Work")
    assert (row.received_at, row.size) == (at(7), message.size)
    summary = message.summary
    assert (row.subject, row.from_address, row.from_name) == (
        "Everything",
        summary.from_address,
        summary.from_name,
    )
    assert (row.header_message_id, row.attachment_count, row.preview) == (
        summary.message_id,
        summary.attachment_count,
        summary.preview,
    )


async def test_what_is_anothers_is_not_found(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    (delivered,) = await deliver(store, "alice")
    for account_id, email_id in ((bob.account_id, delivered.email_id), (alice.account_id, uuid4())):
        with pytest.raises(NotFound):
            await store.emails.get(account_id, email_id)


async def test_each_recipient_sees_the_own_entry(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    first, second = await deliver(store, "alice", "bob")
    assert (await store.emails.get(alice.account_id, first.email_id)).mailbox_id == first.mailbox_id
    assert (await store.emails.get(bob.account_id, second.email_id)).mailbox_id == second.mailbox_id


async def test_an_expunged_message_is_gone(store: Store) -> None:
    user = await new_user(store)
    (delivered,) = await deliver(store, "alice")
    await store.committer.expunge(delivered.mailbox_id, UidSet.of([1]), only_deleted=False)
    with pytest.raises(NotFound):
        await store.emails.get(user.account_id, delivered.email_id)
    assert await store.emails.page(user.account_id, 0, 10) == ([], 0, 0)
