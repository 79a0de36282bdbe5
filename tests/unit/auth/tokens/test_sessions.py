"""How long a session lasts that a token opened, who may speak in it, and what refusals tell."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.oidc.served import DISCOVERY, served_issuer

from mailkeep.auth import KeyService
from mailkeep.errors import AuthenticationFailed, ScopeMissing
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)


def bearer(token, identity="", acting_as=""):
    return Credential(CredentialKind.BEARER, identity, token, acting_as, "OAUTHBEARER")


async def ending(door, principal):
    reasons: asyncio.Queue[str] = asyncio.Queue()
    stop = door.watch(principal, reasons.put_nowait)
    try:
        async with asyncio.timeout(20):
            return await reasons.get()
    finally:
        stop()


async def test_a_session_ends_with_its_token_and_the_grace(started, issuer, issuer_settings):
    door = await started(issuer_settings(leeway_seconds=0.0), token_grace_seconds=1.0)
    expires = int(time.time()) + 1
    principal = await door.authenticate(bearer(issuer.token(exp=expires)), IMAP, HERE)
    assert principal.expires_at == datetime.fromtimestamp(expires, UTC) + timedelta(seconds=1)
    assert await ending(door, principal) == "expired"
    assert time.time() >= expires + 1


async def test_a_session_ends_when_its_user_is_disabled(store, door, issuer):
    principal = await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    over = asyncio.create_task(ending(door, principal))
    await asyncio.sleep(0.05)
    await store.directory.set_disabled(principal.user_id, True)
    assert await over == "user_disabled"


async def test_ending_all_sign_ins_ends_what_tokens_opened_and_refuses_those_tokens(store, door, issuer):
    now = int(time.time())
    old = issuer.token(iat=now - 1)
    principal = await door.authenticate(bearer(old), IMAP, HERE)
    made = await KeyService(store, AuthSettings(bcrypt_cost=4)).create(principal.user_id, "mail")
    by_key = await door.authenticate(bearer(made.api_key), IMAP, HERE)
    heard: list[str] = []
    stop = door.watch(by_key, heard.append)
    over = asyncio.create_task(ending(door, principal))
    await asyncio.sleep(0.05)
    await store.directory.end_sign_ins(principal.user_id)
    assert await over == "token_signed_out"
    for token in (old, issuer.token(iat=now - 2), issuer.token(iat=None)):
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(token), IMAP, HERE)
    later = issuer.token(iat=now + 5)
    assert (await door.authenticate(bearer(later), IMAP, HERE)).user_id == principal.user_id
    assert heard == []
    stop()


async def test_any_own_address_may_be_named(store, door, issuer):
    for identity in ("", "person@example.test", "PERSON@Example.Test", "person+tag@example.test"):
        await door.authenticate(bearer(issuer.token(), identity), IMAP, HERE)
    for identity in ("person", "other@example.test", "person@other.test"):
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(issuer.token(), identity), IMAP, HERE)
    with pytest.raises(AuthenticationFailed):
        await door.authenticate(
            bearer(issuer.token(), "person@example.test", "other@example.test"), IMAP, HERE
        )


async def test_a_key_is_still_a_bearer(store, door, issuer):
    principal = await door.authenticate(bearer(issuer.token()), IMAP, HERE)
    created = await KeyService(store, AuthSettings(bcrypt_cost=4)).create(principal.user_id, "mail")
    by_key = await door.authenticate(bearer(created.api_key), IMAP, HERE)
    assert (by_key.user_id, by_key.key_id) == (principal.user_id, created.id)


async def test_refusals_say_where_tokens_come_from(door, issuer):
    """RFC 7628 section 3.2.2."""
    told = door.explain(AuthenticationFailed("x"))
    assert (told.status, told.scope) == ("invalid_token", "")
    assert told.openid_configuration == issuer.issuer + DISCOVERY
    told = door.explain(ScopeMissing("x"))
    assert (told.status, told.scope) == ("insufficient_scope", "imap")


async def test_without_issuers_there_is_nowhere_to_send_anybody(started):
    door = await started()
    assert door.explain(AuthenticationFailed("x")).openid_configuration == ""


async def test_of_several_issuers_each_vouches_for_its_own(store, started, issuer, issuer_settings):
    await store.directory.add_domain("other.test")
    async with served_issuer() as second:
        other = issuer_settings(issuer=second.issuer, domains=("other.test",), client_id="", client_secret="")
        door = await started(issuer_settings(domains=("example.test",)), other)
        first = await door.authenticate(bearer(issuer.token()), IMAP, HERE)
        token = second.token(email="person@other.test")  # the same subject, another issuer
        assert (await door.authenticate(bearer(token), IMAP, HERE)).user_id != first.user_id
        with pytest.raises(AuthenticationFailed):
            await door.authenticate(bearer(second.token(sub="s-3", email="p@example.test")), IMAP, HERE)
        with pytest.raises(AuthenticationFailed):  # signed by one in the name of the other: same key id
            await door.authenticate(bearer(issuer.token({"kid": "x"}, iss=second.issuer)), IMAP, HERE)
        told = door.explain(AuthenticationFailed("x"), "Person@Other.test")
        assert told.openid_configuration == second.issuer + DISCOVERY


async def test_scopes_are_mapped_by_the_setting(started, issuer, issuer_settings):
    scope_map = {"IMAP.AccessAsUser.All": "imap", "mail": "imap smtp"}
    door = await started(issuer_settings(scope_map=scope_map))
    opened = {
        "IMAP.AccessAsUser.All": {Scope.IMAP},
        "mail openid": {Scope.IMAP, Scope.SMTP},
        "imap api:write": {Scope.IMAP, Scope.API_WRITE},
    }
    for words, scopes in opened.items():
        by_scope = await door.authenticate(bearer(issuer.token(scope=words)), IMAP, HERE)
        by_scp = await door.authenticate(bearer(issuer.token(scope=None, scp=words.split())), IMAP, HERE)
        assert by_scope.scopes == by_scp.scopes == scopes


async def test_default_scopes_are_for_tokens_that_name_none_of_ours(started, issuer, issuer_settings):
    door = await started(issuer_settings(default_scopes=("imap", "smtp")))
    principal = await door.authenticate(bearer(issuer.token(scope="openid")), IMAP, HERE)
    assert principal.scopes == {Scope.IMAP, Scope.SMTP}
    with pytest.raises(ScopeMissing):
        await door.authenticate(bearer(issuer.token(scope="smtp")), IMAP, HERE)
