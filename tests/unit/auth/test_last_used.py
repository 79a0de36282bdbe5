"""Times of last use gather and are written together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mailkeep.auth.last_used import LastUsed
from mailkeep.errors import StoreUnavailable

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


async def test_the_newest_time_of_key_and_user_is_written(store, service, user):
    made = await service.create(user.id, "x")
    used = LastUsed(store, 3600)
    for minute in range(5):
        used.note(made.id, user.id, NOW + timedelta(minutes=minute))
    await used.flush()
    assert (await service.get(made.id)).last_used_at == NOW + timedelta(minutes=4)
    assert (await store.directory.user(user.id)).last_login_at == NOW + timedelta(minutes=4)


async def test_time_never_moves_back(store, service, user):
    made = await service.create(user.id, "x")
    for at in (NOW, NOW - timedelta(hours=1)):  # as from two hosts whose batches cross
        used = LastUsed(store, 3600)
        used.note(made.id, None, at)
        await used.flush()
    assert (await service.get(made.id)).last_used_at == NOW


async def test_thousands_of_keys_and_ones_that_are_gone(store, service, user):
    made = await service.create(user.id, "x")
    used = LastUsed(store, 3600)
    for _ in range(2500):
        used.note(uuid4(), None, NOW)
    used.note(made.id, uuid4(), NOW)
    await used.flush()
    assert (await service.get(made.id)).last_used_at == NOW


async def test_what_could_not_be_written_is_written_later(store, service, user, monkeypatch):
    async def away(_used):
        raise StoreUnavailable("The database does not answer.")

    made = await service.create(user.id, "x")
    used = LastUsed(store, 3600)
    used.note(made.id, None, NOW)
    with monkeypatch.context() as patched:
        patched.setattr(store.keys, "touch", away)
        with pytest.raises(StoreUnavailable):
            await used.flush()
    await used.flush()
    assert (await service.get(made.id)).last_used_at == NOW


async def test_a_stop_writes_what_waits(store, service, user):
    made = await service.create(user.id, "x")
    used = LastUsed(store, 3600)
    used.start()
    used.note(made.id, user.id, NOW)
    await used.close()
    assert (await service.get(made.id)).last_used_at == NOW
