"""bcrypt off the loop, and a flood of the suspect that does not crowd out the rest."""

from __future__ import annotations

import asyncio

import pytest

from mailkeep.auth import apikeys, bcrypt_pool
from mailkeep.auth.bcrypt_pool import BcryptPool
from mailkeep.errors import Throttled

KEY = apikeys.generate()
HASH = apikeys.hash_key(KEY, 4)
SLOW_HASH = apikeys.hash_key(apikeys.generate(), 8)


@pytest.fixture
def pool():
    made = BcryptPool(threads=2)
    yield made
    made.close()


async def test_right_and_wrong(pool):
    assert await pool.verify(KEY, HASH)
    assert not await pool.verify(apikeys.generate(), HASH)
    assert pool.verifications == 2


async def test_those_who_failed_often_hold_one_place_at_most(pool):
    order: list[str] = []

    async def attempt(name: str, *, narrow: bool) -> None:
        await pool.verify(KEY, SLOW_HASH, narrow=narrow)
        order.append(name)

    flood = [asyncio.create_task(attempt("flood", narrow=True)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(*(attempt("guest", narrow=False) for _ in range(4)))
    assert order.count("flood") <= 4  # turn by turn with the guests, not twenty before them
    await asyncio.gather(*flood)
    assert len(order) == 24


async def test_one_who_leaves_while_waiting_costs_no_bcrypt(pool):
    running = [asyncio.create_task(pool.verify(KEY, SLOW_HASH)) for _ in range(2)]
    await asyncio.sleep(0)
    leaving = asyncio.create_task(pool.verify(KEY, SLOW_HASH))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(*running)
    assert pool.verifications == 2


async def test_too_many_waiting_are_told_to_come_again(pool, monkeypatch):
    monkeypatch.setattr(bcrypt_pool, "WAITING_LIMIT", 2)
    waiting = [asyncio.create_task(pool.verify(KEY, SLOW_HASH)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Throttled):
        await pool.verify(KEY, HASH)
    await asyncio.gather(*waiting)
    assert await pool.verify(KEY, HASH)


async def test_nobody_waits_for_ever(pool, monkeypatch):
    monkeypatch.setattr(bcrypt_pool, "WAITING_SECONDS", 0)
    with pytest.raises(Throttled):
        await pool.verify(KEY, SLOW_HASH)


async def test_a_sandbox_that_forbids_niceness_still_lets_keys_be_checked(pool, monkeypatch):
    def forbid(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(bcrypt_pool.os, "setpriority", forbid)
    assert await pool.verify(KEY, HASH)
