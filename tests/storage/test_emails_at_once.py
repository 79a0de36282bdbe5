"""Pages that many ask for at once are the pages that each would have been given alone."""

from __future__ import annotations

import asyncio

from tests.storage.making import append, inbox_of, new_user

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet
from mailkeep.storage.interface import Store

PAGES = ((0, 20), (0, 1), (2, 3), (4, 100), (150, 50), (190, 100))


async def filled(store: Store) -> list[int]:
    """Accounts: with mail in many mailboxes, with copies of one message, with one message, with none."""
    users = [await new_user(store, name) for name in ("many", "copies", "one", "none")]
    many, copies, one = [await inbox_of(store, user) for user in users[:3]]
    for name in ("INBOX", "Archive", "Sent", "Trash"):
        await append(store, (await store.mailboxes.get(users[0].account_id, name)).id, 4)
    await store.committer.store_flags(
        many, UidSet.of([1, 3]), FlagAction.ADD, Flags.parse(["\\Seen", "word"])
    )
    await append(store, copies, 3)
    archive = await store.mailboxes.get(users[1].account_id, "Archive")
    await store.committer.copy(copies, UidSet.of([1, 2]), archive.id)
    await append(store, one, 1)
    return [user.account_id for user in users]


async def test_pages_asked_for_together_are_those_of_each_alone(store: Store) -> None:
    wanted = [(account, *page) for account in [*await filled(store), 1 << 40] for page in PAGES]
    alone = [await store.emails.page_of_state(*one) for one in wanted]
    for _ in range(2):  # the second time it is known who has copies
        together = await asyncio.gather(*(store.emails.page_of_state(*one) for one in wanted))
        assert together == alone


async def test_a_page_is_of_the_state_that_comes_with_it(store: Store) -> None:
    accounts = await filled(store)
    pages = await asyncio.gather(*(store.emails.page_of_state(account, 0, 20) for account in accounts))
    states = await asyncio.gather(*(store.emails.list_state(account) for account in accounts))
    assert [page.state for page in pages] == states
    assert len(set(states)) == len(states)
    await append(store, await inbox_of(store, await new_user(store, "other")), 1)
    assert [await store.emails.list_state(account) for account in accounts] == states
    assert await store.emails.list_state(1 << 40) == ()
