"""Secrets that all hosts on a store share."""

from __future__ import annotations

import asyncio

from mailkeep.storage.interface import Store


async def test_one_is_made_and_kept(store: Store) -> None:
    made = await asyncio.gather(*(store.secrets.ensure("srs") for _ in range(5)))
    assert len(set(made)) == 1
    assert len(made[0]) == 32
    assert await store.secrets.ensure("srs") == made[0]
    assert await store.secrets.ensure("other") != made[0]
