"""What holds of every page of the console: whom it is for, and what its browser may do with it."""

from __future__ import annotations

import asyncio
import re

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.unit.api.console.conftest import Visitor

from mailkeep.model.scope import Scope
from mailkeep_api.console import words
from mailkeep_api.console.pages import CONTENT_SECURITY_POLICY

PAGES = tuple(path for path, _ in words.PAGES)
INLINE = re.compile(r"<style|\sstyle=|\son\w+=|javascript:|<script(?! type=.module. src=./console/assets/)")
ELSEWHERE = re.compile(r"(src|href)=\"(?!/\w|/\"|#)")
HOSTILE = "\"><script>alert(1)</script>' onload='x"


def assert_private(answer: httpx2.Response) -> None:
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")


@pytest.mark.parametrize("path", PAGES)
async def test_whoever_is_not_signed_in_is_sent_to_sign_in(stranger: httpx2.AsyncClient, path: str) -> None:
    stranger.cookies.set("email_session", "invented")
    answer = await stranger.get(path + "?q=a b")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in?return_to=%2Fconsole%2F")
    assert answer.content == b""
    assert_private(answer)


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_private_and_has_nothing_inline(ann: Visitor, path: str) -> None:
    answer = await ann.client.get(path)
    assert answer.status_code == 200, answer.text
    assert_private(answer)
    assert not re.search(
        r"<style|\sstyle=|\son\w+=|javascript:|<script(?! type=\"module\" src=\"/console/)", answer.text
    )
    assert not re.search(r"(src|href)=\"(?!/|#)", answer.text)
    assert "ann@example.test" in answer.text


async def test_the_sign_in_page_offers_what_signs_in_and_a_key(stranger: httpx2.AsyncClient) -> None:
    answer = await stranger.get("/console/sign-in?return_to=/console/accounts")
    assert_private(answer)
    assert 'href="/oauth/authorize?provider=work_place&amp;return_to=%2Fconsole%2Faccounts"' in answer.text
    assert "Sign in with work place" in answer.text
    assert "provider=gmail" not in answer.text
    assert 'data-then="/console/accounts"' in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
async def test_nobody_is_sent_elsewhere_after_signing_in(
    stranger: httpx2.AsyncClient, elsewhere: str
) -> None:
    answer = await stranger.get("/console/sign-in", params={"return_to": elsewhere})
    assert 'data-then="/"' in answer.text
    assert "evil" not in answer.text


async def test_a_key_that_may_not_read_sees_a_refusal(api: ApiHost, stranger: httpx2.AsyncClient) -> None:
    key = await api.key(await api.user("bob@example.test"), Scope.API_WRITE)
    await stranger.post("/oauth/key", json={"key": key})
    answer = await stranger.get("/console/keys")
    assert answer.status_code == 403
    assert_private(answer)
    assert "api:read or app" in answer.text


async def test_within_a_second_a_revoked_key_shows_nothing_more(api: ApiHost, ann: Visitor) -> None:
    [key] = (await ann.client.get("/api/smtp-credentials")).json()["keys"]
    await ann.client.delete(f"/api/smtp-credentials/{key['id']}", headers=await ann.csrf())
    async with asyncio.timeout(20):
        while (await ann.client.get("/console/accounts")).status_code != 303:
            await asyncio.sleep(0.05)


async def test_the_assets_are_served_with_their_types_and_tags(stranger: httpx2.AsyncClient) -> None:
    for name, kind in (("console.js", "text/javascript"), ("console.css", "text/css")):
        answer = await stranger.get(f"/console/assets/{name}")
        assert answer.headers["content-type"].startswith(kind)
        again = await stranger.get(
            f"/console/assets/{name}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2Fpages.py", "pages.py", "%2e%2e", "no-such-asset"])
async def test_nothing_else_is_an_asset(stranger: httpx2.AsyncClient, name: str) -> None:
    assert (await stranger.get(f"/console/assets/{name}")).status_code == 404
