"""The audit log over HTTP: one's own part of it, page by page."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost

from mailkeep.model.scope import Scope
from mailkeep.storage.interface import AuditRecord

BASE = "/api/audit"


async def test_one_sees_ones_own_attempts_newest_first(api: ApiHost) -> None:
    ann, bob = await api.user("ann@example.test"), await api.user("bob@example.test")
    soon = datetime.now(UTC) + timedelta(hours=1)  # above what this test's own requests leave
    for number in range(5):
        for user, reason in ((ann, f"hers {number}"), (bob, "his"), (uuid4(), "another's")):
            row = AuditRecord(soon, "imap", "PLAIN", "x@example.test", "192.0.2.1", "failure", reason, user)
            await api.store.audit.add([row])
    async with api.client(await api.key(ann, Scope.API_READ)) as client:
        first = (await client.get(BASE, params={"limit": 2})).json()
        then = (await client.get(BASE, params={"limit": 3, "before": first["next"]})).json()
    assert [one["reason"] for one in first["items"] + then["items"]] == [
        f"hers {n}" for n in range(4, -1, -1)
    ]
    assert set(first["items"][0]) == {
        "id", "at", "host", "mechanism", "address", "network", "outcome", "reason", "keyId",
    }  # fmt: skip


async def test_a_request_is_an_attempt_itself_and_the_last_page_says_so(api: ApiHost) -> None:
    ann = await api.user("ann@example.test")
    async with api.client(await api.key(ann, Scope.API_READ)) as client:
        async with asyncio.timeout(20):
            while not (found := (await client.get(BASE)).json())["items"]:
                await asyncio.sleep(0.2)
    assert found["items"][0]["host"] == "api"
    assert found["items"][0]["outcome"] == "success"
    assert found["next"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "before=0", "before=9223372036854775808", "before=x"]
)
async def test_pages_that_cannot_be(api: ApiHost, query: str) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        assert (await client.get(f"{BASE}?{query}")).status_code == 400


async def test_a_key_for_mail_protocols_sees_nothing(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.IMAP)) as client:
        assert (await client.get(BASE)).status_code == 401


async def test_a_token_too_long_to_be_one_is_an_attempt(api: ApiHost) -> None:
    async with api.client("x" * 20_000) as client:
        assert (await client.get(BASE)).status_code == 401
    async with asyncio.timeout(20):
        while not (rows := await api.store.audit.list(10)):
            await asyncio.sleep(0.1)
    assert (rows[0].host, rows[0].outcome) == ("api", "failure")
