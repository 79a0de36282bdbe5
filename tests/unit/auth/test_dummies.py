"""Keys of several costs in the store: an unknown prefix has one of these costs, always the same."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailkeep.auth import KeyService, apikeys
from mailkeep.auth.dummies import Dummies
from mailkeep.auth.reasons import Refused
from mailkeep.auth.verifier import KeyVerifier
from mailkeep.errors import StoreUnavailable
from mailkeep.settings import AuthSettings


def cost_of(hashed: bytes) -> int:
    return int(hashed[4:6])


def prefixes(count: int) -> list[str]:
    return [apikeys.prefix_of(apikeys.generate()) for _ in range(count)]


async def costs_of_unknown(store, count: int) -> dict[str, int]:
    """The cost at which each of so many unknown keys is compared, by a host that starts now."""
    verifier = KeyVerifier(store, AuthSettings(bcrypt_cost=4))
    await verifier.start()
    try:
        return {prefix: cost_of(verifier._dummies.for_prefix(prefix)) for prefix in prefixes(count)}
    finally:
        verifier.close()


async def test_unknown_keys_cost_what_known_ones_cost_in_their_shares(store, user):
    for cost, count in ((4, 3), (5, 1)):
        made_then = KeyService(store, AuthSettings(bcrypt_cost=cost))
        for _ in range(count):
            await made_then.create(user.id, "x")
    assert await store.keys.costs() == {4: 3, 5: 1}
    shares = Counter((await costs_of_unknown(store, 2000)).values())
    assert shares.keys() == {4, 5}
    assert 350 < shares[5] < 650  # a quarter of 2,000, give or take seven standard deviations


async def test_a_prefix_has_the_same_cost_at_every_host_and_after_every_start(store, user):
    for cost in (4, 5, 6):
        await KeyService(store, AuthSettings(bcrypt_cost=cost)).create(user.id, "x")
    asked = prefixes(50)
    heard = []
    for _ in range(2):
        dummies = Dummies(4)
        await dummies.load(store)
        heard.append([cost_of(dummies.for_prefix(prefix)) for prefix in asked])
    assert heard[0] == heard[1]
    assert set(heard[0]) == {4, 5, 6}


async def test_an_unknown_key_is_really_compared_at_that_cost(store, user, monkeypatch):
    await KeyService(store, AuthSettings(bcrypt_cost=5)).create(user.id, "x")
    verifier = KeyVerifier(store, AuthSettings(bcrypt_cost=4))
    await verifier.start()
    compared: list[int] = []

    async def verify(_key: str, stored_hash: bytes, *, narrow: bool = False) -> bool:
        compared.append(cost_of(stored_hash))
        return False

    monkeypatch.setattr(verifier.pool, "verify", verify)
    with pytest.raises(Refused):
        await verifier.verify(apikeys.generate())
    verifier.close()
    assert compared == [5]  # as every key that there is


async def test_new_keys_at_the_set_cost_move_prefixes_to_that_cost_alone():
    dummies, asked = Dummies(5), prefixes(200)
    await dummies.draw_from({4: 10, 5: 10, 6: 10})
    before = {prefix: cost_of(dummies.for_prefix(prefix)) for prefix in asked}
    await dummies.draw_from({4: 10, 5: 70, 6: 10})
    after = {prefix: cost_of(dummies.for_prefix(prefix)) for prefix in asked}
    moved = {prefix for prefix in asked if after[prefix] != before[prefix]}
    assert moved
    assert {after[prefix] for prefix in moved} == {5}


async def test_a_store_that_is_away_is_no_reason_not_to_start(store, monkeypatch):
    async def away():
        raise StoreUnavailable("away")

    monkeypatch.setattr(store.keys, "costs", away)
    assert set((await costs_of_unknown(store, 20)).values()) == {4}


@given(st.dictionaries(st.sampled_from([-1, 0, 3, 4, 5, 31]), st.integers(1, 10**6), max_size=5))
def test_any_counts_give_every_prefix_a_cost(counts):
    dummies = Dummies(4)
    asyncio.run(dummies.draw_from(counts))
    for prefix in prefixes(5):
        assert cost_of(dummies.for_prefix(prefix)) in {4, 5}
