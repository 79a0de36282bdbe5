"""Addresses that users say they have, until a mailed code comes back."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.storage.making import DOMAIN, address, deliver, new_user

from mailkeep.errors import AlreadyExists, NotFound, Throttled
from mailkeep.model.address import Address
from mailkeep.model.proof import ProofLimits
from mailkeep.storage.interface import Store

RIGHT, WRONG = b"r" * 32, b"w" * 32
LIMITS = ProofLimits()


async def test_asking_gives_nothing(store: Store) -> None:
    user = await new_user(store)
    proof = await store.proofs.begin(user.id, address("second"), RIGHT, LIMITS)
    assert (proof.user_id, proof.address) == (user.id, f"second@{DOMAIN}")
    assert proof.expires_at - proof.created_at == LIMITS.lifetime
    assert list(await store.proofs.of_user(user.id)) == [proof]
    assert not await store.directory.owns(user.id, address("second"))
    assert (await deliver(store, "second"))[0].user_id is None
    assert [one.address for one in await store.directory.addresses(user.id)] == [f"alice@{DOMAIN}"]


async def test_the_right_code_brings_the_address_and_its_mail(store: Store) -> None:
    user = await new_user(store)
    await deliver(store, "second")
    proof = await store.proofs.begin(user.id, address("second"), RIGHT, LIMITS)
    record = await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS)
    assert record is not None
    assert (record.address, record.user_id, record.primary) == (f"second@{DOMAIN}", user.id, False)
    assert (await store.mailboxes.get(user.account_id, "INBOX")).messages == 1
    assert list(await store.proofs.of_user(user.id)) == []
    with pytest.raises(NotFound):
        await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS)


async def test_an_address_elsewhere_can_be_proven_too(store: Store) -> None:
    user, elsewhere = await new_user(store), Address.parse("alice@elsewhere.example")
    proof = await store.proofs.begin(user.id, elsewhere, RIGHT, LIMITS)
    assert await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS) is not None
    assert await store.directory.owns(user.id, elsewhere)


async def test_attempts_are_counted_and_the_right_code_comes_too_late(store: Store) -> None:
    user = await new_user(store)
    proof = await store.proofs.begin(user.id, address("second"), RIGHT, LIMITS)
    for _ in range(LIMITS.attempts):
        assert await store.proofs.finish(user.id, proof.id, WRONG, LIMITS) is None
    assert await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS) is None
    again = await store.proofs.begin(user.id, address("second"), RIGHT, LIMITS)
    assert again.id == proof.id
    assert await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS) is not None


async def test_a_code_ends_with_its_time_and_with_the_next_one(store: Store) -> None:
    user = await new_user(store)
    old = await store.proofs.begin(user.id, address("old"), RIGHT, ProofLimits(lifetime=timedelta(0)))
    assert await store.proofs.finish(user.id, old.id, RIGHT, LIMITS) is None
    proof = await store.proofs.begin(user.id, address("second"), WRONG, LIMITS)
    await store.proofs.begin(user.id, address("second"), RIGHT, LIMITS)
    assert await store.proofs.finish(user.id, proof.id, WRONG, LIMITS) is None
    assert await store.proofs.finish(user.id, proof.id, RIGHT, LIMITS) is not None


async def test_anothers_proof_is_not_there(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    proof = await store.proofs.begin(alice.id, address("second"), RIGHT, LIMITS)
    for user_id in (bob.id, uuid4()):
        with pytest.raises(NotFound):
            await store.proofs.finish(user_id, proof.id, RIGHT, LIMITS)
        with pytest.raises(NotFound):
            await store.proofs.withdraw(user_id, proof.id)
    with pytest.raises(NotFound):
        await store.proofs.begin(uuid4(), address("second"), RIGHT, LIMITS)


async def test_of_two_who_ask_the_first_to_prove_it_has_it(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    hers = await store.proofs.begin(alice.id, address("second"), RIGHT, LIMITS)
    his = await store.proofs.begin(bob.id, address("second"), RIGHT, LIMITS)
    assert await store.proofs.finish(bob.id, his.id, RIGHT, LIMITS) is not None
    with pytest.raises(NotFound):  # what was asked for is somebody's now
        await store.proofs.finish(alice.id, hers.id, RIGHT, LIMITS)
    with pytest.raises(AlreadyExists):
        await store.proofs.begin(alice.id, address("second"), RIGHT, LIMITS)


async def test_an_address_that_an_operator_gives_away_ends_all_proofs_of_it(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    await store.proofs.begin(alice.id, address("second"), RIGHT, LIMITS)
    await store.proofs.begin(alice.id, address("third"), RIGHT, LIMITS)
    await store.directory.add_address(bob.id, address("second"))
    await store.directory.add_user(address("third"))
    assert list(await store.proofs.of_user(alice.id)) == []


async def test_mails_are_limited_for_each_user_and_each_address(store: Store) -> None:
    alice, bob = await new_user(store, "alice"), await new_user(store, "bob")
    limits = ProofLimits(mails_to_address=3, mails_for_user=4)
    for user in (alice, bob, alice):
        await store.proofs.begin(user.id, address("second"), RIGHT, limits)
    for user in (alice, bob):
        with pytest.raises(Throttled):
            await store.proofs.begin(user.id, address("second"), RIGHT, limits)
    for local in ("third", "fourth"):
        await store.proofs.begin(alice.id, address(local), RIGHT, limits)
    with pytest.raises(Throttled):
        await store.proofs.begin(alice.id, address("fifth"), RIGHT, limits)
    await store.proofs.begin(bob.id, address("fifth"), RIGHT, limits)


async def test_withdrawing_makes_room_for_others_and_frees_no_mails(store: Store) -> None:
    user = await new_user(store)
    limits = ProofLimits(open_for_user=1, mails_to_address=1)
    proof = await store.proofs.begin(user.id, address("second"), RIGHT, limits)
    with pytest.raises(Throttled):
        await store.proofs.begin(user.id, address("third"), RIGHT, limits)
    await store.proofs.withdraw(user.id, proof.id)
    assert list(await store.proofs.of_user(user.id)) == []
    with pytest.raises(NotFound):
        await store.proofs.finish(user.id, proof.id, RIGHT, limits)
    with pytest.raises(Throttled):
        await store.proofs.begin(user.id, address("second"), RIGHT, limits)
    await store.proofs.begin(user.id, address("third"), RIGHT, limits)
