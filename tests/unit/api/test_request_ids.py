"""Every answer names its request, by the caller's name where that is fit to be logged."""

from __future__ import annotations

import asyncio
import re

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope

OURS = re.compile("[0-9a-f]{12}")


@pytest.mark.parametrize("given", ["a", "req-1.2_3:4", "0" * 64, "5f1c9b0e-7c9f-4d0c-9f6e-1f2a3b4c5d6e"])
async def test_a_name_that_can_be_used_comes_back(api: ApiHost, given: str) -> None:
    async with api.client() as client:
        answer = await client.get("/health", headers={"X-Request-Id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "0" * 65, "two words", "a;b", 'quote"', "caf\u00e9", "a/b"])
async def test_any_other_is_replaced(api: ApiHost, given: str) -> None:
    async with api.client() as client:
        answer = await client.get("/health", headers={"X-Request-Id": given.encode()})
    assert OURS.fullmatch(answer.headers["x-request-id"])


async def test_two_names_are_none(api: ApiHost) -> None:
    async with api.client() as client:
        answer = await client.get("/health", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert OURS.fullmatch(answer.headers["x-request-id"])


async def test_refusals_have_one_too_and_the_audit_log_keeps_it(api: ApiHost) -> None:
    key = await api.key(await api.user("alice@example.test"), Scope.IMAP)
    async with api.client(key) as client:
        refused = await client.get("/api/emails", headers={"X-Request-Id": "look-for-me"})
        missing = await client.get("/nowhere")
    assert (refused.status_code, refused.headers["x-request-id"]) == (401, "look-for-me")
    assert (missing.status_code, len(missing.headers["x-request-id"])) == (404, 12)
    async with api.client(key) as client:
        await client.get("/api/emails")
    rows = []
    for _ in range(100):
        rows = await api.store.audit.list(10)
        if rows:
            break
        await asyncio.sleep(0.05)
    assert "look-for-me" in {row.session for row in rows}
