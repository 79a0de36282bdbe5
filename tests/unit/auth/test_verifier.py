"""What a verification asks of the store: little when cold, nothing when warm."""

from __future__ import annotations

from collections import Counter

import pytest

from mailkeep.auth import apikeys
from mailkeep.auth.reasons import Reason, Refused
from mailkeep.auth.verifier import KeyVerifier
from mailkeep.errors import SettingsError
from mailkeep.model.address import Address
from mailkeep.settings import AuthSettings

OWNER = Address.parse("owner@example.test")


@pytest.fixture
async def verifier(store, auth_settings):
    made = KeyVerifier(store, auth_settings)
    yield made
    made.close()


@pytest.fixture
def asked(store, monkeypatch):
    """How often each question was put to the store."""
    counts: Counter[str] = Counter()

    def counting(part, name):
        question = getattr(part, name)

        async def ask(*given):
            counts[name] += 1
            return await question(*given)

        monkeypatch.setattr(part, name, ask)

    counting(store.keys, "hash_of")
    counting(store.keys, "with_user")
    counting(store.directory, "owns")
    return counts


async def test_a_cold_login_asks_twice_and_a_warm_one_never(verifier, service, user, asked):
    api_key = (await service.create(user.id, "x")).api_key
    asked.clear()
    for _ in range(10):
        verified = await verifier.verify(api_key)
        assert await verifier.owns(verified, OWNER)
    assert asked == {"hash_of": 1, "with_user": 1}


async def test_a_change_of_the_directory_asks_again_for_addresses_alone(
    store, verifier, service, user, asked, eventually
):
    api_key = (await service.create(user.id, "x")).api_key
    await verifier.owns(await verifier.verify(api_key), OWNER)
    before, generation = asked.copy(), verifier.remembered.generation
    await store.directory.add_domain("example.net")
    await eventually(lambda: verifier.remembered.generation > generation)
    await verifier.owns(await verifier.verify(api_key), OWNER)
    assert asked["owns"] == before["owns"] + 1
    assert asked["hash_of"] == before["hash_of"]


async def test_remembered_addresses_are_bounded(verifier, service, user):
    verified = await verifier.verify((await service.create(user.id, "x")).api_key)
    for number in range(50):
        assert await verifier.owns(verified, Address.parse(f"owner+{number}@example.test"))
    assert len(verified.addresses) == 16


async def test_a_typo_asks_nothing(verifier, user, asked):
    good = apikeys.generate()
    typo = good[:-1] + ("a" if good[-1] != "a" else "b")
    for text in (typo, "hunter2", "", "mk_"):
        with pytest.raises(Refused) as caught:
            await verifier.verify(text)
        assert caught.value.reason in {Reason.CHECKSUM, Reason.NOT_A_KEY}
    assert not asked


async def test_each_caller_of_a_shared_refusal_gets_an_error_of_its_own(verifier, user):
    unknown = apikeys.generate()
    errors = []
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            await verifier.verify(unknown)
        errors.append(caught.value)
    assert errors[0] is not errors[1]


async def test_without_dummies_an_unknown_prefix_costs_no_bcrypt(store, user):
    verifier = KeyVerifier(store, AuthSettings(bcrypt_cost=4, dummy_verifications=False))
    with pytest.raises(Refused):
        await verifier.verify(apikeys.generate())
    assert verifier.pool.verifications == 0
    verifier.close()


async def test_a_cost_that_cannot_be_is_refused_at_start(store):
    with pytest.raises(SettingsError, match="bcrypt_cost"):
        KeyVerifier(store, AuthSettings(bcrypt_cost=3))
