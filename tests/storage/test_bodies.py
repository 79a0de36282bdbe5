"""The octets of messages: any range of any message is what was stored."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from tests.storage.making import append, at, new_inbox, prepared

from mailkeep.errors import NotFound, StoreCorrupt
from mailkeep.model.message import NewMessage
from mailkeep.storage.blobs import CHUNK
from mailkeep.storage.interface import Body, Store
from mailkeep.storage.messages import BODIES_OCTETS
from mailkeep.storage.query import Query
from mailkeep.storage.recent_bodies import LARGEST

HEADER = b"Subject: octets\r\n\r\n"


async def stored(store: Store, content: bytes, header: bytes = HEADER) -> Body:
    inbox = await new_inbox(store)
    await store.committer.append(inbox, [NewMessage(prepared(content, header=header), at(0))])
    return await store.messages.body((await store.messages.snapshot(inbox)).message_ids[0])


def reads_of(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the database is asked for from now on."""
    asked = []

    async def read(work: Any) -> Any:
        asked.append(work)
        return await ask(work)

    database = store.messages._reader._database  # type: ignore[attr-defined]
    ask = database.read
    monkeypatch.setattr(database, "read", read)
    return asked


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
async def test_every_range_is_exact(store: Store, size: int) -> None:
    content = random.Random(size).randbytes(size)
    whole = HEADER + content
    body = await stored(store, content)
    assert body.size == len(whole)
    assert await body.read() == whole
    edges = {
        0,
        1,
        len(HEADER) - 1,
        len(HEADER),
        len(HEADER) + CHUNK,
        len(whole) // 2,
        len(whole),
        len(whole) + 9,
    }
    for start in sorted(edges):
        assert await body.read(start) == whole[start:]
        for length in (0, 1, 100, CHUNK, CHUNK + 1):
            assert await body.read(start, length) == whole[start : start + length]


async def test_pieces_are_bounded_and_join_to_the_whole(store: Store) -> None:
    content = os.urandom(2 * CHUNK + 100)
    body = await stored(store, content, b"X: " + b"y" * 65_000 + b"\r\n\r\n")
    pieces = [piece async for piece in body.chunks()]
    assert max(map(len, pieces)) <= CHUNK
    assert b"".join(pieces)[65_007:] == content


async def test_small_messages_that_were_read_lately_are_read_again_from_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await new_inbox(store)
    small, large = prepared(b"small"), prepared(b"l" * LARGEST)
    await store.committer.append(inbox, [NewMessage(one, at(0)) for one in (small, large, small)])
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    first = [found async for found in store.messages.bodies(ids)]
    asked = reads_of(store, monkeypatch)
    sizes = [len(octets) for _, octets in first]
    again = [found async for found in store.messages.bodies([ids[0], ids[2]], [sizes[0], sizes[2]])]
    assert again == [first[0], first[2]]
    assert not asked
    assert [found async for found in store.messages.bodies(ids, sizes)] == first
    assert asked


async def test_many_are_read_together_and_given_a_quarter_of_a_megabyte_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = await new_inbox(store)
    contents = [random.Random(number).randbytes(LARGEST) for number in range(30)]
    await store.committer.append(inbox, [NewMessage(prepared(one, header=HEADER), at(0)) for one in contents])
    snapshot = await store.messages.snapshot(inbox)
    asked = reads_of(store, monkeypatch)
    batches = [one async for one in store.messages.body_batches(snapshot.message_ids, snapshot.sizes)]
    found = [message for batch in batches for message in batch]
    expected = [HEADER + one for one in contents]
    assert found == list(zip(snapshot.message_ids, expected, strict=True))
    assert all(sum(len(octets) for _, octets in batch) <= BODIES_OCTETS for batch in batches)
    assert len(batches) == 10
    assert len(asked) == 3


async def test_a_message_that_is_only_a_header(store: Store) -> None:
    body = await stored(store, b"")
    assert await body.read() == HEADER


async def test_a_message_without_a_header(store: Store) -> None:
    body = await stored(store, b"text", header=b"")
    assert await body.read(1, 2) == b"ex"


async def test_no_such_message(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.messages.body(12345)


async def test_whole_messages_in_order_and_without_those_that_are_gone(store: Store) -> None:
    inbox = await new_inbox(store)
    contents = [b"small", os.urandom(3 * 1024 * 1024), b"", os.urandom(2 * 1024 * 1024), b"last"]
    messages = [prepared(content) for content in contents]
    for message in messages:
        await store.committer.append(inbox, [NewMessage(message, at(0))])
    ids = list((await store.messages.snapshot(inbox)).message_ids)
    wanted = [ids[4], 999_999, *ids[:4]]
    found = [(id, octets) async for id, octets in store.messages.bodies(wanted)]
    assert [id for id, _ in found] == [ids[4], *ids[:4]]
    by_id = dict(zip(ids, messages, strict=True))
    for id, octets in found:
        assert octets == by_id[id].header + bytes(by_id[id].content)  # type: ignore[arg-type]


async def test_damage_is_noticed(store: Store) -> None:
    inbox = await new_inbox(store)
    await append(store, inbox)
    database: Any = store.messages._database  # type: ignore[attr-defined]
    (chunk,) = await database.read(lambda connection: connection.one(Query("SELECT chunk FROM blob")))
    damaged = chunk[:-3] + bytes([chunk[-3] ^ 1]) + chunk[-2:]
    await database.write(lambda transaction: transaction.run(Query("UPDATE blob SET chunk = :c"), c=damaged))
    body = await store.messages.body((await store.messages.snapshot(inbox)).message_ids[0])
    with pytest.raises(StoreCorrupt):
        await body.read()


async def test_a_missing_chunk_is_noticed(store: Store) -> None:
    body = await stored(store, os.urandom(CHUNK + 1))
    database: Any = store.messages._database  # type: ignore[attr-defined]
    await database.write(lambda transaction: transaction.run(Query("DELETE FROM blob_chunk")))
    with pytest.raises(StoreCorrupt):
        await body.read()
