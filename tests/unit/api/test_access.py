"""Who gets in: both schemes, every kind of key, and the two refusals (401 and 403)."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope

NOTICE = {
    "userIds": [],
    "email": {
        "id": "7f9c24e8-3b12-4fef-91e0-56a2d0b6b1d7",
        "from": "a@b.test",
        "receivedAt": "2026-01-02T03:04:05Z",
    },
}
NOTIFY = "/api/internal/notifications/new-email"


@pytest.mark.parametrize("scheme", ["Bearer", "ApiKey", "bearer", "APIKEY"])
async def test_a_key_opens_the_api_under_both_schemes(api: ApiHost, scheme: str) -> None:
    key = await api.key(await api.user("ann@example.test"), Scope.API_READ)
    async with api.client(key, scheme) as client:
        assert (await client.get("/api/emails")).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "ApiKey mk_wrong", "Bearer " + "x" * 20000])
async def test_no_credential_or_a_wrong_one_is_401_with_a_challenge(api: ApiHost, header: str) -> None:
    async with api.client() as client:
        answer = await client.get("/api/emails", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 401


@pytest.mark.parametrize("scopes", [{Scope.SMTP}, {Scope.IMAP, Scope.POP3, Scope.SMTP}])
async def test_a_key_made_for_mail_protocols_alone_is_401(api: ApiHost, scopes: set[Scope]) -> None:
    key = await api.key(await api.user("ann@example.test"), *scopes)
    async with api.client(key) as client:
        assert (await client.get("/api/emails")).status_code == 401


async def test_a_key_that_lacks_the_routes_scope_is_403(api: ApiHost) -> None:
    key = await api.key(await api.user("ann@example.test"), Scope.API_WRITE)
    async with api.client(key) as client:
        answer = await client.get("/api/emails")
        assert answer.status_code == 403
        assert "api:read" in answer.json()["detail"]
        assert (await client.post(NOTIFY, json=NOTICE)).status_code == 403


async def test_the_internal_channel_takes_a_service_key_and_a_mailbox_does_not(api: ApiHost) -> None:
    async with api.client(await api.key(None, Scope.INTERNAL)) as client:
        assert (await client.post(NOTIFY, json=NOTICE)).status_code == 200
        assert (await client.get("/api/emails")).status_code == 403


async def test_a_key_of_a_disabled_user_is_401_soon(api: ApiHost) -> None:
    user = await api.user("ann@example.test")
    key = await api.key(user, Scope.API_READ)
    async with api.client(key) as client:
        assert (await client.get("/api/emails")).status_code == 200
        await api.store.directory.set_disabled(user, True)
        async with asyncio.timeout(10):  # the feed tells the host, which has its own connection
            while (await client.get("/api/emails")).status_code != 401:
                await asyncio.sleep(0.01)


async def test_discovery_and_health_are_public_and_name_what_works(api: ApiHost) -> None:
    async with api.client() as client:
        discovery = (await client.get("/api/discovery")).json()
        health = await client.get("/health")
    assert discovery == {
        "version": "1.0.0",
        "apiVersion": "v1",
        "oidcEnabled": False,
        "features": ["smtp", "imap", "api-keys", "labels", "filters", "preferences"],
    }
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/api/nothing", "/api/emails/not-a-uuid", "/nothing"])
async def test_what_is_not_there_is_a_json_problem(api: ApiHost, path: str) -> None:
    key = await api.key(await api.user("ann@example.test"), Scope.API_READ)
    async with api.client(key) as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"userIds": ["x"], "email": {}}',
        b'{"userIds": [], "email": {"id": "7f9c24e8-3b12-4fef-91e0-56a2d0b6b1d7", "from": "a"}}',
    ],
)
async def test_a_malformed_notification_is_400_and_says_where(api: ApiHost, body: bytes) -> None:
    async with api.client(await api.key(None, Scope.INTERNAL)) as client:
        answer = await client.post(NOTIFY, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"]
