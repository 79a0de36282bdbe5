"""Keys over HTTP: who may make which, and what is shown of them."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.scope import USER_SCOPES, Scope

BASE = "/api/smtp-credentials"
ALL = ["smtp", "pop3", "imap", "api:read", "api:write", "app"]


async def test_a_key_is_made_shown_once_used_and_revoked(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, *USER_SCOPES)) as client:
        made = (await client.post(BASE, json={"name": "phone", "scopes": ["API:read"]})).json()
        assert set(made) == {"id", "name", "apiKey", "scopes", "createdAt"}
        assert (made["name"], made["scopes"]) == ("phone", ["api:read"])
        async with api.client(made["apiKey"]) as phone:
            assert (await phone.get("/api/emails")).status_code == 200
        listed = await client.get(BASE)
        assert made["apiKey"] not in listed.text
        assert [key["name"] for key in listed.json()["keys"]] == ["phone", "test"]
        assert set(listed.json()["keys"][0]) == {
            "id", "name", "createdAt", "lastUsedAt", "isActive", "scopes",
        }  # fmt: skip
        assert (await client.delete(f"{BASE}/{made['id']}")).status_code == 204
        assert (await client.delete(f"{BASE}/{made['id']}")).status_code == 404
        assert [key["name"] for key in (await client.get(BASE)).json()["keys"]] == ["test"]


async def test_where_to_connect(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.API_READ)) as client:
        info = (await client.get(BASE)).json()["connectionInfo"]
    assert info == {
        "smtpServer": "localhost",
        "smtpPort": 587,
        "smtpSecurePort": 465,
        "smtpEnabled": False,  # these settings have a listener for other servers, none for users
        "pop3Server": "localhost",
        "pop3Port": 110,
        "pop3SecurePort": 995,
        "pop3Enabled": False,
        "imapServer": "localhost",
        "imapPort": 2143,
        "imapSecurePort": 993,
        "imapEnabled": True,
        "username": "ann@example.test",
        "activeKeyCount": 1,
    }


@pytest.mark.parametrize("body", [{"name": "k"}, {"name": "k", "scopes": None}, {"name": "k", "scopes": []}])
async def test_without_scopes_a_key_gets_all_that_its_maker_may_give(
    api: ApiHost, body: dict[str, object]
) -> None:
    user = await api.user("ann@example.test")
    for held, given in (({Scope.APP}, ALL), ({Scope.API_WRITE, Scope.IMAP}, ["imap", "api:write"])):
        async with api.client(await api.key(user, *held)) as client:
            assert (await client.post(BASE, json=body)).json()["scopes"] == given


async def test_nobody_climbs(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.API_READ)) as client:
        assert (await client.post(BASE, json={"name": "k"})).status_code == 403
        assert (await client.delete(f"{BASE}/{uuid4()}")).status_code == 403
    async with api.client(await api.key(user, Scope.API_WRITE)) as client:
        assert (await client.post(BASE, json={"name": "k", "scopes": ["app"]})).status_code == 403
        phone = {"deviceName": "x", "platform": "ios"}
        assert (await client.post(f"{BASE}/mobile", json=phone)).status_code == 403
        assert (await client.get(BASE)).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"name": "k", "scopes": ["internal"]},
        {"name": "k", "scopes": ["root"]},
        {"name": "k", "scopes": ["imap"] * 21},
    ],
)
async def test_what_makes_no_key_is_400(api: ApiHost, body: dict[str, object]) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.APP)) as client:
        assert (await client.post(BASE, json=body)).status_code == 400
        assert len((await client.get(BASE)).json()["keys"]) == 1


async def test_the_apps_key_is_named_by_its_device(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.APP)) as client:
        made = await client.post(f"{BASE}/mobile", json={"deviceName": "Ann's phone", "platform": "iOS"})
        assert (made.json()["name"], made.json()["scopes"]) == ("Mobile App - Ann's phone (ios)", ["app"])
        long = await client.post(f"{BASE}/mobile", json={"deviceName": "x" * 200, "platform": "web"})
        assert len(long.json()["name"]) == 100
        for body in ({"deviceName": "x", "platform": "beos"}, {"deviceName": " ", "platform": "web"}, {}):
            assert (await client.post(f"{BASE}/mobile", json=body)).status_code == 400


async def test_anothers_key_is_404_and_stays(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with api.client(await api.key(bob, Scope.APP)) as client:
        bobs = (await client.get(BASE)).json()["keys"][0]["id"]
        async with api.client(await api.key(ann, Scope.APP)) as other:
            assert (await other.delete(f"{BASE}/{bobs}")).status_code == 404
        assert (await client.get(BASE)).status_code == 200
