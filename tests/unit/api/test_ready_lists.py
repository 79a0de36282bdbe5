"""A list that is kept is never older than the store: whatever changes it is seen by the next reading."""

from __future__ import annotations

from uuid import uuid4

from tests.storage.making import append, inbox_of, new_user

from mailkeep.model.flags import FlagAction, Flags, SystemFlag
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store
from mailkeep_api.queries import Paging
from mailkeep_api.ready_lists import ReadyLists
from mailkeep_api.schemas.emails import EmailList, EmailListItem

FIRST = Paging(1, 20)


async def truth(store: Store, account_id: int, page: Paging = FIRST) -> EmailList:
    """What the shapes make of the store's own answer."""
    rows, total, unread = await store.emails.page(account_id, page.offset, page.size)
    items = [EmailListItem.of(row, {}) for row in rows]
    return EmailList(items=items, total_count=total, unread_count=unread, page=page.page, page_size=page.size)


async def test_octets_are_those_of_the_contracts_shape(store: Store) -> None:
    user = await new_user(store)
    await append(store, await inbox_of(store, user), 3)
    octets = await ReadyLists(store).received(uuid4(), user.account_id, FIRST)
    assert octets.decode() == (await truth(store, user.account_id)).model_dump_json(by_alias=True)


async def test_every_change_is_seen_at_once(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    trash = await store.mailboxes.get(user.account_id, "Trash")
    lists = ReadyLists(store)
    await append(store, inbox, 3)
    seen = Flags(SystemFlag.SEEN)
    changes = (
        lambda: append(store, inbox, 1),
        lambda: store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.ADD, seen),
        lambda: store.committer.store_flags(inbox, UidSet.of([1]), FlagAction.REMOVE, seen),
        lambda: store.committer.copy(inbox, UidSet.of([2]), inbox),
        lambda: store.committer.move(inbox, UidSet.of([2]), trash.id),
        lambda: store.committer.expunge(inbox, UidSet.of([1]), only_deleted=False),
        lambda: store.mailboxes.delete(user.account_id, "Archive"),
    )
    for change in changes:
        before = await lists.received(uuid4(), user.account_id, FIRST)
        assert await lists.received(uuid4(), user.account_id, FIRST) is before  # kept
        await change()
        after = await lists.received(uuid4(), user.account_id, FIRST)
        assert after.decode() == (await truth(store, user.account_id)).model_dump_json(by_alias=True)


async def test_pages_and_accounts_are_kept_apart_in_bounded_memory(store: Store) -> None:
    one, other = await new_user(store), await new_user(store, "other")
    await append(store, await inbox_of(store, one), 5)
    lists = ReadyLists(store, limit=1500)
    pages = [Paging(number, 2) for number in (1, 2, 3)]
    for _ in range(2):
        for page in pages:
            octets = await lists.received(uuid4(), one.account_id, page)
            expected = await truth(store, one.account_id, page)
            assert octets.decode() == expected.model_dump_json(by_alias=True)
        assert b'"items":[]' in await lists.received(uuid4(), other.account_id, pages[0])
        assert lists.octets <= 1500
