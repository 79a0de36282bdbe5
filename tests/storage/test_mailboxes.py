"""The tree of mailboxes (RFC 9051 sections 6.3.4 to 6.3.8, RFC 6154)."""

from __future__ import annotations

import asyncio
import gc

import pytest
from tests.conftest import open_test_store
from tests.storage.making import append, deliver, inbox_of, new_user, octets_of, prepared

from mailkeep.errors import (
    AlreadyExists,
    InUse,
    InvalidName,
    MailboxNotFound,
    OverQuota,
    PermissionRefused,
)
from mailkeep.model.mailbox import DEFAULT_MAILBOXES, MAILBOX_NAME_LIMIT, SpecialUse
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store


async def names(store: Store, account_id: int) -> list[str]:
    return [mailbox.name for mailbox in await store.mailboxes.list(account_id)]


async def new_account(store: Store) -> int:
    return (await new_user(store)).account_id


async def test_every_account_has_the_special_mailboxes(store: Store) -> None:
    account = await new_account(store)
    mailboxes = await store.mailboxes.list(account)
    assert mailboxes[0].name == "INBOX"
    assert [mailbox.name for mailbox in mailboxes[1:]] == sorted(mailbox.name for mailbox in mailboxes[1:])
    assert {(mailbox.name, mailbox.special_use) for mailbox in mailboxes} == set(DEFAULT_MAILBOXES)
    assert all(mailbox.subscribed and mailbox.selectable and not mailbox.messages for mailbox in mailboxes)
    assert len({mailbox.uidvalidity for mailbox in mailboxes}) == len(mailboxes)
    assert len({mailbox.object_id for mailbox in mailboxes}) == len(mailboxes)


async def test_inbox_is_found_in_any_case(store: Store) -> None:
    account = await new_account(store)
    assert (await store.mailboxes.get(account, "iNbOx")).name == "INBOX"
    with pytest.raises(MailboxNotFound):
        await store.mailboxes.get(account, "drafts")


async def test_creating_makes_the_parents_that_are_missing(store: Store) -> None:
    account = await new_account(store)
    made = await store.mailboxes.create(account, "a/b/c")
    assert (made.name, made.uidnext, made.messages) == ("a/b/c", 1, 0)
    assert {"a", "a/b", "a/b/c"} < set(await names(store, account))
    with pytest.raises(AlreadyExists):
        await store.mailboxes.create(account, "a/b")
    with pytest.raises(AlreadyExists):
        await store.mailboxes.create(account, "inbox")


async def test_creating_with_a_special_use(store: Store) -> None:
    account = await new_account(store)
    made = await store.mailboxes.create(account, "Kept", SpecialUse.ARCHIVE)
    assert made.special_use is SpecialUse.ARCHIVE


async def test_names_are_compared_in_nfc(store: Store) -> None:
    account = await new_account(store)
    made = await store.mailboxes.create(account, "Cafe\u0301")
    assert made.name == "Caf\u00e9"
    assert await store.mailboxes.get(account, "Caf\u00e9") == made


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "a*",
        "a%b",
        "a\x00b",
        "a\nb",
        "a\u2028b",
        "\ud800",
        "x" * 256,
        "a/" * 16 + "a",
    ],
)
async def test_names_that_are_refused(store: Store, name: str) -> None:
    account = await new_account(store)
    for attempt in (
        store.mailboxes.create(account, name),
        store.mailboxes.rename(account, "Archive", name),
        store.mailboxes.subscribe(account, name),
    ):
        with pytest.raises(InvalidName):
            await attempt
    with pytest.raises(MailboxNotFound):
        await store.mailboxes.get(account, name)
    await store.mailboxes.unsubscribe(account, name)


async def test_the_longest_name(store: Store) -> None:
    account = await new_account(store)
    longest = "\N{PILE OF POO}" * MAILBOX_NAME_LIMIT
    assert (await store.mailboxes.create(account, longest)).name == longest


async def test_an_account_has_a_limit_of_mailboxes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.storage.mailboxes.MAILBOXES_PER_ACCOUNT", len(DEFAULT_MAILBOXES) + 1)
    account = await new_account(store)
    with pytest.raises(OverQuota):
        await store.mailboxes.create(account, "a/b")
    await store.mailboxes.create(account, "a")
    with pytest.raises(OverQuota):
        await store.mailboxes.create(account, "b")


async def test_a_mailbox_made_again_is_another_one(store: Store) -> None:
    account = await new_account(store)
    seen = set()
    for _ in range(3):
        made = await store.mailboxes.create(account, "again")
        await append(store, made.id)
        await store.mailboxes.delete(account, "again")
        seen.add((made.uidvalidity, made.id, made.object_id))
    assert len({uidvalidity for uidvalidity, _, _ in seen}) == 3
    assert len({id for _, id, _ in seen}) == 3


async def test_deleting_takes_the_messages_along(store: Store) -> None:
    account = await new_account(store)
    made = await store.mailboxes.create(account, "a")
    await append(store, made.id, 2)
    await store.mailboxes.delete(account, "a")
    with pytest.raises(MailboxNotFound):
        await store.mailboxes.get(account, "a")
    with pytest.raises(MailboxNotFound):
        await store.messages.snapshot(made.id)
    with pytest.raises(MailboxNotFound):
        await append(store, made.id)


async def test_with_children_the_name_stays_and_cannot_be_selected(store: Store) -> None:
    account = await new_account(store)
    parent = await store.mailboxes.create(account, "a")
    await store.mailboxes.create(account, "a/b")
    await append(store, parent.id)
    await store.mailboxes.delete(account, "a")
    left = await store.mailboxes.get(account, "a")
    assert (left.selectable, left.messages, left.size) == (False, 0, 0)
    with pytest.raises(MailboxNotFound):
        await store.messages.snapshot(parent.id)
    with pytest.raises(InUse):
        await store.mailboxes.delete(account, "a")
    again = await store.mailboxes.create(account, "a")
    assert again.selectable
    assert again.id != parent.id
    assert again.uidvalidity > parent.uidvalidity
    assert await append(store, again.id) == [1]


async def test_inbox_cannot_be_deleted(store: Store) -> None:
    account = await new_account(store)
    with pytest.raises(PermissionRefused):
        await store.mailboxes.delete(account, "inbox")
    with pytest.raises(MailboxNotFound):
        await store.mailboxes.delete(account, "nothing")


async def test_renaming_takes_the_tree_along(store: Store) -> None:
    account = await new_account(store)
    for name in ("a/b/c", "ab", "z"):
        await store.mailboxes.create(account, name)
    before = await store.mailboxes.get(account, "a/b/c")
    await store.mailboxes.rename(account, "a", "x/y")
    after = await store.mailboxes.get(account, "x/y/b/c")
    assert (after.id, after.uidvalidity, after.object_id) == (before.id, before.uidvalidity, before.object_id)
    found = set(await names(store, account))
    assert {"x", "x/y", "x/y/b", "x/y/b/c", "ab", "z"} < found
    assert not {"a", "a/b", "a/b/c"} & found


@pytest.mark.parametrize(
    ("name", "new_name", "refusal"),
    [
        ("nothing", "new", MailboxNotFound),
        ("a", "Drafts", AlreadyExists),
        ("a", "a", AlreadyExists),
        ("a", "a/below", InvalidName),
        ("a", "x" * 254, InvalidName),  # a/b would become too long
        ("INBOX", "Drafts", AlreadyExists),
    ],
)
async def test_renames_that_are_refused(
    store: Store, name: str, new_name: str, refusal: type[Exception]
) -> None:
    account = await new_account(store)
    await store.mailboxes.create(account, "a/b")
    before = await names(store, account)
    with pytest.raises(refusal):
        await store.mailboxes.rename(account, name, new_name)
    assert await names(store, account) == before


async def test_renaming_inbox_moves_its_messages_and_leaves_it_empty(store: Store) -> None:
    """RFC 9051 section 6.3.6."""
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    message = prepared(b"in the inbox\r\n")
    await deliver(store, "alice", message=message)
    await store.mailboxes.create(user.account_id, "INBOX/child")
    await store.mailboxes.rename(user.account_id, "INBOX", "old/mail")
    left, moved = [await store.mailboxes.get(user.account_id, name) for name in ("INBOX", "old/mail")]
    assert (left.id, left.messages, moved.messages) == (inbox, 0, 1)
    assert await octets_of(store, moved.id, 1) == message.header + b"in the inbox\r\n"
    assert "INBOX/child" in await names(store, user.account_id)
    assert (await deliver(store, "alice"))[0].uid == 2


async def test_a_new_mailbox_is_not_subscribed(store: Store) -> None:
    account = await new_account(store)
    assert not (await store.mailboxes.create(account, "made/here")).subscribed
    assert "made/here" not in await store.mailboxes.subscriptions(account)


async def test_subscriptions_outlive_their_mailbox(store: Store) -> None:
    account = await new_account(store)
    await store.mailboxes.subscribe(account, "not/there")
    await store.mailboxes.subscribe(account, "not/there")
    await store.mailboxes.unsubscribe(account, "Drafts")
    await store.mailboxes.unsubscribe(account, "never")
    await store.mailboxes.delete(account, "Junk")
    assert list(await store.mailboxes.subscriptions(account)) == [
        "Archive", "INBOX", "Junk", "Sent", "Trash", "not/there",
    ]  # fmt: skip
    assert not (await store.mailboxes.get(account, "Drafts")).subscribed


async def test_subscriptions_have_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep.storage.mailboxes.SUBSCRIPTIONS_PER_ACCOUNT", 7)
    account = await new_account(store)
    await store.mailboxes.subscribe(account, "one")
    with pytest.raises(OverQuota):
        await store.mailboxes.subscribe(account, "two")


async def test_accounts_do_not_see_each_other(store: Store) -> None:
    one, other = await new_user(store, "alice"), await new_user(store, "bob")
    await store.mailboxes.create(one.account_id, "private")
    assert "private" not in await names(store, other.account_id)
    with pytest.raises(MailboxNotFound):
        await store.mailboxes.get(other.account_id, "private")


async def test_two_processes_that_create_the_same_mailbox_at_once(store_settings: StoreSettings) -> None:
    async with open_test_store(store_settings) as one, open_test_store(store_settings) as other:
        account = await new_account(one)
        results = await asyncio.gather(
            *[store.mailboxes.create(account, "same/name") for store in (one, other) for _ in range(3)],
            return_exceptions=True,
        )
        assert sum(1 for result in results if isinstance(result, AlreadyExists)) == 5
        assert (await names(one, account)).count("same/name") == 1


async def test_counters(store: Store) -> None:
    user = await new_user(store)
    message = prepared(b"x" * 100)
    await deliver(store, "alice", message=message)
    inbox = await store.mailboxes.get(user.account_id, "INBOX")
    assert (inbox.messages, inbox.unseen, inbox.deleted, inbox.size) == (1, 1, 0, message.size)
    assert (inbox.uidnext, inbox.highestmodseq) == (2, 2)


async def test_a_name_goes_with_the_last_mailbox_below_it(store: Store) -> None:
    account_id = (await new_user(store)).account_id
    await store.mailboxes.create(account_id, "a/b/c/d")
    await store.mailboxes.create(account_id, "a/b/e")
    for name in ("a/b", "a/b/c"):
        await store.mailboxes.delete(account_id, name)

    async def names() -> list[str]:
        return [mailbox.name for mailbox in await store.mailboxes.list(account_id) if mailbox.name[0] in "ax"]

    await store.mailboxes.delete(account_id, "a/b/c/d")
    assert await names() == ["a", "a/b", "a/b/e"]
    await store.mailboxes.rename(account_id, "a/b/e", "x")
    assert await names() == ["a", "x"]


async def test_a_refusal_that_nobody_waits_for_is_no_error_of_the_loop(store: Store) -> None:
    account = await new_account(store)
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    asking = asyncio.create_task(store.mailboxes.create(account, "INBOX"))
    while not (writes := [task for task in asyncio.all_tasks() if task.get_name() == "store-write"]):
        if asking.done():  # SQLite's writer is a thread, and cannot be left
            return
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait(writes)
    del writes, asking  # each holds what came of it
    await asyncio.sleep(0)
    gc.collect()
    assert not told
