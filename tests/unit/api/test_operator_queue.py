"""The queue in JSON: for operators, and for nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.model.scope import Scope
from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store

OPERATOR = "ops@example.test"
QUEUE = "/api/operator/queue"


def _with_operator(settings: Settings) -> Settings:
    return replace(settings, api=replace(settings.api, operators=(OPERATOR,)))


@pytest.fixture
async def api(store: Store, store_settings: StoreSettings) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings, changed=_with_operator) as host:
        yield host


async def test_an_operator_pages_through_what_waits(api: ApiHost) -> None:
    user = await api.user(OPERATOR)
    async with api.client(await api.key(user, Scope.API_READ, Scope.API_WRITE)) as client:
        message = {
            "to": ["a@far.example", "b@far.example", "c@other.example"],
            "subject": "x",
            "textBody": "x",
        }
        assert (await client.post("/api/emails", json=message)).status_code == 202
        first = (await client.get(QUEUE, params={"limit": 2})).json()
        rest = (await client.get(QUEUE, params={"limit": 2, "after": first["next"]})).json()
        far = (await client.get(QUEUE, params={"domain": "far.example"})).json()
        held = (await client.get(QUEUE, params={"held": True})).json()
    told = [one["recipient"] for one in first["items"] + rest["items"]]
    assert sorted(told) == message["to"]
    assert (first["waiting"], first["held"], rest["next"]) == (3, 0, None)
    assert {one["recipient"] for one in far["items"]} == set(message["to"][:2])
    assert (held["items"], held["waiting"]) == ([], 3)
    assert first["items"][0]["sender"] == OPERATOR
    assert first["items"][0]["state"] == "waiting"


async def test_for_everybody_else_there_is_no_queue(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user("ann@example.test"), Scope.APP)) as client:
        answer = await client.get(QUEUE)
    assert answer.status_code == 404
    async with api.client() as client:
        assert (await client.get(QUEUE)).status_code == 401


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"after": "x" * 101}, {"domain": "x" * 321}])
async def test_questions_out_of_bounds(api: ApiHost, query: dict[str, str]) -> None:
    async with api.client(await api.key(await api.user(OPERATOR), Scope.API_READ)) as client:
        assert (await client.get(QUEUE, params=query)).status_code == 400
