"""The API for programs of others: its own scopes, the same mail."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, deliver, keep, plain, writing

from mailkeep.model.scope import Scope

BASE = "/api/external/emails"


async def test_lists_are_those_of_the_mailbox(api: ApiHost) -> None:
    async with await writing(api) as client:
        email_id = await deliver(api, plain("one"))
        await deliver(api, plain("for Bob"), BOB)
        await keep(api, ANN, "Sent", plain("sent"))
        for path, subject in (("", "one"), ("/search?q=HELLO", "one"), ("/sent", "sent")):
            listed = (await client.get(BASE + path)).json()
            assert [item["subject"] for item in listed["items"]] == [subject]
        assert (await client.get(f"{BASE}/{email_id}")).json()["subject"] == "one"
        sent_id = (await client.get(f"{BASE}/sent")).json()["items"][0]["id"]
        assert (await client.get(f"{BASE}/{sent_id}")).status_code == 200


async def test_a_message_is_marked_and_deleted(api: ApiHost) -> None:
    async with await writing(api) as client:
        email_id = await deliver(api, plain("one"))
        marked = await client.patch(f"{BASE}/{email_id}", json={"isRead": True})
        assert (marked.status_code, marked.json()["isRead"]) == (200, True)
        assert (await client.delete(f"{BASE}/{email_id}")).status_code == 204
        assert (await client.delete(f"{BASE}/{email_id}")).status_code == 404


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [(Scope.APP, 403, 403), (Scope.API_READ, 200, 403), (Scope.API_WRITE, 403, 200)],
)
async def test_each_scope_opens_its_own(api: ApiHost, scope: Scope, reads: int, writes: int) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), scope)) as client:
        email_id = await deliver(api, plain("one"))
        for path in ("", "/search", "/sent", f"/{email_id}"):
            assert (await client.get(BASE + path)).status_code == reads
        assert (await client.patch(f"{BASE}/{email_id}", json={})).status_code == writes
        deleted = await client.delete(f"{BASE}/{email_id}")
        assert deleted.status_code == (204 if writes == 200 else writes)


async def test_anothers_message_is_404(api: ApiHost) -> None:
    async with await writing(api) as client:
        await api.user(str(BOB))
        for email_id in (await deliver(api, plain("for Bob"), BOB), uuid4()):
            for method in ("GET", "PATCH", "DELETE"):
                answer = await client.request(method, f"{BASE}/{email_id}", json={"isRead": True})
                assert answer.status_code == 404
