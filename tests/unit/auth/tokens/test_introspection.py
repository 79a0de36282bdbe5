"""Opaque tokens: asked about as our client, seldom, and believed only where the answer says so."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import UTC, datetime

import pytest
from tests.support.oidc.served import AUDIENCE

from mailkeep.errors import AuthenticationFailed, IssuerUnavailable
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)
TOKEN = "ya29.opaque-token"


def bearer(token: str = TOKEN) -> Credential:
    return Credential(CredentialKind.BEARER, "", token, mechanism="OAUTHBEARER")


def answer(issuer, **given):
    claims = {"active": True, **issuer.claims(), "token_type": "Bearer", **given}
    return {name: value for name, value in claims.items() if value is not None}


async def test_an_active_token_opens_and_is_asked_about_once(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer)
    for _ in range(5):
        principal = await door.authenticate(bearer(), IMAP, HERE)
    assert principal.address == "person@example.test"
    assert issuer.requests["/introspect"] == 1


async def test_many_at_once_share_one_question(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer)
    await asyncio.gather(*(door.authenticate(bearer(), IMAP, HERE) for _ in range(10)))
    assert issuer.requests["/introspect"] == 1


async def test_the_question_names_the_token_and_proves_who_asks(door, issuer):
    """RFC 7662 section 2.1, and RFC 6749 section 2.3.1: form-encoded before Basic."""
    issuer.tokens[TOKEN] = answer(issuer)
    await door.authenticate(bearer(), IMAP, HERE)
    [form] = [form for form in issuer.forms if "token" in form]
    assert form == {"token": [TOKEN], "token_type_hint": ["access_token"]}
    [sent] = [headers["authorization"] for headers in issuer.headers if "authorization" in headers]
    assert (
        base64.b64decode(sent.removeprefix("Basic "))
        == b"mail%3Akeep:client-secret%3A%20with%2Fodd%3Dcharacters"
    )


REFUSED = {
    "inactive": {"active": False},
    "active by text": {"active": "true"},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "urn:other"},
    "no audience, another client": {"aud": None, "client_id": "other"},
    "expired": {"exp": 1},
    "of a wrong type": {"exp": "never"},
    "no subject": {"sub": None},
    "bound to a key": {"cnf": {"jkt": "x"}},
    "no bearer token": {"token_type": "DPoP"},
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED.keys())
async def test_answers_that_open_nothing_and_are_remembered(door, issuer, given):
    issuer.tokens[TOKEN] = answer(issuer, **given)
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(), IMAP, HERE)
    assert issuer.requests["/introspect"] == 1


async def test_a_flood_of_invented_tokens_asks_a_few_at_a_time_and_then_one(door, issuer):
    async def refuse(number: int) -> None:
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(f"invented-{number}"), IMAP, HERE)

    issuer.pause = 0.01
    await asyncio.gather(*(refuse(number) for number in range(40)))
    assert 1 < issuer.most_under_way <= 8
    issuer.most_under_way = 0
    await asyncio.gather(*(refuse(number) for number in range(40, 50)))
    assert issuer.most_under_way == 1  # this network has failed often


async def test_without_an_audience_the_client_counts(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer, aud=None, client_id=AUDIENCE)
    await door.authenticate(bearer(), IMAP, HERE)


async def test_a_token_without_an_end_gets_one(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer, exp=None)
    principal = await door.authenticate(bearer(), IMAP, HERE)
    assert principal.expires_at is not None
    assert 0 < (principal.expires_at - datetime.now(UTC)).total_seconds() <= 3600 + 300


async def test_a_remembered_answer_does_not_outlive_the_token(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer, exp=int(time.time()) + 1)
    await door.authenticate(bearer(), IMAP, HERE)
    await asyncio.sleep(1.1)
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(), IMAP, HERE)


async def test_an_issuer_that_is_away_is_no_verdict_and_is_not_remembered(door, issuer):
    issuer.tokens[TOKEN] = answer(issuer)
    await door.authenticate(bearer(), IMAP, HERE)
    issuer.tokens["another"] = answer(issuer)
    issuer.down = True
    with pytest.raises(IssuerUnavailable):
        await door.authenticate(bearer("another"), IMAP, HERE)
    await door.authenticate(bearer(), IMAP, HERE)  # from memory
    issuer.down = False
    await door.authenticate(bearer("another"), IMAP, HERE)


async def test_without_a_client_of_ours_nobody_is_asked(started, issuer, issuer_settings):
    door = await started(issuer_settings(client_id="", client_secret=""))
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(), IMAP, HERE)
    assert not issuer.requests


async def test_a_profile_comes_from_userinfo_at_first_sight_alone(store, door, issuer):
    """OpenID Connect Core section 5.3."""
    issuer.tokens[TOKEN] = answer(issuer, email=None, email_verified=None)
    issuer.people[TOKEN] = {"sub": "subject-1", "email": "seen@example.test", "email_verified": True}
    for _ in range(3):
        assert (await door.authenticate(bearer(), IMAP, HERE)).address == "seen@example.test"
    assert issuer.requests["/me"] == 1


async def test_userinfo_about_somebody_else_is_not_believed(store, door, issuer):
    """OpenID Connect Core section 5.3.2: the subjects must be the same."""
    issuer.tokens[TOKEN] = answer(issuer, email=None, email_verified=None)
    issuer.people[TOKEN] = {"sub": "subject-2", "email": "seen@example.test", "email_verified": True}
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(bearer(), IMAP, HERE)
    assert await store.directory.users() == []


async def test_the_clients_secret_comes_from_its_file(started, issuer, issuer_settings, tmp_path):
    secret_file = tmp_path / "secret"
    secret_file.write_text("from-a-file\n")
    settings = issuer_settings(client_secret="", client_secret_file=str(secret_file))
    door = await started(settings)
    issuer.tokens[TOKEN] = answer(issuer)
    await door.authenticate(bearer(), IMAP, HERE)
    [sent] = [headers["authorization"] for headers in issuer.headers if "authorization" in headers]
    assert base64.b64decode(sent.removeprefix("Basic ")) == b"mail%3Akeep:from-a-file"
