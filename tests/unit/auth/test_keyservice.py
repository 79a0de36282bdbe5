"""Making, listing and revoking keys, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from mailkeep.auth import apikeys
from mailkeep.errors import InvalidName, NotFound
from mailkeep.model.scope import USER_SCOPES, Scope

HOUR = timedelta(hours=1)


async def test_a_key_is_shown_once_and_kept_as_prefix_and_hash(store, service, user):
    made = await service.create(user.id, "thunderbird")
    stored = await store.keys.get(made.id)
    assert apikeys.is_whole(made.api_key)
    assert stored is not None
    assert stored.prefix == made.key.prefix == made.api_key[:12]
    assert apikeys.matches(made.api_key, stored.hash)
    assert made.api_key not in repr(made) + repr(stored) + repr(made.key)
    assert "hash" not in repr(stored)


async def test_without_scopes_a_user_gets_all_that_a_user_may_have(service, user):
    made = await service.create(user.id, "all")
    assert made.key.scopes == USER_SCOPES
    assert Scope.INTERNAL not in made.key.scopes


async def test_a_services_key_has_the_scope_internal(service):
    made = await service.create(None, "smtp-host")
    assert (made.key.user_id, made.key.scopes) == (None, frozenset({Scope.INTERNAL}))


async def test_what_is_asked_for_is_kept(service, user):
    expires = datetime.now(timezone(timedelta(hours=2))) + HOUR
    made = await service.create(
        user.id, " backup ", frozenset({Scope.IMAP}), ["192.0.2.0/24", "2001:DB8::/32"], expires
    )
    found = await service.get(made.id)
    assert found == made.key
    assert found.name == "backup"
    assert found.scopes == frozenset({Scope.IMAP})
    assert found.networks == ("192.0.2.0/24", "2001:db8::/32")
    assert found.expires_at == expires


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"scopes": frozenset({Scope.INTERNAL})}, "for services"),
        ({"networks": ["192.0.2.1/24"]}, "is not a network"),
        ({"expires_at": datetime.now(UTC) - HOUR}, "in the past"),
        ({"expires_at": datetime(2999, 1, 1)}, "time zone"),
        ({"expires_at": datetime(2999, 1, 1, tzinfo=UTC)}, "hundred years"),
        ({"name": "n" * 101}, "100 characters"),
        ({"name": "a\x1b[2J"}, "printable"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_no_key(service, user, given, sentence):
    with pytest.raises(InvalidName, match=sentence):
        await service.create(user.id, **{"name": "x", **given})
    assert await service.list() == []


async def test_a_services_key_with_a_users_scope_is_refused(service):
    with pytest.raises(InvalidName, match="internal and no other"):
        await service.create(None, "x", frozenset({Scope.IMAP, Scope.INTERNAL}))


async def test_no_key_for_nobody(service):
    with pytest.raises(NotFound):
        await service.create(uuid4(), "x")


async def test_lists_are_newest_first_and_by_user(service, user):
    first = await service.create(user.id, "first")
    second = await service.create(user.id, "second")
    internal = await service.create(None, "service")
    assert [key.id for key in await service.list(user.id)] == [second.id, first.id]
    assert [key.id for key in await service.list()] == [internal.id, second.id, first.id]


async def test_revoking_is_for_ever_and_twice_is_once(service, user):
    made = await service.create(user.id, "x")
    revoked = await service.revoke(made.id)
    assert revoked.revoked_at is not None
    assert not revoked.is_usable(datetime.now(UTC))
    assert await service.revoke(made.id) == revoked


async def test_what_is_not_there_cannot_be_revoked_or_found(service):
    for attempt in (service.revoke(uuid4()), service.get(uuid4()), service.by_prefix("mk_000000000")):
        with pytest.raises(NotFound):
            await attempt


async def test_a_key_is_found_by_its_prefix_or_whole(service, user):
    made = await service.create(user.id, "x")
    assert await service.by_prefix(made.key.prefix) == made.key
    assert await service.by_prefix(made.api_key) == made.key


async def test_a_clash_of_prefixes_is_tried_again(service, user, monkeypatch):
    taken = await service.create(user.id, "x")
    fresh = apikeys.generate()
    drawn = [taken.api_key, fresh]
    monkeypatch.setattr(apikeys, "generate", lambda: drawn.pop(0))
    assert (await service.create(user.id, "y")).api_key == fresh
