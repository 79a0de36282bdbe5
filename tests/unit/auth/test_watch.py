"""Sessions hear that they are over: by revocation, by expiry, by a disabled user; once, from any process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import open_test_store

from mailkeep.auth import Authenticator, KeyService
from mailkeep.errors import StoreUnavailable
from mailkeep.model.principal import Credential, CredentialKind, Peer, Principal
from mailkeep.model.scope import Scope

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1")


@pytest.fixture
async def log_in(authenticator, service, user):
    async def run(**given):
        made = await service.create(user.id, "x", **given)
        credential = Credential(CredentialKind.BEARER, "", made.api_key)
        return await authenticator.authenticate(credential, IMAP, HERE)

    return run


@pytest.fixture
def heard():
    """Reasons in the order in which sessions heard them."""
    return []


async def test_revoking_a_key_ends_all_its_sessions_and_no_other(
    authenticator, service, log_in, heard, eventually
):
    principal, other = await log_in(), await log_in()
    for number in range(5):
        authenticator.watch(principal, lambda reason, number=number: heard.append((number, reason)))
    authenticator.watch(other, lambda reason: heard.append(("other", reason)))
    await service.revoke(principal.key_id)
    await eventually(lambda: len(heard) >= 5)
    assert sorted(heard) == [(number, "revoked") for number in range(5)]


async def test_disabling_the_user_ends_the_sessions_of_every_key(
    store, authenticator, log_in, user, heard, eventually
):
    for _ in range(3):
        authenticator.watch(await log_in(), heard.append)
    await store.directory.set_disabled(user.id, True)
    await eventually(lambda: len(heard) >= 3)
    assert heard == ["user_disabled"] * 3


async def test_a_change_that_ends_nothing_ends_nothing(store, authenticator, log_in, user, heard):
    principal = await log_in()
    authenticator.watch(principal, heard.append)
    await store.directory.set_disabled(user.id, False)
    await asyncio.sleep(0.3)
    assert heard == []


async def test_a_session_hears_it_from_another_process(
    store_settings, auth_settings, authenticator, log_in, heard, eventually
):
    principal = await log_in()
    authenticator.watch(principal, heard.append)
    async with open_test_store(store_settings) as elsewhere:
        await KeyService(elsewhere, auth_settings).revoke(principal.key_id)
        await eventually(lambda: heard == ["revoked"])


async def test_expiry_ends_a_session_by_itself(authenticator, log_in, heard, eventually):
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    authenticator.watch(await log_in(expires_at=soon), heard.append)
    await eventually(lambda: heard == ["expired"])
    assert datetime.now(UTC) >= soon


async def test_what_happened_between_login_and_watch_is_heard(
    authenticator, service, log_in, heard, eventually
):
    principal = await log_in()
    await service.revoke(principal.key_id)
    authenticator.watch(principal, heard.append)
    await eventually(lambda: heard == ["revoked"])


async def test_a_principal_that_expired_before_the_watch_hears_it_after_the_call(
    authenticator, user, heard, eventually
):
    past = datetime.now(UTC) - timedelta(seconds=1)
    gone = Principal(user.id, user.account_id, user.primary_address, IMAP, None, past)
    authenticator.watch(gone, heard.append)
    assert heard == []
    await eventually(lambda: heard == ["expired"])


async def test_who_stopped_watching_hears_nothing_and_stopping_twice_is_once(
    authenticator, service, log_in, heard, eventually
):
    principal = await log_in()
    others = []
    stop = authenticator.watch(principal, heard.append)
    authenticator.watch(principal, others.append)
    stop()
    stop()
    await service.revoke(principal.key_id)
    await eventually(lambda: others == ["revoked"])
    assert heard == []
    assert len(authenticator._watch) == 0  # nothing is kept of sessions that are over


async def test_a_session_that_fails_to_hear_does_not_keep_others_from_hearing(
    authenticator, service, log_in, heard, eventually
):
    def fail(reason: str) -> None:
        raise ConnectionResetError(reason)

    principal = await log_in()
    for _ in range(3):
        authenticator.watch(principal, fail)
        authenticator.watch(principal, heard.append)
    await service.revoke(principal.key_id)
    await eventually(lambda: heard == ["revoked"] * 3)


async def test_sessions_of_one_key_share_a_subscription(store, authenticator, log_in, monkeypatch):
    subscribed = []
    watch = store.feed.watch

    def counting(topic, changed):
        subscribed.append(topic)
        return watch(topic, changed)

    principal = await log_in()
    monkeypatch.setattr(store.feed, "watch", counting)
    stops = [authenticator.watch(principal, print) for _ in range(100)]
    assert len(subscribed) == len(set(subscribed)) == 2  # the key and the user
    for stop in stops:
        stop()


async def test_while_the_store_is_away_the_look_is_repeated(
    store, authenticator, service, log_in, heard, eventually, monkeypatch
):
    principal = await log_in()
    authenticator.watch(principal, heard.append)
    get, failures = store.keys.get, []

    async def away_at_first(key_id):
        if len(failures) < 2:
            failures.append(key_id)
            raise StoreUnavailable("The database does not answer.")
        return await get(key_id)

    await service.revoke(principal.key_id)  # the feed tells of it once the loop runs on
    monkeypatch.setattr(store.keys, "get", away_at_first)
    await eventually(lambda: heard == ["revoked"])


async def test_closing_tells_no_session(store, auth_settings, service, user, heard):
    authenticator = Authenticator(store, auth_settings, "imap")
    await authenticator.start()
    made = await service.create(user.id, "x")
    credential = Credential(CredentialKind.BEARER, "", made.api_key)
    authenticator.watch(await authenticator.authenticate(credential, IMAP, HERE), heard.append)
    await authenticator.close()
    await service.revoke(made.id)
    await asyncio.sleep(0.2)
    assert heard == []
