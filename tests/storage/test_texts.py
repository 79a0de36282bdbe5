"""The index of what messages say: it tells the same as reading, up to where it goes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from tests.conftest import open_test_store
from tests.storage.making import new_inbox

from mailkeep.settings import StoreSettings
from mailkeep.storage import texts as module
from mailkeep.storage.interface import Containing, Field, IndexedText, Store

BOTH = (Field.HEADER, Field.BODY)


def made(first: int, count: int) -> list[IndexedText]:
    """Every third UID is not there."""
    chance = random.Random(first)
    words = ["alpha", "beta", "gamma", "\u00c9T\u00c9", "x" * 60]
    return [
        IndexedText(uid, (f"subject {uid}", " ".join(chance.choices(words, k=3))))
        for uid in range(first, first + count)
        if uid % 3
    ]


def holding(messages: Sequence[IndexedText], field: int, needle: str) -> frozenset[int]:
    return frozenset(one.uid for one in messages if one.texts is not None and needle in one.texts[field])


async def test_segments_are_added_and_merged(store: Store, store_settings: StoreSettings) -> None:
    inbox = await new_inbox(store)
    messages: list[IndexedText] = []
    for first, count in ((1, 40), (41, 40), (81, 10), (91, 200)):
        more = made(first, count)
        assert await store.texts.through(inbox) == first - 1
        assert await store.texts.add(inbox, first - 1, first + count - 1, more)
        messages += more
    async with open_test_store(store_settings) as other:
        for each in (store, other, store):
            for needle in ("alph", "\u00c9T\u00c9", "x" * 30, "nothing"):
                found = await each.texts.containing(inbox, [Field.BODY], needle)
                assert found == Containing(290, holding(messages, 1, needle), frozenset())
            several = await each.texts.containing(inbox, BOTH, "alpha beta")
            assert several.possible >= holding(messages, 1, "alpha beta")
            header = await each.texts.containing(inbox, [Field.HEADER], "29")
            assert header.certain == holding(messages, 0, "29")


async def test_nobody_adds_where_the_index_does_not_end(store: Store) -> None:
    inbox = await new_inbox(store)
    assert await store.texts.add(inbox, 0, 10, made(1, 10))
    assert not await store.texts.add(inbox, 0, 10, made(1, 10))
    assert not await store.texts.add(inbox, 12, 20, made(13, 8))
    assert await store.texts.through(inbox) == 10


async def test_what_is_too_large_is_always_possible(store: Store) -> None:
    inbox = await new_inbox(store)
    assert await store.texts.add(inbox, 0, 3, [IndexedText(1, ("h", "b")), IndexedText(3, None)])
    assert await store.texts.containing(inbox, BOTH, "b") == Containing(3, frozenset({1}), frozenset({3}))
    assert await store.texts.containing(inbox, BOTH, "b c") == Containing(3, frozenset(), frozenset({3}))


async def test_a_needle_without_a_word_finds_nothing_out(store: Store) -> None:
    inbox = await new_inbox(store)
    await store.texts.add(inbox, 0, 3, made(1, 3))
    for needle in ("", "  ", "\n"):
        assert await store.texts.containing(inbox, BOTH, needle) == Containing()


async def test_a_mailbox_takes_its_index_with_it(store: Store) -> None:
    await new_inbox(store)
    account_id = (await store.directory.users())[0].account_id
    await store.mailboxes.create(account_id, "Old")
    old = (await store.mailboxes.get(account_id, "Old")).id
    assert await store.texts.add(old, 0, 3, made(1, 3))
    await store.mailboxes.delete(account_id, "Old")
    assert await store.texts.through(old) == 0
    assert not await store.texts.add(old, 0, 3, made(1, 3))


async def test_what_was_folded_in_another_way_is_made_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await new_inbox(store)
    monkeypatch.setattr(module, "VERSION", "another")
    assert await store.texts.add(inbox, 0, 9, made(1, 9))
    monkeypatch.undo()
    assert await store.texts.through(inbox) == 0
    assert await store.texts.containing(inbox, BOTH, "alpha") == Containing()
    assert await store.texts.add(inbox, 0, 6, made(1, 6))
    assert await store.texts.through(inbox) == 6
