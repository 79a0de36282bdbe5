"""The page for operators: for them alone."""

from __future__ import annotations

import asyncio

from tests.support.api_host import ApiHost
from tests.support.api_mail import deliver
from tests.unit.api.console.conftest import OPERATOR, Visitor
from tests.unit.api.console.test_pages import HOSTILE, assert_private

from mailkeep.model.address import Address
from mailkeep.model.scope import Scope

PAGE = "/console/operator"
SECONDS = 10.0


async def test_for_everybody_else_there_is_no_such_page(ann: Visitor) -> None:
    other = await ann.client.get("/console/mail?page=x")
    for path in (PAGE, f"{PAGE}/domains/example.test", f"{PAGE}/domains/other.test"):
        answer = await ann.client.get(path)
        assert (answer.status_code, answer.text) == (404, other.text)
    assert PAGE not in await ann.page("/console/mail")


async def test_an_address_of_an_operator_that_is_not_proven_opens_nothing(ann: Visitor) -> None:
    asked = await ann.client.post(
        "/api/profile/addresses", json={"address": OPERATOR}, headers=await ann.csrf()
    )
    assert asked.status_code == 200
    assert (await ann.client.get(PAGE)).status_code == 404


async def test_an_operator_sees_queue_domains_users_and_what_nobody_claimed(api: ApiHost) -> None:
    operator = await api.user(OPERATOR)
    await api.store.directory.set_name(operator, HOSTILE)
    await deliver(api, b"Subject: x\r\n\r\nfor nobody\r\n", Address.parse("nobody@example.test"))
    async with api.client() as client:
        await client.post("/oauth/key", json={"key": await api.key(operator, Scope.APP)})
        sent = {"to": ["far@elsewhere.example"], "subject": "x", "textBody": "x"}
        token = (await client.get("/oauth/status")).json()["csrfToken"]
        await client.post("/api/emails", json=sent, headers={"X-CSRF-Token": token})
        answer = await client.get(PAGE)
    assert answer.status_code == 200, answer.text
    assert_private(answer)
    assert "1 waiting, 0 being sent, 0 held" in answer.text
    assert ">far@elsewhere.example</td>" in answer.text
    assert '<a href="/console/operator/domains/example.test">' in answer.text
    assert f">{OPERATOR.lower()}</td>" in answer.text
    assert "<td>nobody@example.test</td><td>1</td><td>26 bytes</td>" in answer.text
    assert "<script>alert" not in answer.text
    assert 'href="/console/operator" aria-current="page"' in answer.text


async def test_dns_is_asked_about_a_domain_that_is_hosted_here(api: ApiHost) -> None:
    async with api.client() as client:
        key = await api.key(await api.user(OPERATOR), Scope.APP)
        await client.post("/oauth/key", json={"key": key})
        answer = await client.get(f"{PAGE}/domains/example.test")
        elsewhere = await client.get(f"{PAGE}/domains/elsewhere.test")
    assert_private(answer)
    assert "<b>Good:</b> Mail for example.test comes here." in answer.text
    assert "example.test publishes no SPF policy" in answer.text
    assert "Add the record: _dmarc.example.test." in answer.text
    assert elsewhere.status_code == 404


async def test_an_operator_holds_releases_and_drops_what_waits_and_locks_a_user_out(
    api: ApiHost, ann: Visitor
) -> None:
    operator = await api.user(OPERATOR)
    async with api.client(await api.key(operator, Scope.APP)) as client:
        sent = {"to": ["far@elsewhere.example"], "subject": "x", "textBody": "x"}
        await client.post("/api/emails", json=sent)
        [entry] = await api.store.queue.entries()
        place = f"/api/operator/queue/{entry.id}"
        assert (await ann.client.post(f"{place}/drop", headers=await ann.csrf())).status_code == 404
        for action, status in (("hold", 204), ("retry", 404), ("release", 204), ("retry", 204), ("x", 404)):
            assert (await client.post(f"{place}/{action}")).status_code == status, action
        assert (await client.post(f"{place}/drop")).status_code == 204
        assert (await client.post(f"{place}/drop")).status_code == 404
        assert await api.store.queue.entries() == []
        users = "/api/operator/users"
        assert (await client.post(f"{users}/{operator}/disable")).status_code == 400
        assert (await client.post(f"{users}/{ann.user_id}/disable")).status_code == 204
        async with asyncio.timeout(SECONDS):  # the feed carries it
            while (await ann.client.get("/api/profile")).status_code != 401:
                await asyncio.sleep(0.02)
        assert (await client.post(f"{users}/{ann.user_id}/enable")).status_code == 204
