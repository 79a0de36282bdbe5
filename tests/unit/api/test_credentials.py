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
            "id", "name", "createdAt", "lastUsedAt", "isActive", "scopes", "prefix", "networks", "expiresAt",
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
        {"name": "k", "networks": ["home"]},
        {"name": "k", "networks": ["192.0.2.0/24"] * 65},
        {"name": "k", "expiresAt": "2001-01-01T00:00:00Z"},
        {"name": "k", "expiresAt": "2099-01-01T00:00:00"},
        {"name": "k", "expiresAt": "9999-12-31T23:59:59-23:00"},
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


async def test_a_key_is_made_for_networks_and_a_time(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    asked = {"name": "k", "networks": ["192.0.2.0/24"], "expiresAt": "2099-01-01T00:00:00Z"}
    async with api.client(await api.key(user, Scope.APP)) as client:
        await client.post(BASE, json=asked)
        shown = (await client.get(BASE)).json()["keys"][0]
    assert (shown["networks"], shown["expiresAt"]) == (["192.0.2.0/24"], "2099-01-01T00:00:00Z")


async def test_a_key_is_rotated_and_both_work_during_the_overlap(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.APP)) as client:
        former = (await client.post(BASE, json={"name": "k", "scopes": ["api:read"]})).json()
        made = (await client.post(f"{BASE}/{former['id']}/rotate", json={"overlapSeconds": 3600})).json()
        assert (made["name"], made["scopes"]) == ("k", ["api:read"])
        listed = {key["id"]: key for key in (await client.get(BASE)).json()["keys"]}
        assert listed[former["id"]]["expiresAt"] is not None
        assert listed[made["id"]]["expiresAt"] is None
        for api_key in (former["apiKey"], made["apiKey"]):
            async with api.client(api_key) as phone:
                assert (await phone.get("/api/emails")).status_code == 200
        assert (await client.post(f"{BASE}/{made['id']}/rotate")).status_code == 200  # the default overlap
        assert (
            await client.post(f"{BASE}/{made['id']}/rotate", json={"overlapSeconds": -1})
        ).status_code == 400
        await client.post(f"{BASE}/{made['id']}/rotate", json={"overlapSeconds": 0})
        async with api.client(made["apiKey"]) as phone:
            assert (await phone.get("/api/emails")).status_code == 401


async def test_a_key_is_renamed_and_restricted(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    async with api.client(await api.key(user, Scope.APP)) as client:
        made = (await client.post(BASE, json={"name": "k", "scopes": ["api:read", "imap"]})).json()
        place = f"{BASE}/{made['id']}"
        asked = {"name": "phone", "scopes": ["imap"], "networks": ["127.0.0.0/8"]}
        shown = (await client.patch(place, json=asked)).json()
        assert (shown["name"], shown["scopes"], shown["networks"]) == ("phone", ["imap"], ["127.0.0.0/8"])
        for more in ({"scopes": ["imap", "pop3"]}, {"networks": ["0.0.0.0/0"]}, {"name": " "}):
            assert (await client.patch(place, json=more)).status_code == 400
        assert (await client.patch(place, json={})).json() == shown


async def test_no_rotation_hands_out_what_its_caller_does_not_hold(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    async with api.client(await api.key(ann, Scope.APP)) as client:
        app_key = (await client.get(BASE)).json()["keys"][0]["id"]
    async with api.client(await api.key(ann, Scope.API_WRITE)) as client:
        assert (await client.post(f"{BASE}/{app_key}/rotate")).status_code == 403
    async with api.client(await api.key(bob, Scope.APP)) as client:
        assert (await client.post(f"{BASE}/{app_key}/rotate")).status_code == 404
        assert (await client.patch(f"{BASE}/{app_key}", json={"name": "x"})).status_code == 404
