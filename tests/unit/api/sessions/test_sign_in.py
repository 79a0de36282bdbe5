"""A browser signed in as a user of ours: what its cookie opens, what it does not, and when it ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.oidc.served import ServedIssuer
from tests.unit.api.sessions.conftest import Browser

from mailkeep.auth import KeyService
from mailkeep.model.scope import Scope

ANN = "ann@example.test"
STEP_SECONDS = 0.05


async def sign_in(browser: Browser, **claims: Any) -> httpx2.Response:
    """By the OIDC issuer whose tokens the API takes."""
    asked = await browser.sent_away("oidc")
    token = browser.issuer.token(email=ANN, scope="api:read api:write", **claims)
    browser.issuer.codes["c"] = {"access_token": token, "token_type": "Bearer", "expires_in": 600}
    browser.issuer.people[token] = {"email": ANN, "email_verified": True}
    return await browser.comes_back(state=asked["state"], code="c")


async def until_signed_out(browser: Browser) -> None:
    for _ in range(200):
        if not (await browser.status())["authenticated"]:
            return
        await asyncio.sleep(STEP_SECONDS)
    raise AssertionError("the session did not end")


async def test_the_session_opens_the_api_as_the_token_s_user(browser: Browser) -> None:
    assert (await sign_in(browser)).status_code == 303
    assert (await browser.status())["address"] == ANN
    assert (await browser.client.get("/api/profile")).json()["email"] == ANN


async def test_a_token_that_opens_nothing_here_signs_nobody_in(browser: Browser) -> None:
    answer = await sign_in(browser, aud="somebody-else")
    assert answer.status_code == 400
    assert (await browser.client.get("/api/profile")).status_code == 401


async def test_an_issuer_that_answers_for_another_is_refused(browser: Browser) -> None:  # RFC 9207
    asked = await browser.sent_away("oidc")
    answer = await browser.comes_back(state=asked["state"], code="c", iss="https://other.example")
    assert answer.status_code == 400


async def test_a_write_needs_the_csrf_token(browser: Browser) -> None:
    await sign_in(browser)
    token = str((await browser.status())["csrfToken"])
    change = {"displayName": "Ann"}
    for headers in ({}, {"X-CSRF-Token": "wrong"}):
        refused = await browser.client.put("/api/profile", json=change, headers=headers)
        assert refused.status_code == 403
    taken = await browser.client.put("/api/profile", json=change, headers={"X-CSRF-Token": token})
    assert taken.status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_write_of_another_site_is_refused_even_with_the_token(
    browser: Browser, headers: dict[str, str]
) -> None:
    await sign_in(browser)
    token = str((await browser.status())["csrfToken"])
    answer = await browser.client.put("/api/profile", json={}, headers={"X-CSRF-Token": token, **headers})
    assert answer.status_code == 403


async def test_an_authorization_header_counts_and_not_the_cookie(browser: Browser) -> None:
    await sign_in(browser)
    answer = await browser.client.get("/api/profile", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401


async def test_invented_and_missing_sessions_look_the_same(browser: Browser, other_browser: Browser) -> None:
    other_browser.client.cookies.set("email_session", "A" * 43)
    answers = [await one.client.get("/oauth/status") for one in (browser, other_browser)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["authenticated"] is False
    closed = [await one.client.post("/oauth/logout") for one in (browser, other_browser)]
    assert [answer.status_code for answer in closed] == [204, 204]


async def test_signing_out_ends_the_session_here_and_now(browser: Browser, other_browser: Browser) -> None:
    await sign_in(browser)
    other_browser.client.cookies.set("email_session", browser.client.cookies["email_session"])
    assert (await browser.client.post("/oauth/logout")).status_code == 403
    token = str((await browser.status())["csrfToken"])
    gone = await browser.client.post("/oauth/logout", headers={"X-CSRF-Token": token})
    assert gone.status_code == 204
    assert "email_session" not in browser.client.cookies
    assert (await other_browser.client.get("/api/profile")).status_code == 401


async def test_the_session_ends_with_its_token(browser: Browser) -> None:
    await browser.connect(expires_in=1)
    assert (await browser.status())["authenticated"] is True
    await until_signed_out(browser)


async def test_a_key_signs_in_and_takes_its_session_along_when_revoked(
    browser: Browser, api: ApiHost
) -> None:
    user = await api.user(ANN)
    keys = KeyService(api.store, api.settings.auth)
    created = await keys.create(user, "browser", frozenset({Scope.APP}), (), None)
    answer = await browser.client.post("/oauth/key", json={"key": created.api_key})
    assert answer.json()["address"] == ANN
    assert created.api_key not in answer.text
    await keys.revoke(created.key.id)
    await until_signed_out(browser)


@pytest.mark.parametrize("scopes", [{Scope.IMAP}, {Scope.INTERNAL}])
async def test_a_key_that_opens_no_mailbox_of_the_api_signs_nobody_in(
    browser: Browser, api: ApiHost, scopes: set[Scope]
) -> None:
    user = None if Scope.INTERNAL in scopes else await api.user(ANN)
    answer = await browser.client.post("/oauth/key", json={"key": await api.key(user, *scopes)})
    assert answer.status_code == 401
    assert "email_session" not in browser.client.cookies


async def test_what_was_connected_stays_when_its_browser_signs_in(browser: Browser) -> None:
    await browser.connect()
    await sign_in(browser)
    status = await browser.status()
    assert status["address"] == ANN
    assert [one["provider"] for one in status["connections"]] == ["gmail"]  # type: ignore[attr-defined]


async def test_what_one_user_connected_is_not_the_next_one_s(browser: Browser, api: ApiHost) -> None:
    await sign_in(browser)
    await browser.connect()
    bob = await api.key(await api.user("bob@example.test"), Scope.APP)
    await browser.client.post("/oauth/key", json={"key": bob})
    status = await browser.status()
    assert (status["address"], status["connections"]) == ("bob@example.test", [])


async def test_a_connected_account_is_let_go_of(browser: Browser) -> None:
    await sign_in(browser)
    await browser.connect()
    token = str((await browser.status())["csrfToken"])
    gone = await browser.client.post("/oauth/disconnect?provider=gmail", headers={"X-CSRF-Token": token})
    assert gone.status_code == 204
    status = await browser.status()
    assert (status["address"], status["connections"]) == (ANN, [])


async def test_providers_are_named_for_whoever_has_not_signed_in(
    browser: Browser, issuer: ServedIssuer
) -> None:
    assert (await browser.status())["providers"] == ["gmail", "outlook", "oidc"]


async def listed(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await browser.client.get("/oauth/sessions")).json()
    return found


async def test_a_browser_lists_the_others_of_its_user_and_ends_one(
    browser: Browser, other_browser: Browser
) -> None:
    other_browser.client.headers["User-Agent"] = "Elsewhere/1"
    await sign_in(browser)
    await sign_in(other_browser)
    other, own = await listed(browser)
    assert (other["agent"], other["network"], other["isThisOne"]) == ("Elsewhere/1", "127.0.0.1", False)
    assert (own["isThisOne"], own["byKey"]) == (True, False)
    refused = await browser.client.delete(f"/oauth/sessions/{other['id']}")
    assert refused.status_code == 403  # no CSRF token
    headers = {"X-CSRF-Token": str((await browser.status())["csrfToken"])}
    for _ in range(2):
        ended = await browser.client.delete(f"/oauth/sessions/{other['id']}", headers=headers)
        assert ended.status_code == 204
    assert not (await other_browser.status())["authenticated"]
    assert [one["id"] for one in await listed(browser)] == [own["id"]]
    assert await listed(other_browser) == []


async def test_nobody_ends_a_session_of_somebody_else(
    api: ApiHost, browser: Browser, other_browser: Browser
) -> None:
    await sign_in(browser)
    [own] = await listed(browser)
    key = await api.key(await api.user("bob@example.test"), Scope.APP)
    await other_browser.client.post("/oauth/key", json={"key": key})
    headers = {"X-CSRF-Token": str((await other_browser.status())["csrfToken"])}
    asked = await other_browser.client.delete(f"/oauth/sessions/{own['id']}", headers=headers)
    assert asked.status_code == 204
    assert (await browser.status())["authenticated"]


async def test_signing_out_everywhere_ends_browsers_and_tokens_but_no_key(
    api: ApiHost, browser: Browser, other_browser: Browser
) -> None:
    token = browser.issuer.token(email=ANN, scope="api:read api:write", iat=int(time.time()) - 5)
    async with api.client(token) as client:
        user_id = UUID((await client.get("/api/profile")).json()["id"])
        key = await api.key(user_id, Scope.API_READ, Scope.API_WRITE)
        await other_browser.client.post("/oauth/key", json={"key": key})
        await sign_in(browser)
        headers = {"X-CSRF-Token": str((await browser.status())["csrfToken"])}
        answer = await browser.client.post("/api/profile/sign-out", headers=headers)
        assert answer.status_code == 204, answer.text
        assert not (await browser.status())["authenticated"]
        assert not (await other_browser.status())["authenticated"]
        assert (await client.get("/api/profile")).status_code == 401
    async with api.client(key) as client:
        assert (await client.get("/api/profile")).status_code == 200
