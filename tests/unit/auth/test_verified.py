"""What is remembered of verified keys: bounded, for a time, and gone when the feed speaks."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from mailkeep.auth import apikeys
from mailkeep.auth.verified import VerifiedKeys
from mailkeep.storage.interface import StoredKey


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def remembered(store, clock):
    made = VerifiedKeys(store.feed, seconds=300, limit=3, clock=clock)
    yield made
    made.close()


def learn(remembered, key_id=None):
    api_key = apikeys.generate()
    digest = remembered.digest(api_key)
    entry = remembered.follow(digest, StoredKey(key_id or uuid4(), None, "", api_key[:12], b""))
    remembered.remember(digest, entry)
    return digest, entry


async def test_the_name_of_a_key_tells_nothing_about_it(store, remembered):
    other = VerifiedKeys(store.feed, seconds=300)
    key = apikeys.generate()
    assert remembered.digest(key) == remembered.digest(key)
    assert remembered.digest(key) != other.digest(key)  # another process, another secret
    assert key.encode() not in remembered.digest(key)
    other.close()


async def test_an_entry_is_there_for_its_time(remembered, clock):
    digest, entry = learn(remembered)
    assert remembered.get(digest) is entry
    assert remembered.vouches_for(entry.key_id)
    clock.now = 300.0
    assert remembered.get(digest) is entry
    clock.now = 300.1
    assert remembered.get(digest) is None
    assert not remembered.vouches_for(entry.key_id)


async def test_the_longest_unused_go_first(remembered):
    entries = [learn(remembered) for _ in range(3)]
    assert remembered.get(entries[0][0]) is not None
    learn(remembered)
    assert len(remembered) == 3
    assert remembered.get(entries[1][0]) is None
    assert remembered.get(entries[0][0]) is not None
    assert entries[1][1].stops == []  # and its watches are off


async def test_the_feed_forgets_a_revoked_key(store, service, user, remembered, eventually):
    made = await service.create(user.id, "x")
    digest, entry = learn(remembered, made.id)
    await store.keys.revoke(made.id, datetime.now(UTC))
    await eventually(lambda: remembered.get(digest) is None)
    assert not entry.current


async def test_what_changed_before_it_was_remembered_is_not_remembered(
    store, service, user, remembered, eventually
):
    made = await service.create(user.id, "x")
    entry = remembered.follow(b"digest", await store.keys.get(made.id))
    await service.revoke(made.id)
    await eventually(lambda: not entry.current)
    remembered.remember(b"digest", entry)
    assert remembered.get(b"digest") is None
    assert entry.stops == []


async def test_with_no_time_nothing_is_remembered(store):
    remembered = VerifiedKeys(store.feed, seconds=0)
    digest, _ = learn(remembered)
    assert remembered.get(digest) is None
    remembered.close()
