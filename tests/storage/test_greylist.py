"""Who tries again is let in, by any process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mailkeep.storage.interface import Store

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DELAY = timedelta(minutes=5)
ATTEMPT = b"\x00\xff" * 16


async def test_the_first_attempt_is_not_let_in(store: Store) -> None:
    assert not await store.greylist.admits(ATTEMPT, NOW, DELAY)
    assert not await store.greylist.admits(ATTEMPT, NOW + DELAY - timedelta(seconds=1), DELAY)
    assert await store.greylist.admits(ATTEMPT, NOW + DELAY, DELAY)
    assert await store.greylist.admits(ATTEMPT, NOW + timedelta(days=30), DELAY)


async def test_attempts_are_told_apart(store: Store) -> None:
    await store.greylist.admits(ATTEMPT, NOW, DELAY)
    assert not await store.greylist.admits(b"other", NOW + DELAY, DELAY)


async def test_who_was_let_in_lately_is_not_forgotten(store: Store) -> None:
    for attempt in (b"one", b"two", b"three"):
        await store.greylist.admits(attempt, NOW, DELAY)
    later = NOW + timedelta(days=30)
    assert await store.greylist.admits(b"one", later, DELAY)
    assert await store.greylist.prune(later - timedelta(days=1), most=1) == 1
    assert await store.greylist.prune(later - timedelta(days=1), most=10) == 1
    assert await store.greylist.admits(b"one", later, DELAY)
    assert not await store.greylist.admits(b"two", later, DELAY)
