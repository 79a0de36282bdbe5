"""The caller's name and addresses."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.address import Address
from mailkeep.model.scope import Scope

BASE = "/api/profile"


async def test_a_profile_lists_every_address_but_claims_none(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    await api.store.directory.add_address(user, Address.parse("sales@example.test"))
    await api.store.directory.add_address(user, Address.parse("boss@example.test"), verified=False)
    async with api.client(await api.key(user, Scope.API_READ)) as client:
        found: dict[str, Any] = (await client.get(BASE)).json()
        refused = await client.post(f"{BASE}/addresses", json={"address": "x@example.test"})
    assert set(found) == {"id", "email", "displayName", "createdAt", "lastLoginAt", "additionalAddresses"}
    assert (found["id"], found["email"], found["displayName"]) == (str(user), "ann@example.test", None)
    shown = [(each["address"], each["isVerified"]) for each in found["additionalAddresses"]]
    assert shown == [("boss@example.test", False), ("sales@example.test", True)]
    assert refused.status_code == 404


async def test_the_name_changes_stays_and_goes(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.APP)) as client:
        bodies: list[tuple[dict[str, object], str | None]] = [
            ({"displayName": " Ann Émile "}, "Ann Émile"),
            ({}, "Ann Émile"),
            ({"displayName": None}, "Ann Émile"),
            ({"displayName": ""}, None),
        ]
        for body, expected in bodies:
            answer = await client.put(BASE, json=body)
            assert (answer.status_code, answer.json()["displayName"]) == (200, expected)
            assert (await client.get(BASE)).json() == answer.json()


@pytest.mark.parametrize("name", ["x" * 501, "a\nb", "a\x00b", 7])
async def test_what_is_no_name_is_400(api: ApiHost, name: object) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        assert (await client.put(BASE, json={"displayName": name})).status_code == 400


async def test_who_may_only_read_changes_nothing(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.API_READ)) as client:
        assert (await client.put(BASE, json={"displayName": "x"})).status_code == 403
        assert (await client.delete(f"{BASE}/addresses/{uuid4()}")).status_code == 403


async def test_an_additional_address_is_given_up_and_no_other(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    mine = await api.store.directory.add_address(ann, Address.parse("sales@example.test"))
    theirs = await api.store.directory.add_address(bob, Address.parse("support@example.test"))
    (primary,) = [record for record in await api.store.directory.addresses(ann) if record.primary]
    async with api.client(await api.key(ann, Scope.APP)) as client:
        for address_id in (theirs.id, primary.id, uuid4()):
            assert (await client.delete(f"{BASE}/addresses/{address_id}")).status_code == 404
        assert (await client.delete(f"{BASE}/addresses/{mine.id}")).status_code == 204
        assert (await client.get(BASE)).json()["additionalAddresses"] == []
    assert len(await api.store.directory.addresses(bob)) == 2
