"""Header sections of many messages, joined: what a search for a few of them looks through."""

from __future__ import annotations

from collections.abc import Sequence

from tests.storage.making import append, at, new_inbox, prepared

from mailkeep.model.message import NewMessage
from mailkeep.storage.interface import JoinedHeaders, Store
from mailkeep.storage.joined_headers import BATCH_OCTETS, BATCH_ROWS


async def append_with(store: Store, inbox: int, headers: Sequence[bytes]) -> dict[int, bytes]:
    """Headers by message id."""
    messages = [NewMessage(prepared(header=header), at(0)) for header in headers]
    before = len(await store.messages.snapshot(inbox))
    await store.committer.append(inbox, messages)
    ids = (await store.messages.snapshot(inbox)).message_ids[before:]
    return dict(zip(ids, headers, strict=True))


async def read(store: Store, ids: Sequence[int]) -> list[JoinedHeaders]:
    return [batch async for batch in store.messages.headers(ids)]


def by_id(batches: Sequence[JoinedHeaders]) -> dict[int, bytes]:
    return {id: section for batch in batches for id, section in zip(batch.ids, batch.sections(), strict=True)}


async def test_each_is_what_was_received(store: Store) -> None:
    inbox = await new_inbox(store)
    headers = [b"", b"Subject: caf\xe9 \xff\r\n\r\n", b"", b"X: 1\r\n\r\n", b""]
    held = await append_with(store, inbox, headers)
    batches = await read(store, list(held))
    assert by_id(batches) == held
    assert len(batches) == 1


async def test_one_with_nul_octets_comes_alone(store: Store) -> None:
    inbox = await new_inbox(store)
    held = await append_with(store, inbox, [b"X: 1\r\n\r\n", b"X: \0\0\r\n\r\n", b"\0"])
    batches = await read(store, list(held))
    assert by_id(batches) == held
    assert all(len(batch.ids) == 1 or b"\0" not in held[batch.ids[0]] for batch in batches)


async def test_far_apart_unknown_and_none(store: Store) -> None:
    inbox = await new_inbox(store)
    held = await append_with(store, inbox, [b"A: %d\r\n\r\n" % number for number in range(20)])
    ends = [min(held), max(held)]
    assert by_id(await read(store, [*ends, 999_999])) == {id: held[id] for id in ends}
    assert await read(store, [999_999]) == []
    assert await read(store, []) == []


async def test_many_small_ones_come_together(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 2500)
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    batches = await read(store, ids)
    assert set(by_id(batches)) == set(ids)
    assert max(len(batch.ids) for batch in batches) <= BATCH_ROWS
    assert len(batches) < 10


async def test_large_ones_are_cut(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox, 200)
    held = await append_with(store, inbox, [b"X: " + b"y" * 60_000 + b"\r\n\r\n" for _ in range(50)])
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    batches = await read(store, ids)
    found = by_id(batches)
    assert set(found) == set(ids)
    assert all(found[id] == held[id] for id in held)
    assert max(len(batch.octets) for batch in batches) < BATCH_OCTETS + 70_000
