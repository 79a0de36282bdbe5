"""A message that lies in several mailboxes, or twice in one, is one message to a list."""

from __future__ import annotations

from tests.storage.making import append, inbox_of, new_user

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import EmailFilter, Store


async def test_copies_are_listed_and_counted_once(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    archive = await store.mailboxes.get(user.account_id, "Archive")
    await append(store, inbox, 3)
    await store.committer.copy(inbox, UidSet.of([1, 2]), archive.id)
    await store.committer.copy(inbox, UidSet.of([1]), inbox)
    rows, total, _ = await store.emails.page(user.account_id, 0, 10)
    assert ([row.uid for row in rows], total) == ([3, 2, 1], 3)
    pages = [(await store.emails.page(user.account_id, offset, 1))[0] for offset in range(4)]
    assert [[row.uid for row in page] for page in pages] == [[3], [2], [1], []]
    found = await store.emails.find(user.account_id, EmailFilter(), 0, 10)
    assert [row.email_id for row in found] == [row.email_id for row in rows]
    assert (await store.emails.count(user.account_id, EmailFilter()))[0] == 3


async def test_the_count_follows_what_comes_and_goes(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    archive = await store.mailboxes.get(user.account_id, "Archive")
    await append(store, inbox, 2)
    await store.committer.copy(inbox, UidSet.of([1, 2]), archive.id)
    assert (await store.emails.page(user.account_id, 0, 10))[1] == 2
    await store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False)
    await append(store, inbox, 1)
    rows, total, _ = await store.emails.page(user.account_id, 0, 10)
    assert {(row.mailbox, row.uid) for row in rows} == {("INBOX", 2), ("Archive", 1), ("INBOX", 3)}
    assert (len(rows), total) == (3, 3)


async def test_a_copy_that_is_as_wanted_is_enough(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    archive = await store.mailboxes.get(user.account_id, "Archive")
    await append(store, inbox, 1)
    await store.committer.copy(inbox, UidSet.of([1]), archive.id)
    await store.committer.store_flags(archive.id, UidSet.of([1]), FlagAction.ADD, Flags.parse(["\\Seen"]))
    for is_read, mailbox in ((True, "Archive"), (False, "INBOX")):
        which = EmailFilter(is_read=is_read)
        assert [row.mailbox for row in await store.emails.find(user.account_id, which, 0, 9)] == [mailbox]
        assert (await store.emails.count(user.account_id, which))[0] == 1
