"""Tokens of our own key: what they open, whose they are, and where they are not taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import OctKey
from tests.support.oidc.served import RSA, sign

from mailkeep.auth.tokens.development import make_token
from mailkeep.errors import AuthenticationFailed, ScopeMissing
from mailkeep.model.address import Address
from mailkeep.model.directory import LOCAL_ISSUER
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import USER_SCOPES, Scope

KEY = "k" * 32
PERSON = Address.parse("Person@example.test")
IMAP = frozenset({Scope.IMAP})
HERE = Peer("127.0.0.1", 4711)


def bearer(token, identity="", kind=CredentialKind.BEARER):
    return Credential(kind, identity, token, mechanism="XOAUTH2")


def made(scopes=(), minutes=10, key=KEY):
    now = datetime.now(UTC)
    return make_token(PERSON, key.encode(), now, now + timedelta(minutes=minutes), scopes)


def claims(**given):
    now = int(datetime.now(UTC).timestamp())
    usual = {"iss": "mailkeep-dev", "aud": "mailkeep", "sub": "person@example.test", "exp": now + 60}
    usual |= {"scope": "imap"}
    return {name: value for name, value in {**usual, **given}.items() if value is not None}


def signed(**given):
    return sign({"alg": "HS256"}, claims(**given), OctKey.import_key(KEY))


@pytest.fixture
async def door(started):
    return await started(jwt_development_key=KEY)


async def test_a_token_makes_its_user_and_opens_all(store, door):
    principal = await door.authenticate(bearer(made(), "person@example.test"), IMAP, HERE)
    [user] = await store.directory.users()
    assert principal.user_id == user.id
    assert (user.issuer, user.subject) == (LOCAL_ISSUER, "person@example.test")
    assert principal.scopes == USER_SCOPES


async def test_it_speaks_for_the_user_whom_an_operator_added(store, door):
    user = await store.directory.add_user(PERSON)
    assert (await door.authenticate(bearer(made()), IMAP, HERE)).user_id == user.id
    assert (await store.directory.user(user.id)) == user


async def test_any_address_of_a_local_user_is_theirs(store, door):
    user = await store.directory.add_user(Address.parse("main@example.test"))
    await store.directory.add_address(user.id, PERSON)
    assert (await door.authenticate(bearer(made()), IMAP, HERE)).user_id == user.id


async def test_it_does_not_speak_for_an_issuers_user(store, door):
    await store.directory.add_user(PERSON, "", "https://id.example", "s-1")
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made()), IMAP, HERE)


async def test_tokens_that_others_make_with_the_key_need_an_address(door):
    await door.authenticate(bearer(signed()), IMAP, HERE)
    await door.authenticate(bearer(signed(sub="any-id", email="Person@example.test")), IMAP, HERE)
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(signed(sub="any-id")), IMAP, HERE)


async def test_its_scopes_are_its_limits(door):
    with pytest.raises(ScopeMissing):
        await door.authenticate(bearer(made({Scope.SMTP})), IMAP, HERE)
    with pytest.raises(ScopeMissing):
        await door.authenticate(bearer(signed(scope="internal")), frozenset({Scope.INTERNAL}), HERE)


REFUSED = {
    "expired": {"exp": 1},
    "no end": {"exp": None},
    "another issuer": {"iss": "mailkeep"},
    "another case": {"iss": "Mailkeep-Dev"},
    "another audience": {"aud": "other"},
    "no audience": {"aud": None},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED.keys())
async def test_what_opens_nothing(store, door, given):
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(signed(**given)), IMAP, HERE)
    assert await store.directory.users() == []


async def test_another_key_and_another_algorithm(door):
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made(key="x" * 32)), IMAP, HERE)
    for algorithm, key in (("HS512", OctKey.import_key(KEY * 2)), ("RS256", RSA)):
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(sign({"alg": algorithm}, claims(), key)), IMAP, HERE)


async def test_a_token_is_no_password(door):
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made(), str(PERSON), CredentialKind.PASSWORD), IMAP, HERE)


async def test_without_a_key_each_process_has_its_own(started):
    door = await started()
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made()), IMAP, HERE)


async def test_with_an_issuer_there_is_no_development(started, issuer_settings):
    door = await started(issuer_settings(), jwt_development_key=KEY)
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made()), IMAP, HERE)


async def test_switched_off_it_is_off(started):
    door = await started(jwt_development_key=KEY, development_tokens="off")
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(made()), IMAP, HERE)
