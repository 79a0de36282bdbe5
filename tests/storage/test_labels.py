"""Labels: names for keywords, each of its user's own."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from tests.storage.making import append, inbox_of, new_user

from mailkeep.errors import AlreadyExists, NotFound, OverQuota
from mailkeep.model.flags import Flags
from mailkeep.storage import labels
from mailkeep.storage.interface import EmailFilter, Store


async def test_labels_are_listed_by_order_then_name(store: Store) -> None:
    user, other = await new_user(store), await new_user(store, "bob")
    for name, order in (("work", 1), ("b", 0), ("a", 0)):
        await store.labels.add(user.id, name, "#fff", order, name)
    await store.labels.add(other.id, "theirs", "", 0, "theirs")
    assert [label.name for label in await store.labels.list(user.id)] == ["a", "b", "work"]


async def test_a_keyword_that_is_taken_gets_a_letter_behind_it(store: Store) -> None:
    user = await new_user(store)
    made = [await store.labels.add(user.id, name, "", 0, "same") for name in ("one", "two", "three")]
    assert [label.keyword for label in made] == ["same", "sameA", "sameAA"]


async def test_a_rename_keeps_the_keyword(store: Store) -> None:
    user = await new_user(store)
    label = await store.labels.add(user.id, "old", "red", 3, "old")
    changed = await store.labels.change(user.id, label.id, name="new")
    assert (changed.name, changed.color, changed.sort_order, changed.keyword) == ("new", "red", 3, "old")
    assert await store.labels.get(user.id, label.id) == changed
    again = await store.labels.change(user.id, label.id, color="blue", sort_order=-1)
    assert (again.name, again.color, again.sort_order) == ("new", "blue", -1)


async def test_a_name_is_there_once_also_when_many_ask_at_once(store: Store) -> None:
    user = await new_user(store)
    asked = [store.labels.add(user.id, "same", "", 0, "same") for _ in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, AlreadyExists) for answer in answers) == 3
    other = await store.labels.add(user.id, "other", "", 0, "other")
    with pytest.raises(AlreadyExists):
        await store.labels.change(user.id, other.id, name="same")
    assert len(await store.labels.list(user.id)) == 2


async def test_what_is_anothers_is_not_there(store: Store) -> None:
    user, other = await new_user(store), await new_user(store, "bob")
    label = await store.labels.add(other.id, "theirs", "", 0, "theirs")
    for refused in (
        store.labels.get(user.id, label.id),
        store.labels.change(user.id, label.id, name="mine"),
        store.labels.remove(user.id, label.id),
        store.labels.remove(user.id, uuid4()),
    ):
        with pytest.raises(NotFound):
            await refused
    await store.labels.remove(other.id, label.id)
    assert await store.labels.list(other.id) == []


async def test_a_user_has_so_many_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "LABELS_LIMIT", 1)
    user = await new_user(store)
    await store.labels.add(user.id, "one", "", 0, "one")
    with pytest.raises(OverQuota):
        await store.labels.add(user.id, "two", "", 0, "two")


async def test_entries_are_found_by_keyword_in_any_case_and_as_whole_words(store: Store) -> None:
    user = await new_user(store)
    inbox = await inbox_of(store, user)
    trash = await store.mailboxes.get(user.account_id, "Trash")
    await append(store, inbox, 1, Flags.parse(["Work"]))
    await append(store, inbox, 1, Flags.parse(["workshop", "homework"]))
    await append(store, inbox, 1, Flags.parse(["a", "WORK", "z"]))
    await append(store, trash.id, 1, Flags.parse(["work"]))
    found = await store.emails.find(user.account_id, EmailFilter(keyword="work"), 0, 10)
    assert {row.uid for row in found} == {1, 3}
    assert (await store.emails.count(user.account_id, EmailFilter(keyword="work")))[0] == 2
    everywhere = await store.emails.with_keyword(user.account_id, "work")
    assert sorted(everywhere) == sorted([(inbox, 1), (inbox, 3), (trash.id, 1)])
