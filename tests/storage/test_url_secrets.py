"""Secrets that sign URLs into mailboxes."""

from __future__ import annotations

import asyncio

import pytest
from tests.storage.making import inbox_of, new_user

from mailkeep.errors import MailboxNotFound
from mailkeep.storage.interface import Store


async def test_one_is_made_and_kept(store: Store) -> None:
    inbox = await inbox_of(store, await new_user(store))
    assert await store.url_secrets.find(inbox) is None
    made = await asyncio.gather(*(store.url_secrets.ensure(inbox) for _ in range(5)))
    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert await store.url_secrets.find(inbox) == made[0]


async def test_each_mailbox_has_its_own(store: Store) -> None:
    user = await new_user(store)
    inbox, sent = await inbox_of(store, user), (await store.mailboxes.get(user.account_id, "Sent")).id
    first, second = await store.url_secrets.ensure(inbox), await store.url_secrets.ensure(sent)
    assert first != second
    await store.url_secrets.reset(inbox)
    assert await store.url_secrets.find(sent) == second
    assert await store.url_secrets.ensure(inbox) != first
    await store.url_secrets.reset_all(user.account_id)
    assert await store.url_secrets.find(inbox) is None
    assert await store.url_secrets.find(sent) is None


async def test_it_dies_with_its_mailbox(store: Store) -> None:
    user = await new_user(store)
    made = await store.mailboxes.create(user.account_id, "a/b")
    above = await store.mailboxes.get(user.account_id, "a")
    for mailbox in (made, above):
        await store.url_secrets.ensure(mailbox.id)
    await store.mailboxes.delete(user.account_id, "a")  # keeps its name for what is below
    assert await store.url_secrets.find(above.id) is None
    await store.mailboxes.delete(user.account_id, "a/b")
    with pytest.raises(MailboxNotFound):
        await store.url_secrets.ensure(made.id)
