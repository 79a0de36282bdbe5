"""The key table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from tests.storage.making import at, new_user

from mailkeep.errors import AlreadyExists, NotFound
from mailkeep.model.scope import Scope
from mailkeep.storage.interface import Store, StoredKey, Topic, TopicKind


def key(user_id: UUID | None = None, prefix: str = "mk_abcdefghi", **more: object) -> StoredKey:
    made = StoredKey(
        id=uuid4(),
        user_id=user_id,
        name="laptop",
        prefix=prefix,
        hash=b"$2b$06$hash",
        scopes=frozenset({Scope.IMAP, Scope.API_READ}),
        networks=("192.0.2.0/24", "2001:db8::/32"),
        created_at=at(0),
        expires_at=at(60),
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def test_a_key_is_read_as_it_was_kept(store: Store) -> None:
    user = await new_user(store)
    kept = key(user.id)
    await store.keys.add(kept)
    assert await store.keys.by_prefix(kept.prefix) == kept
    assert await store.keys.get(kept.id) == kept


async def test_a_key_is_read_with_its_user_at_once(store: Store) -> None:
    user = await new_user(store)
    own, service = key(user.id), key(None, prefix="mk_service__")
    for one in (own, service):
        await store.keys.add(one)
    assert await store.keys.with_user(own.id) == (own, await store.directory.user(user.id))
    assert await store.keys.with_user(service.id) == (service, None)
    assert await store.keys.with_user(uuid4()) is None


async def test_what_a_secret_is_compared_with_is_read_alone(store: Store) -> None:
    kept = key((await new_user(store)).id)
    await store.keys.add(kept)
    assert await store.keys.hash_of(kept.prefix) == (kept.id, kept.user_id, kept.hash)
    assert await store.keys.hash_of("\x00\ud800") is None


async def test_a_service_key_has_no_user(store: Store) -> None:
    kept = key(None, scopes=frozenset({Scope.INTERNAL}), networks=(), expires_at=None)
    await store.keys.add(kept)
    assert await store.keys.get(kept.id) == kept


async def test_unknown_keys(store: Store) -> None:
    assert await store.keys.by_prefix("mk_unknown__") is None
    assert await store.keys.by_prefix("\x00\ud800") is None
    assert await store.keys.get(uuid4()) is None


async def test_a_prefix_is_taken_once(store: Store) -> None:
    await store.keys.add(key())
    with pytest.raises(AlreadyExists):
        await store.keys.add(key())


async def test_lists_are_newest_first(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    first = key(alice.id, "mk_1", created_at=at(1))
    second = key(bob.id, "mk_2", created_at=at(2))
    third = key(alice.id, "mk_3", created_at=at(3))
    for one in (first, second, third):
        await store.keys.add(one)
    assert list(await store.keys.list()) == [third, second, first]
    assert list(await store.keys.list(alice.id)) == [third, first]


async def test_revoking_is_told_on_the_feed_and_stays_as_it_was_first(store: Store) -> None:
    kept = key()
    await store.keys.add(kept)
    heard: list[str] = []
    store.feed.watch(Topic(TopicKind.KEY, str(kept.id)), lambda: heard.append("revoked"))
    await store.keys.revoke(kept.id, at(5))
    await store.keys.revoke(kept.id, at(9))
    found = await store.keys.get(kept.id)
    assert found is not None
    assert found.revoked_at == at(5)
    assert heard
    with pytest.raises(NotFound):
        await store.keys.revoke(uuid4(), at(5))


async def test_last_use_never_moves_back(store: Store) -> None:
    one, other = key(prefix="mk_1"), key(prefix="mk_2")
    await store.keys.add(one)
    await store.keys.add(other)
    await store.keys.touch([(one.id, at(5)), (other.id, at(6)), (uuid4(), at(7))])
    await store.keys.touch([(one.id, at(4))])
    await store.keys.touch([])
    assert [
        found.last_used_at
        for found in (await store.keys.get(one.id), await store.keys.get(other.id))
        if found
    ] == [
        at(5),
        at(6),
    ]


def test_a_hash_is_not_shown() -> None:
    assert "$2b$" not in repr(key())


async def test_times_keep_their_microseconds(store: Store) -> None:
    precise = datetime(2031, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    kept = key(expires_at=precise)
    await store.keys.add(kept)
    found = await store.keys.get(kept.id)
    assert found is not None
    assert found.expires_at == precise


async def test_a_change_is_written_if_nobody_was_faster(store: Store) -> None:
    kept = key()
    await store.keys.add(kept)
    heard: list[str] = []
    store.feed.watch(Topic(TopicKind.KEY, str(kept.id)), lambda: heard.append("changed"))
    changed = replace(kept, name="phone", scopes=frozenset({Scope.IMAP}), networks=(), expires_at=None)
    assert await store.keys.change(kept, changed)
    assert await store.keys.get(kept.id) == changed
    assert not await store.keys.change(kept, replace(kept, name="late"))
    assert await store.keys.change(changed, kept)
    assert await store.keys.get(kept.id) == kept
    assert heard


async def test_a_revoked_key_does_not_change(store: Store) -> None:
    kept = key()
    await store.keys.add(kept)
    await store.keys.revoke(kept.id, at(5))
    assert not await store.keys.change(kept, replace(kept, name="phone"))


@pytest.mark.parametrize(("end", "left"), [(at(60), at(9)), (at(5), at(5)), (None, at(9))])
async def test_a_successor_is_kept_and_the_former_key_ends(
    store: Store, end: datetime | None, left: datetime
) -> None:
    former, successor = key(prefix="mk_1", expires_at=end), key(prefix="mk_2")
    await store.keys.add(former)
    await store.keys.replace(former.id, at(9), successor)
    assert await store.keys.get(former.id) == replace(former, expires_at=left)
    assert await store.keys.get(successor.id) == successor


async def test_a_successor_that_cannot_be_kept_leaves_the_former_key_alone(store: Store) -> None:
    former, other = key(prefix="mk_1"), key(prefix="mk_2")
    await store.keys.add(former)
    await store.keys.add(other)
    with pytest.raises(AlreadyExists):
        await store.keys.replace(former.id, at(9), key(prefix="mk_2"))
    assert await store.keys.get(former.id) == former
    await store.keys.revoke(former.id, at(1))
    with pytest.raises(NotFound):
        await store.keys.replace(former.id, at(9), key(prefix="mk_3"))
    assert await store.keys.by_prefix("mk_3") is None
