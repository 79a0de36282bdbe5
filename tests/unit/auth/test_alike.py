"""What does not exist costs what exists costs: the same questions, the same bcrypt, the same words.

How long a refusal takes follows from its work; `python -m bench.identity timing` compares the times.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from mailkeep.auth import apikeys
from mailkeep.auth import authenticator as authenticator_module
from mailkeep.errors import AuthenticationFailed
from mailkeep.model.address import Address
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope

KNOWN, OTHER, NOBODY = "owner@example.test", "other@example.test", "nobody@example.test"
ELSEWHERE = "nobody@not-hosted.test"
HERE = Peer("192.0.2.1", 4711, tls=True)


@pytest.fixture
def asked(store, monkeypatch) -> list[str]:
    """Every question that is put to the store about keys and people, in its order."""
    told: list[str] = []

    def listening(part: object, name: str) -> None:
        question: Callable[..., object] = getattr(part, name)

        def ask(*given: object, **named: object) -> object:
            told.append(name)
            return question(*given, **named)

        monkeypatch.setattr(part, name, ask)

    for part in (store.keys, store.directory):
        for name in dir(part):
            if not name.startswith(("_", "touch")) and callable(getattr(part, name)):
                listening(part, name)
    return told


@pytest.fixture(autouse=True)
def held_back(monkeypatch) -> list[float]:
    """Delays are recorded, not slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(authenticator_module, "hold_back", sleep)
    return slept


@pytest.fixture
async def keys(store, service, user) -> list[str]:
    """Keys of their own for as many attempts as one likes, none verified before."""
    await store.directory.add_user(Address.parse(OTHER))
    return [(await service.create(user.id, "x", frozenset({Scope.IMAP}))).api_key for _ in range(8)]


def wrong(api_key: str) -> str:
    """Its prefix with another secret, whole."""
    body = api_key[:12] + apikeys.generate()[12:-6]
    return body + apikeys.checksum(body)


async def attempt(authenticator, asked, identity: str, secret: str) -> tuple[list[str], int, str]:
    """What a refused login asked, how many bcrypts it cost, and what was said."""
    asked.clear()
    before = authenticator._keys.pool.verifications
    credential = Credential(CredentialKind.PASSWORD, identity, secret, mechanism="PLAIN")
    with pytest.raises(AuthenticationFailed) as refused:
        await authenticator.authenticate(credential, frozenset({Scope.IMAP}), HERE)
    return list(asked), authenticator._keys.pool.verifications - before, str(refused.value)


async def test_neither_an_address_nor_a_prefix_tells_that_it_exists(authenticator, asked, keys):
    secrets = [apikeys.generate(), apikeys.generate(), *map(wrong, keys[:4])]
    names = itertools.cycle([KNOWN, NOBODY, ELSEWHERE])
    heard = [await attempt(authenticator, asked, next(names), secret) for secret in secrets]
    assert heard == [(["hash_of"], 1, "The user name or the key is wrong.")] * len(secrets)


async def test_whoever_has_a_key_does_not_learn_who_else_is_here(authenticator, asked, keys):
    heard = [
        await attempt(authenticator, asked, name, api_key)
        for name, api_key in zip((OTHER, NOBODY, ELSEWHERE), keys, strict=False)
    ]
    assert heard[0][0][-1] == "owns"
    assert heard == [heard[0]] * len(heard)


async def test_failures_are_held_back_alike(authenticator, asked, keys, held_back):
    delays = []
    for name, secret in ((KNOWN, wrong(keys[0])), (NOBODY, apikeys.generate())):
        held_back.clear()
        for _ in range(6):
            await attempt(authenticator, asked, name, secret)
        delays.append([round(delay, 1) for delay in held_back])
        authenticator._throttle._counts.clear()
    assert delays[0] == delays[1]
    assert len(delays[0]) == 3
