"""Columns of message rows, in batches that the reader's backpressure can hold back."""

from __future__ import annotations

import pytest
from tests.storage.making import append, at, new_inbox, prepared

from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import Column, Store
from mailkeep.storage.messages import BATCH_OCTETS, BATCH_ROWS


async def test_just_the_columns_asked_for_in_the_order_asked_for(store: Store) -> None:
    inbox = await new_inbox(store)
    messages = [prepared() for _ in range(3)]
    await store.committer.append(inbox, [NewMessage(message, at(0)) for message in messages])
    one, two, three = (await store.messages.snapshot(inbox)).message_ids
    wanted = [three, 999_999, one, two]
    batches = [batch async for batch in store.messages.rows(wanted, [Column.BODY, Column.ENVELOPE])]
    assert [row for batch in batches for row in batch] == [
        (three, messages[2].body, messages[2].envelope),
        (one, messages[0].body, messages[0].envelope),
        (two, messages[1].body, messages[1].envelope),
    ]


async def test_no_ids_no_batches(store: Store) -> None:
    assert [batch async for batch in store.messages.rows([], [Column.ENVELOPE])] == []
    assert [batch async for batch in store.messages.rows([1, 2], [Column.ENVELOPE])] == []


async def test_the_same_id_twice(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox)
    (id,) = (await store.messages.snapshot(inbox)).message_ids
    rows = [row async for batch in store.messages.rows([id, id], [Column.EMAIL_ID]) for row in batch]
    assert rows[0] == rows[1]


async def test_many_small_rows(store: Store) -> None:
    inbox = await new_inbox(store)
    for _ in range(5):
        await append(store, inbox, 500)
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    batches = [batch async for batch in store.messages.rows(ids, [Column.ENVELOPE])]
    assert [row[0] for batch in batches for row in batch] == ids
    assert max(map(len, batches)) <= BATCH_ROWS
    assert len(batches) < 10


@pytest.mark.parametrize("first_small", [0, 200])
async def test_batches_of_large_rows_are_bounded(store: Store, first_small: int) -> None:
    inbox = await new_inbox(store)
    if first_small:
        await append(store, inbox, first_small)
    large = [prepared(header=b"X: " + b"y" * 60_000 + b"\r\n\r\n") for _ in range(50)]
    await store.committer.append(inbox, [NewMessage(message, at(0)) for message in large])
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    batches = [batch async for batch in store.messages.rows(ids, [Column.HEADER])]
    assert [row[0] for batch in batches for row in batch] == ids
    assert max(sum(len(row[1]) for row in batch) for batch in batches) < BATCH_OCTETS + 70_000
