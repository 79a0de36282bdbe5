"""Annotations go with their mailbox, are private or shared, and have limits."""

from __future__ import annotations

import pytest
from tests.storage.making import deliver, inbox_of, new_user

from mailkeep.errors import AnnotationTooLarge, MailboxNotFound, TooManyAnnotations
from mailkeep.model.annotations import ACCOUNT_LIMIT, ENTRIES_LIMIT, VALUE_LIMIT, Depth
from mailkeep.storage.interface import Store
from mailkeep.storage.interface.annotations import SERVER

MINE, OURS = "/private/comment", "/shared/comment"


async def test_private_ones_are_seen_by_their_account_alone(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    inbox = await inbox_of(store, alice)
    await store.annotations.set(alice.account_id, inbox, {MINE: b"a", OURS: b"s"})
    await store.annotations.set(bob.account_id, inbox, {MINE: b"b"})
    assert await store.annotations.get(alice.account_id, [inbox], [MINE, OURS]) == {
        inbox: {MINE: b"a", OURS: b"s"}
    }
    assert await store.annotations.get(bob.account_id, [inbox], [MINE, OURS]) == {
        inbox: {MINE: b"b", OURS: b"s"}
    }


async def test_of_several_mailboxes_and_of_the_server(store: Store) -> None:
    alice, bob = await new_user(store), await new_user(store, "bob")
    inbox = await inbox_of(store, alice)
    archive = (await store.mailboxes.get(alice.account_id, "Archive")).id
    await store.annotations.set(alice.account_id, inbox, {MINE: b"1"})
    await store.annotations.set(alice.account_id, SERVER, {MINE: b"2"})
    found = await store.annotations.get(alice.account_id, [inbox, archive, SERVER], [MINE])
    assert found == {inbox: {MINE: b"1"}, SERVER: {MINE: b"2"}}
    assert await store.annotations.get(bob.account_id, [SERVER], [MINE]) == {}


async def test_names_below(store: Store) -> None:
    alice = await new_user(store)
    values = {"/private/a": b"0", "/private/a/b": b"1", "/private/a/b/c": b"\0\xff", "/private/ab": b""}
    await store.annotations.set(alice.account_id, SERVER, values)

    async def below(name: str, depth: Depth) -> dict[str, bytes]:
        found = await store.annotations.get(alice.account_id, [SERVER], [name], depth)
        return dict(found.get(SERVER, {}))

    assert await below("/private/a", Depth.CHILDREN) == {"/private/a": b"0", "/private/a/b": b"1"}
    assert await below("/private", Depth.ALL) == values


async def test_all_or_none(store: Store) -> None:
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    await store.annotations.set(alice.account_id, inbox, {MINE: b"1"})
    with pytest.raises(AnnotationTooLarge):
        await store.annotations.set(alice.account_id, inbox, {MINE: None, OURS: b"x" * (VALUE_LIMIT + 1)})
    many = {f"/private/{number}": b"" for number in range(ENTRIES_LIMIT)}
    with pytest.raises(TooManyAnnotations):
        await store.annotations.set(alice.account_id, inbox, many)
    assert await store.annotations.get(alice.account_id, [inbox], ["/private/1", MINE]) == {
        inbox: {MINE: b"1"}
    }
    await store.annotations.set(alice.account_id, inbox, {**many, MINE: None})
    await store.annotations.set(alice.account_id, inbox, {"/private/0": None, MINE: b"2"})


async def test_an_account_has_no_more_than_its_limit(store: Store) -> None:
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    archive = (await store.mailboxes.get(alice.account_id, "Archive")).id
    values = {f"/shared/{number}": b"x" * VALUE_LIMIT for number in range(ENTRIES_LIMIT)}
    places = [inbox, archive]
    assert len(places) * ENTRIES_LIMIT * VALUE_LIMIT < ACCOUNT_LIMIT
    for place in places:
        await store.annotations.set(alice.account_id, place, values)
    private = {name.replace("shared", "private"): value for name, value in values.items()}
    with pytest.raises(TooManyAnnotations):
        await store.annotations.set(alice.account_id, inbox, private)


async def test_of_a_mailbox_that_is_not_there(store: Store) -> None:
    alice = await new_user(store)
    with pytest.raises(MailboxNotFound):
        await store.annotations.set(alice.account_id, 999_999, {MINE: b""})


async def test_they_follow_a_rename_and_die_with_their_mailbox(store: Store) -> None:
    alice = await new_user(store)
    made = await store.mailboxes.create(alice.account_id, "a")
    await store.annotations.set(alice.account_id, made.id, {MINE: b"1"})
    await store.mailboxes.rename(alice.account_id, "a", "b")
    renamed = await store.mailboxes.get(alice.account_id, "b")
    assert await store.annotations.get(alice.account_id, [renamed.id], [MINE]) == {renamed.id: {MINE: b"1"}}
    await store.mailboxes.delete(alice.account_id, "b")
    await store.mailboxes.create(alice.account_id, "b")
    assert await store.annotations.get(alice.account_id, [renamed.id], [MINE]) == {}


async def test_renaming_inbox_copies_them_rfc5464_4_1(store: Store) -> None:
    alice = await new_user(store)
    inbox = await inbox_of(store, alice)
    await deliver(store, "alice")
    await store.annotations.set(alice.account_id, inbox, {MINE: b"1", OURS: b"2"})
    await store.mailboxes.rename(alice.account_id, "INBOX", "old")
    old = (await store.mailboxes.get(alice.account_id, "old")).id
    values = {MINE: b"1", OURS: b"2"}
    found = await store.annotations.get(alice.account_id, [inbox, old], [MINE, OURS])
    assert found == {inbox: values, old: values}
