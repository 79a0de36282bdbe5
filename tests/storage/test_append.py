"""Appending: all messages of a call or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.storage.making import append, at, inbox_of, new_inbox, new_user, octets_of, prepared

from mailkeep.errors import MailboxNotFound, StoreUnavailable
from mailkeep.model.flags import Flags
from mailkeep.model.message import NewMessage, SpooledContent
from mailkeep.storage.interface import Store


async def test_the_facts_of_appenduid(store: Store) -> None:
    """RFC 4315 section 3."""
    user = await new_user(store)
    box = await store.mailboxes.get(user.account_id, "Sent")
    flags = Flags.parse(["\\Seen", "\\Draft", "Work"])
    appended = await store.committer.append(
        box.id, [NewMessage(prepared(), at(5), flags), NewMessage(prepared(), at(3))]
    )
    assert (appended.mailbox_id, appended.uidvalidity, appended.uids) == (box.id, box.uidvalidity, (1, 2))
    snapshot = await store.messages.snapshot(box.id)
    assert [entry.flags for entry in map(snapshot.entry_at, range(2))] == [flags, Flags()]
    assert list(snapshot.internal_dates) == [int(at(5).timestamp()), int(at(3).timestamp())]
    assert snapshot.highestmodseq == appended.highestmodseq


async def test_appending_notifies_nobody(store: Store) -> None:
    await append(store, await new_inbox(store))
    assert not await store.outbox.claim(10, 10)


async def test_a_mailbox_that_does_not_exist(store: Store) -> None:
    user = await new_user(store)
    with pytest.raises(MailboxNotFound):
        await append(store, await inbox_of(store, user) + 1000)


async def test_one_bad_message_keeps_all_of_the_call_out(store: Store, tmp_path: Path) -> None:
    inbox = await new_inbox(store)
    missing = prepared(SpooledContent(str(tmp_path / "gone"), 0, 10))
    messages = [NewMessage(prepared(), at(0)), NewMessage(missing, at(0))]
    with pytest.raises(StoreUnavailable):
        await store.committer.append(inbox, messages)
    assert len(await store.messages.snapshot(inbox)) == 0
    assert await append(store, inbox) == [1]


@pytest.mark.parametrize("size", [0, 1, 65_536, 262_144, 262_145, 3_000_000])
async def test_spooled_content_is_kept_octet_by_octet(store: Store, tmp_path: Path, size: int) -> None:
    inbox = await new_inbox(store)
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    spool = tmp_path / "spool"
    spool.write_bytes(b"before" + content + b"after")
    message = prepared(SpooledContent(str(spool), 6, size))
    await store.committer.append(inbox, [NewMessage(message, at(0))])
    spool.unlink()
    assert await octets_of(store, inbox, 1) == message.header + content


async def test_a_spool_that_is_too_short_leaves_nothing(store: Store, tmp_path: Path) -> None:
    inbox = await new_inbox(store)
    spool = tmp_path / "spool"
    spool.write_bytes(b"short")
    with pytest.raises(StoreUnavailable):
        await store.committer.append(inbox, [NewMessage(prepared(SpooledContent(str(spool), 0, 100)), at(0))])
    assert len(await store.messages.snapshot(inbox)) == 0


async def test_a_mailbox_is_taken_only_by_the_name_that_it_has(store: Store) -> None:
    user = await new_user(store)
    box = await store.mailboxes.create(user.account_id, "Notes")
    message = NewMessage(prepared(), at(0))
    assert (await store.committer.append(box.id, [message], "Notes")).uids == (1,)
    await store.mailboxes.rename(user.account_id, "Notes", "Old")
    with pytest.raises(MailboxNotFound):
        await store.committer.append(box.id, [message], "Notes")
    assert (await store.committer.append(box.id, [message], "Old")).uids == (2,)
