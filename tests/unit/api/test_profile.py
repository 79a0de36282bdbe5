"""The caller's name and addresses."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.address import Address
from mailkeep.model.proof import ProofLimits
from mailkeep.model.scope import Scope

BASE = "/api/profile"


async def test_a_profile_lists_every_address(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    await api.store.directory.add_address(user, Address.parse("sales@example.test"))
    await api.store.proofs.begin(user, Address.parse("boss@example.test"), b"digest", ProofLimits())
    async with api.client(await api.key(user, Scope.API_READ)) as client:
        found: dict[str, Any] = (await client.get(BASE)).json()
    assert set(found) == {"id", "email", "displayName", "createdAt", "lastLoginAt", "additionalAddresses"}
    assert (found["id"], found["email"], found["displayName"]) == (str(user), "ann@example.test", None)
    shown = [(each["address"], each["isVerified"]) for each in found["additionalAddresses"]]
    assert shown == [("sales@example.test", True), ("boss@example.test", False)]


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
        assert (await client.post(f"{BASE}/addresses", json={"address": "x@example.test"})).status_code == 403


async def mailed_code(api: ApiHost, address: str) -> str:
    """The code in the newest message that waits for an address."""
    records = {record.address: record.account_id for record in await api.store.directory.addresses()}
    inbox = await api.store.mailboxes.get(records[address], "INBOX")
    ids = (await api.store.messages.snapshot(inbox.id)).message_ids
    octets = await (await api.store.messages.body(ids[-1])).read()
    found = re.search(rb"\r\n    (\S+)\r\n", octets)
    assert found
    return found[1].decode()


async def test_an_address_is_proven_by_the_code_that_was_mailed_there(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        asked = await client.post(f"{BASE}/addresses", json={"address": " Ann <Sales@Example.test> "})
        assert asked.status_code == 200
        assert (asked.json()["address"], asked.json()["isVerified"]) == ("sales@example.test", False)
        place = f"{BASE}/addresses/{asked.json()['id']}"
        code = await mailed_code(api, "sales@example.test")
        wrong = await client.post(f"{place}/verify", json={"code": "00000-00000"})
        assert (wrong.status_code, "error" in wrong.json()) == (400, True)
        shown = (await client.post(f"{place}/verify", json={"code": code.lower().replace("-", " ")})).json()
        assert (shown["address"], shown["isVerified"]) == ("sales@example.test", True)
        assert [one["isVerified"] for one in (await client.get(BASE)).json()["additionalAddresses"]] == [True]
        assert (await client.get("/api/emails")).json()["totalCount"] == 1  # what waited: the code
        assert (await client.post(f"{place}/verify", json={"code": code})).status_code == 404


async def test_what_was_asked_for_is_withdrawn(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        asked = (await client.post(f"{BASE}/addresses", json={"address": "sales@example.test"})).json()
        code = await mailed_code(api, "sales@example.test")
        assert (await client.delete(f"{BASE}/addresses/{asked['id']}")).status_code == 204
        assert (await client.get(BASE)).json()["additionalAddresses"] == []
        late = await client.post(f"{BASE}/addresses/{asked['id']}/verify", json={"code": code})
        assert late.status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("", 400),
        ("   ", 400),
        ("nobody", 400),
        ("Ann <>", 400),
        ("x" * 700 + "@example.test", 400),
        ("ANN@example.test", 400),  # her own
        ("bob@example.test", 409),
    ],
)
async def test_what_cannot_be_asked_for(api: ApiHost, address: str, status: int) -> None:
    ann, _ = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        assert (await client.post(f"{BASE}/addresses", json={"address": address})).status_code == status
        assert (await client.get(BASE)).json()["additionalAddresses"] == []


async def test_an_address_elsewhere_gets_its_code_through_the_queue(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        asked = await client.post(f"{BASE}/addresses", json={"address": "ann@elsewhere.example"})
    assert (asked.status_code, asked.json()["isVerified"]) == (200, False)
    [waiting] = await api.store.queue.entries()
    assert str(waiting.recipient) == "ann@elsewhere.example"


async def test_codes_for_one_address_are_few(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        asked = [await client.post(f"{BASE}/addresses", json={"address": "x@example.test"}) for _ in range(4)]
    assert [answer.status_code for answer in asked] == [200, 200, 200, 429]
    assert int(asked[-1].headers["retry-after"]) > 0


async def test_anothers_proof_is_404(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        asked = (await client.post(f"{BASE}/addresses", json={"address": "x@example.test"})).json()
    code = await mailed_code(api, "x@example.test")
    async with api.client(await api.key(bob, Scope.APP)) as client:
        place = f"{BASE}/addresses/{asked['id']}"
        assert (await client.post(f"{place}/verify", json={"code": code})).status_code == 404
        assert (await client.delete(place)).status_code == 404


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
