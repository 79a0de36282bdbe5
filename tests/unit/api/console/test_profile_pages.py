"""Name, addresses and sign-ins, as their owner sees them."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.api_host import ApiHost
from tests.unit.api.console.conftest import Visitor
from tests.unit.api.console.test_pages import HOSTILE

from mailkeep.auth import KeyService
from mailkeep.model.scope import Scope
from mailkeep.storage.interface import AuditRecord


async def attempt(api: ApiHost, ann: Visitor, reason: str = "") -> str:
    """A login with a key of Ann's, from where she never was; returns the key's id."""
    service = KeyService(api.store, api.settings.auth)
    key = await service.create(ann.user_id, HOSTILE, frozenset({Scope.IMAP}), (), None)
    row = AuditRecord(
        at=datetime.now(UTC),
        host="imap",
        mechanism="PLAIN",
        address="ann@example.test",
        network="198.51.100.7",
        outcome="failure" if reason else "success",
        reason=reason,
        user_id=ann.user_id,
        key_id=key.id,
    )
    await api.store.audit.add([row])
    return str(key.id)


async def test_an_address_waits_for_its_code(ann: Visitor) -> None:
    await ann.client.post(
        "/api/profile/addresses", json={"address": "ann@other.test"}, headers=await ann.csrf()
    )
    shown = await ann.page("/console/addresses")
    assert "ann@other.test</h2>" in shown
    assert "Waits for the code" in shown
    assert 'data-form="verify"' in shown


async def test_a_hostile_name_stays_text(ann: Visitor) -> None:
    await ann.client.put("/api/profile", json={"displayName": HOSTILE}, headers=await ann.csrf())
    shown = await ann.page("/console/addresses")
    assert "<script>alert" not in shown
    assert 'value="&#34;&gt;&lt;script&gt;' in shown


async def test_whoever_was_not_oneself_is_shut_out(api: ApiHost, ann: Visitor) -> None:
    key_id = await attempt(api, ann)
    shown = await ann.page("/console/sign-ins")
    assert "imap from 198.51.100.7" in shown
    assert f'data-ask="DELETE /api/smtp-credentials/{key_id}"' in shown
    assert "<script>alert" not in shown
    await ann.client.delete(f"/api/smtp-credentials/{key_id}", headers=await ann.csrf())
    shown = await ann.page("/console/sign-ins")
    assert f"/api/smtp-credentials/{key_id}" not in shown
    assert "This key does not work any more." in shown


async def test_a_refusal_says_why(api: ApiHost, ann: Visitor) -> None:
    await attempt(api, ann, reason="network_not_allowed")
    assert "refused</strong> (network_not_allowed)" in await ann.page("/console/sign-ins")


async def test_attempts_of_others_are_not_shown(api: ApiHost, ann: Visitor) -> None:
    bob = Visitor(ann.client, await api.user("bob@example.test"))
    await attempt(api, bob)
    assert "198.51.100.7" not in await ann.page("/console/sign-ins")


async def test_browsers_are_listed_and_a_sign_in_by_token_can_be_undone(api: ApiHost, ann: Visitor) -> None:
    async with api.client() as other:
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        key = await api.key(ann.user_id, Scope.APP)
        await other.post("/oauth/key", json={"key": key})
        row = AuditRecord(
            at=datetime.now(UTC),
            host="imap",
            mechanism="XOAUTH2",
            address="ann@example.test",
            network="198.51.100.7",
            outcome="success",
            reason="",
            user_id=ann.user_id,
        )
        await api.store.audit.add([row])
        shown = await ann.page("/console/sign-ins")
        assert "Firefox on Linux</h3>" in shown
        assert shown.count("(this one)") == 1
        assert shown.count("Not me: end all sign-ins") == 1
        await ann.client.post("/api/profile/sign-out", headers=await ann.csrf())
        assert (await ann.client.get("/console/sign-ins")).status_code == 303
        await ann.client.post("/oauth/key", json={"key": key})
        assert "Not me: end all" not in await ann.page("/console/sign-ins")
