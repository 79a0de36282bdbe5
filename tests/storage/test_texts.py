"""The index of what messages say: it tells the same as reading, up to where it goes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from tests.conftest import open_test_store
from tests.storage.making import new_inbox

from mailkeep.settings import StoreSettings
from mailkeep.storage import text_compacting as compacting
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


async def segments(store: Store, inbox: int) -> list[tuple[int, int]]:
    texts: Any = store.texts
    return [head[:2] for head in await texts._heads(inbox)]


@pytest.fixture
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "FEW", 4)
    for where in (compacting, module):
        monkeypatch.setattr(where, "SEGMENT_MESSAGES", 30)


async def filled(store: Store, inbox: int) -> list[IndexedText]:
    """Seven segments of 24 messages, one of which is too large."""
    messages: list[IndexedText] = []
    for first in range(1, 36 * 7, 36):
        more = made(first, 36)
        more[5] = IndexedText(more[5].uid, None)
        assert await store.texts.add(inbox, first - 1, first + 35, more)
        messages += more
    return messages


@pytest.mark.usefixtures("_small_segments")
async def test_what_is_gone_leaves_the_index(store: Store, store_settings: StoreSettings) -> None:
    inbox = await new_inbox(store)
    messages = await filled(store, inbox)
    assert len(await segments(store, inbox)) == 7
    chance = random.Random(5)
    present = [one for one in messages if one.uid > 216 or 73 <= one.uid <= 108 or chance.random() < 0.2]
    uids = [one.uid for one in present]
    async with open_test_store(store_settings) as other:  # which has read the segments as they were
        await other.texts.containing(inbox, BOTH, "alpha")
        steps = 0
        while await store.texts.compact(inbox, uids, 36 * 7 + 1):
            steps += 1
            assert await store.texts.through(inbox) == 36 * 7
            for needle in ("alph", "\u00c9T\u00c9", "19", "nothing"):
                found = await other.texts.containing(inbox, BOTH, needle)
                wanted = holding(present, 0, needle) | holding(present, 1, needle)
                assert found.certain & set(uids) == wanted
                assert found.possible >= {one.uid for one in present if one.texts is None}
    assert 0 < steps < 12
    left = await segments(store, inbox)
    assert len(left) <= 4
    assert [low for low, _ in left] == [1, *(high + 1 for _, high in left[:-1])]  # no UID between them
    found = await store.texts.containing(inbox, [Field.HEADER], "subject")
    assert len(found.certain) < len(present) * 1.5
    assert not await store.texts.compact(inbox, uids, 36 * 7 + 1)


@pytest.mark.usefixtures("_small_segments")
async def test_what_came_after_the_question_is_left_alone(store: Store) -> None:
    inbox = await new_inbox(store)
    messages = await filled(store, inbox)
    assert await store.texts.compact(inbox, [], 73)  # nothing below 73 is there, of later ones nobody knows
    while await store.texts.compact(inbox, [], 73):
        pass
    found = await store.texts.containing(inbox, [Field.HEADER], "subject")
    later = [one for one in messages if one.uid >= 73]
    assert found.certain == holding(later, 0, "subject")


@pytest.mark.usefixtures("_small_segments")
async def test_a_full_index_is_left_as_it_is(store: Store) -> None:
    inbox = await new_inbox(store)
    messages = await filled(store, inbox)
    assert not await store.texts.compact(inbox, [one.uid for one in messages], 36 * 7 + 1)
    assert not await store.texts.compact(inbox + 1000, [], 1)
