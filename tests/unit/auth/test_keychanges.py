"""Keys after they were made: rotated with an overlap, renamed, restricted; never to open more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailkeep.auth import KeyLimits
from mailkeep.auth.keyservice import OVERLAP, OVERLAP_LIMIT
from mailkeep.errors import AuthenticationFailed, InvalidName, NotFound, ScopeMissing
from mailkeep.model.principal import Credential, CredentialKind, Peer
from mailkeep.model.scope import Scope

IMAP = frozenset({Scope.IMAP})
HERE = Peer("192.0.2.1")
HOUR = timedelta(hours=1)


def bearer(api_key: str) -> Credential:
    return Credential(CredentialKind.BEARER, "", api_key)


def in_(time: timedelta) -> datetime:
    return datetime.now(UTC) + time


async def test_both_keys_work_during_the_overlap_and_one_after_it(authenticator, service, user, eventually):
    former = await service.create(user.id, "phone", IMAP, ["192.0.2.0/24"])
    made = await service.rotate(former.id, timedelta(seconds=0.3))
    for api_key in (former.api_key, made.api_key):
        assert (await authenticator.authenticate(bearer(api_key), IMAP, HERE)).user_id == user.id
    ended = []
    login = await authenticator.authenticate(bearer(former.api_key), IMAP, HERE)
    authenticator.watch(login, ended.append)
    await eventually(lambda: ended == ["expired"])
    with pytest.raises(AuthenticationFailed):
        await authenticator.authenticate(bearer(former.api_key), IMAP, HERE)
    await authenticator.authenticate(bearer(made.api_key), IMAP, HERE)
    assert (made.key.name, made.key.scopes, made.key.networks) == ("phone", IMAP, ("192.0.2.0/24",))


async def test_a_session_that_was_open_before_the_rotation_ends_with_the_overlap(
    authenticator, service, user, eventually
):
    former, ended = await service.create(user.id, "x"), []
    login = await authenticator.authenticate(bearer(former.api_key), IMAP, HERE)
    authenticator.watch(login, ended.append)
    await service.rotate(former.id, timedelta(seconds=0.2))
    await eventually(lambda: ended == ["expired"])


async def test_the_successor_lives_as_long_as_the_former_key_was_made_for(service, user):
    former = await service.create(user.id, "x", expires_at=in_(30 * HOUR))
    made = await service.rotate(former.id)
    assert timedelta(0) <= in_(30 * HOUR) - made.key.expires_at < HOUR
    assert (await service.get(former.id)).expires_at == former.key.expires_at  # sooner than the overlap ends
    assert (await service.rotate((await service.create(user.id, "y")).id)).key.expires_at is None


async def test_without_an_overlap_the_former_key_ends_at_once(service, user):
    former = await service.create(user.id, "x")
    await service.rotate(former.id, timedelta(0))
    assert not (await service.get(former.id)).is_usable(datetime.now(UTC))


@pytest.mark.parametrize("overlap", [-timedelta(seconds=1), OVERLAP_LIMIT + OVERLAP])
async def test_an_overlap_that_cannot_be_changes_nothing(service, user, overlap):
    former = await service.create(user.id, "x")
    with pytest.raises(InvalidName, match="overlap"):
        await service.rotate(former.id, overlap)
    assert list(await service.list()) == [former.key]


async def test_a_name_changes_and_nothing_else_does(service, user):
    made = await service.create(user.id, "old", IMAP, ["192.0.2.0/24"], in_(HOUR))
    renamed = await service.rename(made.id, " new ")
    assert renamed.name == "new"
    assert renamed == await service.get(made.id)
    assert (renamed.scopes, renamed.networks) == (made.key.scopes, made.key.networks)
    with pytest.raises(InvalidName):
        await service.rename(made.id, "n" * 101)


async def test_a_key_is_restricted_in_every_way(service, user):
    made = await service.create(user.id, "x")
    end = in_(HOUR)
    limited = await service.restrict(made.id, KeyLimits(IMAP, ("192.0.2.0/24", "2001:db8::/32"), end))
    assert (limited.scopes, limited.networks) == (IMAP, ("192.0.2.0/24", "2001:db8::/32"))
    assert limited.expires_at == end
    narrower = await service.restrict(made.id, KeyLimits(networks=("192.0.2.7", "2001:db8::1/128")))
    assert narrower.networks == ("192.0.2.7/32", "2001:db8::1/128")
    assert (narrower.scopes, narrower.expires_at) == (IMAP, end)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (KeyLimits(scopes=frozenset({Scope.IMAP, Scope.APP})), "no scope that it does not have"),
        (KeyLimits(scopes=frozenset()), "revoke it"),
        (KeyLimits(networks=("198.51.100.0/24",)), "no network outside"),
        (KeyLimits(networks=("192.0.2.1/8",)), "is not a network"),
        (KeyLimits(networks=("0.0.0.0/0",)), "no network outside"),
        (KeyLimits(networks=("::/0",)), "no network outside"),
        (KeyLimits(networks=()), "Name the networks"),
        (KeyLimits(expires_at=datetime(2099, 1, 1, tzinfo=UTC)), "later time"),
        (KeyLimits(expires_at=datetime(1999, 1, 1, tzinfo=UTC)), "in the past"),
    ],
)
async def test_a_key_never_comes_to_open_more(service, user, limits, sentence):
    made = await service.create(user.id, "x", IMAP, ["192.0.2.0/24"], in_(HOUR))
    with pytest.raises(InvalidName, match=sentence):
        await service.restrict(made.id, limits)
    assert await service.get(made.id) == made.key


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (KeyLimits(scopes=frozenset({Scope.POP3})), "scope"),
        (KeyLimits(networks=("198.51.100.0/24",)), "network"),
    ],
)
async def test_sessions_that_a_restricted_key_would_not_open_end(
    authenticator, service, user, eventually, limits, reason
):
    made, ended = await service.create(user.id, "x"), []
    login = await authenticator.authenticate(bearer(made.api_key), IMAP, HERE)
    authenticator.watch(login, ended.append)
    await service.restrict(made.id, limits)
    await eventually(lambda: ended == [reason])
    with pytest.raises((AuthenticationFailed, ScopeMissing)):
        await authenticator.authenticate(bearer(made.api_key), IMAP, HERE)


async def test_a_key_that_works_no_more_is_neither_rotated_nor_changed(service, user):
    made = await service.create(user.id, "x")
    await service.revoke(made.id)
    for attempt in (
        service.rotate(made.id),
        service.rename(made.id, "y"),
        service.restrict(made.id, KeyLimits()),
    ):
        with pytest.raises(NotFound):
            await attempt
