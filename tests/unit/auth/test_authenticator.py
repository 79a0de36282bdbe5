"""Who gets in, who does not, what each attempt costs and what it leaves behind: on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mailkeep.auth import Authenticator, apikeys, bcrypt_pool
from mailkeep.auth import authenticator as authenticator_module
from mailkeep.errors import AuthenticationFailed, ScopeMissing, StoreCorrupt, StoreUnavailable, Throttled
from mailkeep.model.address import Address
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.proof import ProofLimits
from mailkeep.model.scope import USER_SCOPES, Scope
from mailkeep.storage.interface import StoredKey

OWNER = "Owner@example.test"
IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1", 4711, tls=True)


def password(secret, identity=OWNER, **given):
    return Credential(CredentialKind.PASSWORD, identity, secret, mechanism="PLAIN", **given)


def bearer(secret, identity=""):
    return Credential(CredentialKind.BEARER, identity, secret, mechanism="OAUTHBEARER")


@pytest.fixture
async def api_key(service, user):
    return (await service.create(user.id, "mail", frozenset({Scope.IMAP, Scope.SMTP}))).api_key


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Delays are recorded, not slept."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(authenticator_module, "hold_back", sleep)
    return slept


async def refused(authenticator, credential, any_of=IMAP, peer=HERE):
    """Refuse, and give the sentence that the peer may see."""
    with pytest.raises(AuthenticationFailed) as caught:
        await authenticator.authenticate(credential, any_of, peer)
    assert credential.secret == "" or credential.secret not in str(caught.value)
    return str(caught.value)


async def audit_rows(store, authenticator, count):
    async with asyncio.timeout(20):
        while len(rows := await store.audit.list(100)) < count:
            await asyncio.sleep(0.01)
    assert len(rows) == count
    return rows


# --- the way in ------------------------------------------------------------------------------------


async def test_a_key_as_password(authenticator, service, user, api_key):
    principal = await authenticator.authenticate(password(api_key), IMAP, HERE)
    [key] = await service.list()
    assert principal.user_id == user.id
    assert principal.account_id == user.account_id
    assert principal.address == user.primary_address
    assert principal.scopes == {Scope.IMAP, Scope.SMTP}
    assert (principal.key_id, principal.expires_at) == (key.id, None)


async def test_a_key_as_bearer_needs_no_identity(authenticator, user, api_key):
    assert (await authenticator.authenticate(bearer(api_key), IMAP, HERE)).user_id == user.id
    assert (await authenticator.authenticate(bearer(api_key, OWNER), IMAP, HERE)).user_id == user.id


@pytest.mark.parametrize("identity", ["owner@EXAMPLE.test", "second@example.test", "owner+tag@example.test"])
async def test_any_verified_address_of_the_user_is_their_identity(authenticator, user, api_key, identity):
    principal = await authenticator.authenticate(password(api_key, identity), IMAP, HERE)
    assert principal.user_id == user.id


async def test_one_of_several_scopes_is_enough(authenticator, api_key):
    await authenticator.authenticate(bearer(api_key), frozenset({Scope.POP3, Scope.SMTP}), HERE)


async def test_a_services_key_opens_what_internal_opens_and_nothing_else(authenticator, service):
    key = (await service.create(None, "smtp-host")).api_key
    principal = await authenticator.authenticate(bearer(key), frozenset({Scope.INTERNAL}), HERE)
    assert (principal.user_id, principal.account_id, principal.address) == (None, None, "")
    with pytest.raises(ScopeMissing):
        await authenticator.authenticate(bearer(key), USER_SCOPES, HERE)
    await refused(authenticator, password(key), frozenset({Scope.INTERNAL}))


async def test_the_authorization_identity_must_be_the_users_too(authenticator, user, api_key):
    second = password(api_key, authorization_identity="second@example.test")
    assert (await authenticator.authenticate(second, IMAP, HERE)).user_id == user.id
    await refused(authenticator, password(api_key, authorization_identity="other@example.test"))


async def test_a_key_for_a_network_opens_from_there_alone(authenticator, service, user):
    key = (await service.create(user.id, "x", networks=["192.0.2.0/24"])).api_key
    await authenticator.authenticate(password(key), IMAP, Peer("::ffff:192.0.2.200"))
    await refused(authenticator, password(key), peer=Peer("198.51.100.1"))


# --- refusals ----------------------------------------------------------------------------------------


async def test_every_refusal_but_the_scopes_sounds_the_same(store, authenticator, service, user, api_key):
    other = await store.directory.add_user(Address.parse("other@example.test"))
    others = (await service.create(other.id, "x")).api_key
    revoked = await service.create(user.id, "revoked")
    await service.revoke(revoked.id)
    elsewhere = (await service.create(user.id, "x", networks=["198.51.100.0/24"])).api_key
    wrong_secret = _with_prefix_of(api_key)
    attempts = [
        (password(api_key[:-1] + "?"), "not_a_key"),
        (password(api_key[:-1] + ("a" if api_key[-1] != "a" else "b")), "checksum"),
        (password("hunter2"), "not_a_key"),
        (bearer("eyJhbGciOiJub25lIn0.e30."), "token_issuer"),
        (bearer(""), "empty"),
        (password(apikeys.generate()), "unknown_prefix"),
        (password(wrong_secret), "wrong_secret"),
        (password(revoked.api_key), "revoked"),
        (password(elsewhere), "network"),
        (password(others), "identity"),
        (password(api_key, "nobody@example.test"), "identity"),
        (password(api_key, "owner"), "identity"),
        (password(api_key, ""), "identity"),
        (password(api_key, authorization_identity="other@example.test"), "authorization_identity"),
    ]
    heard = {await refused(authenticator, credential) for credential, _ in attempts}
    assert len(heard) == 1
    rows = await audit_rows(store, authenticator, len(attempts))
    assert sorted(row.reason for row in rows) == sorted(reason for _, reason in attempts)
    assert {row.outcome for row in rows} == {"failure"}


async def test_a_missing_scope_is_told_only_to_who_has_proven_all_else(store, authenticator, api_key):
    with pytest.raises(ScopeMissing):
        await authenticator.authenticate(password(api_key), frozenset({Scope.POP3}), HERE)
    with pytest.raises(AuthenticationFailed) as caught:
        await authenticator.authenticate(password(api_key, "x@example.test"), frozenset({Scope.POP3}), HERE)
    assert not isinstance(caught.value, ScopeMissing)
    rows = await audit_rows(store, authenticator, 2)
    assert {row.reason for row in rows} == {"scope", "identity"}


async def test_an_expired_key_is_refused_also_when_it_was_verified_before(authenticator, service, user):
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    key = (await service.create(user.id, "x", expires_at=soon)).api_key
    principal = await authenticator.authenticate(password(key), IMAP, HERE)
    assert principal.expires_at == soon
    while datetime.now(UTC) < soon:
        await asyncio.sleep(0.01)
    await refused(authenticator, password(key))


async def test_an_unverified_address_is_no_identity(store, authenticator, user, api_key):
    await store.proofs.begin(user.id, Address.parse("claimed@example.test"), b"digest", ProofLimits())
    await refused(authenticator, password(api_key, "claimed@example.test"))


# --- what is forgotten when --------------------------------------------------------------------------


async def test_revoking_takes_effect_on_a_verified_key(authenticator, service, api_key):
    principal = await authenticator.authenticate(password(api_key), IMAP, HERE)
    await service.revoke(principal.key_id)
    await _until_refused(authenticator, password(api_key))


async def test_disabling_and_enabling_the_user_takes_effect(store, authenticator, user, api_key):
    await authenticator.authenticate(password(api_key), IMAP, HERE)
    await store.directory.set_disabled(user.id, True)
    await _until_refused(authenticator, password(api_key))
    await store.directory.set_disabled(user.id, False)
    async with asyncio.timeout(20):
        while True:
            try:
                await authenticator.authenticate(password(api_key), IMAP, HERE)
            except AuthenticationFailed:
                await asyncio.sleep(0.01)
            else:
                break


async def test_an_address_that_is_taken_away_is_no_identity_any_more(store, authenticator, api_key):
    await authenticator.authenticate(password(api_key, "second@example.test"), IMAP, HERE)
    await store.directory.remove_address(Address.parse("second@example.test"))
    await _until_refused(authenticator, password(api_key, "second@example.test"))
    await authenticator.authenticate(password(api_key), IMAP, HERE)


async def test_a_key_that_is_revoked_while_bcrypt_runs_is_refused_and_not_remembered(
    store, authenticator, service, user, api_key, monkeypatch
):
    keys = authenticator._keys
    verify = keys.pool.verify

    async def revoke_meanwhile(*given, **named):
        right = await verify(*given, **named)
        [key] = await service.list(user.id)
        await service.revoke(key.id)
        return right

    monkeypatch.setattr(keys.pool, "verify", revoke_meanwhile)
    await refused(authenticator, password(api_key))
    await asyncio.sleep(0.2)
    await refused(authenticator, password(api_key))


async def test_a_user_who_is_disabled_while_bcrypt_runs_is_refused(
    store, authenticator, user, api_key, monkeypatch
):
    keys = authenticator._keys
    verify = keys.pool.verify

    async def disable_meanwhile(*given, **named):
        right = await verify(*given, **named)
        await store.directory.set_disabled(user.id, True)
        return right

    monkeypatch.setattr(keys.pool, "verify", disable_meanwhile)
    await refused(authenticator, password(api_key))


# --- what it costs -----------------------------------------------------------------------------------


async def test_a_warm_login_costs_no_bcrypt(authenticator, api_key):
    for _ in range(50):
        await authenticator.authenticate(password(api_key), IMAP, HERE)
    assert authenticator._keys.pool.verifications == 1


async def test_fifty_cold_logins_at_once_cost_one_bcrypt(authenticator, api_key):
    logins = (authenticator.authenticate(password(api_key), IMAP, HERE) for _ in range(50))
    assert len({principal.key_id for principal in await asyncio.gather(*logins)}) == 1
    assert authenticator._keys.pool.verifications == 1


async def test_an_unknown_prefix_costs_as_much_as_a_wrong_secret_and_a_typo_nothing(authenticator, api_key):
    pool = authenticator._keys.pool
    await refused(authenticator, password(apikeys.generate()))
    assert pool.verifications == 1
    await refused(authenticator, password(_with_prefix_of(api_key)))
    assert pool.verifications == 2
    await refused(authenticator, password(api_key[:-1] + ("a" if api_key[-1] != "a" else "b")))
    assert pool.verifications == 2


async def test_failures_are_answered_late_and_a_right_key_at_once(authenticator, api_key, patience):
    for _ in range(12):
        await refused(authenticator, password(apikeys.generate()))
    assert patience == pytest.approx([0.5, 1, 2, 4, 5, 5, 5, 5, 5], rel=0.2)  # counts halve meanwhile
    await authenticator.authenticate(password(api_key), IMAP, HERE)  # cold, by the narrow lane
    assert len(patience) == 9


async def test_a_stranger_cannot_lock_the_owner_out(authenticator, api_key, patience):
    stranger = Peer("198.51.100.7")
    for _ in range(30):
        await refused(authenticator, password(_with_prefix_of(api_key)), peer=stranger)
    await authenticator.authenticate(password(api_key), IMAP, HERE)
    await authenticator.authenticate(password(api_key), IMAP, stranger)


# --- what it leaves behind ---------------------------------------------------------------------------


async def test_a_success_is_audited_and_marks_the_key_as_used(store, authenticator, service, user, api_key):
    before = datetime.now(UTC)
    principal = await authenticator.authenticate(password(api_key), IMAP, HERE)
    [row] = await audit_rows(store, authenticator, 1)
    assert (row.host, row.mechanism, row.address, row.network) == ("imap", "PLAIN", OWNER, "192.0.2.1")
    assert (row.outcome, row.reason) == ("success", "")
    assert (row.user_id, row.key_id) == (user.id, principal.key_id)
    async with asyncio.timeout(20):
        while (used := (await service.get(principal.key_id)).last_used_at) is None:
            await asyncio.sleep(0.01)
    assert abs(used - before) < timedelta(seconds=20)
    assert (await store.directory.user(user.id)).last_login_at is not None


async def test_a_clean_stop_writes_what_waits(store, auth_settings, service, api_key):
    slow = type(auth_settings)(bcrypt_cost=4, last_used_flush_seconds=3600)
    authenticator = Authenticator(store, slow, "smtp")
    await authenticator.start()
    principal = await authenticator.authenticate(password(api_key), IMAP, HERE)
    await refused(authenticator, password("x"))
    await authenticator.close()
    assert {row.outcome for row in await store.audit.list(10)} == {"success", "failure"}
    assert (await service.get(principal.key_id)).last_used_at is not None


async def test_text_from_the_wire_is_cut_and_cleaned_before_it_is_kept(store, authenticator):
    await refused(authenticator, password("x", "\x1b[2J" + "a" * 5000), peer=Peer("192.0.2.1"))
    [row] = await audit_rows(store, authenticator, 1)
    assert len(row.address) == 320
    assert row.address.isprintable()


async def test_an_attempt_that_is_abandoned_is_audited(store, authenticator, api_key, monkeypatch):
    never = asyncio.Event()

    async def wait(*_: object, **__: object) -> bool:
        return await never.wait()

    monkeypatch.setattr(authenticator._keys.pool, "verify", wait)
    attempt = asyncio.create_task(authenticator.authenticate(password(api_key), IMAP, HERE))
    await asyncio.sleep(0.1)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt
    [row] = await audit_rows(store, authenticator, 1)
    assert row.reason == "abandoned"


async def test_a_store_that_is_away_is_no_refusal(store, authenticator, api_key, monkeypatch, patience):
    async def away(_prefix):
        raise StoreUnavailable("The database does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(store.keys, "hash_of", away)
        with pytest.raises(StoreUnavailable):
            await authenticator.authenticate(password(api_key), IMAP, HERE)
    await authenticator.authenticate(password(api_key), IMAP, HERE)
    reasons = [row.reason for row in await audit_rows(store, authenticator, 2)]
    assert sorted(reasons) == ["", "store_unavailable"]
    assert patience == []


async def test_too_many_at_once_is_told_as_such(store, authenticator, api_key, monkeypatch):
    monkeypatch.setattr(bcrypt_pool, "WAITING_LIMIT", 0)
    with pytest.raises(Throttled):
        await authenticator.authenticate(password(api_key), IMAP, HERE)
    [row] = await audit_rows(store, authenticator, 1)
    assert row.reason == "throttled"


async def test_a_hash_that_cannot_be_read_is_our_fault(store, authenticator, user):
    key = apikeys.generate()
    await store.keys.add(StoredKey(uuid4(), user.id, "", key[:12], b"not a hash", USER_SCOPES))
    with pytest.raises(StoreCorrupt):
        await authenticator.authenticate(password(key), IMAP, HERE)
    [row] = await audit_rows(store, authenticator, 1)
    assert row.reason == "fault"


async def test_no_secret_reaches_the_store_or_a_log(store, authenticator, api_key, caplog):
    caplog.set_level("DEBUG")
    wrong = apikeys.generate()
    await authenticator.authenticate(password(api_key), IMAP, HERE)
    await refused(authenticator, password(wrong))
    rows = await audit_rows(store, authenticator, 2)
    for secret in (api_key, wrong):
        assert secret[13:] not in repr(rows) + caplog.text


def _with_prefix_of(api_key):
    """Another key, whole, with the same prefix."""
    body = api_key[:13] + apikeys.generate()[13 : -apikeys.CHECKSUM_LENGTH]
    return body + apikeys.checksum(body)


async def _until_refused(authenticator, credential):
    async with asyncio.timeout(20):
        while True:
            try:
                await authenticator.authenticate(credential, IMAP, HERE)
            except AuthenticationFailed:
                return
            await asyncio.sleep(0.005)
