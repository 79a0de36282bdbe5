"""Keys and accounts, as their owner sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.api_host import ApiHost
from tests.unit.api.console.conftest import Visitor
from tests.unit.api.console.test_pages import HOSTILE

from mailkeep.auth import KeyService
from mailkeep.model.scope import Scope
from mailkeep.upstream.config import AccountConfig
from mailkeep_api.console.pages import page
from mailkeep_api.sessions.browser import Connection, Session


async def test_the_keys_of_the_user_are_listed_without_their_secret(api: ApiHost, ann: Visitor) -> None:
    service = KeyService(api.store, api.settings.auth)
    made = await service.create(ann.user_id, "Laptop", frozenset({Scope.IMAP}), ("192.0.2.0/24",), None)
    other = await service.create(
        await api.user("bob@example.test"), "Of Bob", frozenset({Scope.IMAP}), (), None
    )
    shown = await ann.page("/console/keys")
    assert "Opens imap, from 192.0.2.0/24 only." in shown
    assert f"DELETE /api/smtp-credentials/{made.id}" in shown
    assert made.api_key not in shown
    assert "Of Bob" not in shown
    assert str(other.id) not in shown


async def test_a_hostile_name_of_a_key_stays_text(api: ApiHost, ann: Visitor) -> None:
    await KeyService(api.store, api.settings.auth).create(
        ann.user_id, HOSTILE, frozenset({Scope.IMAP}), (), None
    )
    shown = await ann.page("/console/keys")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


async def test_mail_programs_are_told_this_server_s_listeners(ann: Visitor) -> None:
    shown = await ann.page("/console/keys")
    place = "<td><code>mail.example.test</code></td><td><code>{}</code></td><td>{}</td>"
    imap = "<td>Incoming (IMAP)</td>" + place.format(2993, "SSL/TLS")
    smtp = "<td>Outgoing (SMTP)</td>" + place.format(2587, "or STARTTLS")
    told = shown.partition("Set up a mail program")[2]
    assert imap in told
    assert smtp in told
    for program in ("Thunderbird", "Outlook", "Apple Mail"):
        assert f"<summary>{program}</summary>" in told


async def test_a_key_gives_no_scope_that_its_maker_could_not(api: ApiHost) -> None:
    user_id = await api.user("bob@example.test")
    async with api.client() as client:
        await client.post("/oauth/key", json={"key": await api.key(user_id, Scope.API_READ, Scope.SMTP)})
        form = (await client.get("/console/keys")).text.partition('data-form="new-key"')[2]
    assert 'value="smtp"' in form
    assert 'value="imap"' not in form
    assert 'value="internal"' not in form


async def test_a_key_is_made_by_the_page_s_own_token(ann: Visitor) -> None:
    shown = await ann.page("/console/keys")
    token = shown.partition('name="csrf-token" content="')[2].partition('"')[0]
    wanted = {"name": "Phone", "scopes": ["imap"], "networks": None, "expiresAt": None}
    assert (await ann.client.post("/api/smtp-credentials", json=wanted)).status_code == 403
    made = await ann.client.post("/api/smtp-credentials", json=wanted, headers={"X-CSRF-Token": token})
    assert made.status_code == 200
    assert "Phone" in await ann.page("/console/keys")


async def test_accounts_are_offered(ann: Visitor) -> None:
    shown = await ann.page("/console/accounts")
    assert "/oauth/authorize?provider=gmail&amp;return_to=%2Fconsole%2Faccounts" in shown
    assert "work_place" not in shown  # it signs people in


def test_what_is_left_of_a_connection_is_said_in_whole_minutes() -> None:
    now = datetime.now(UTC)
    ends = {"gmail": timedelta(minutes=12, seconds=5), "outlook": timedelta(seconds=-1)}
    lent = {name: Connection(name, HOSTILE, "token-1", now + left) for name, left in ends.items()}
    session = Session(now + timedelta(hours=1), connections=lent)
    values = {"address": "", "csrf_token": "c", "session": session, "now": now, "offers": [], "upstreams": []}
    shown = bytes(page("accounts.html", **values).body).decode()
    assert "Gmail, connected for another" in shown
    assert "12 minutes" in shown
    assert "Outlook: its time is over." in shown
    assert shown.count("Re-authenticate") == 1
    assert "/oauth/authorize?provider=outlook" in shown
    assert "token-1" not in shown
    assert "<script>alert" not in shown


async def test_an_account_that_needs_a_sign_in_says_so(ann: Visitor, api: ApiHost) -> None:
    assert "Kept in step" not in await ann.page("/console/accounts")
    config = AccountConfig("a@b.test", imap="b.test:993").to_json()
    record = await api.store.upstreams.add(ann.user_id, HOSTILE, config)
    await api.store.upstreams.note(record.id, "needs_sign_in", "The provider wants it.")
    shown = await ann.page("/console/accounts")
    assert "needs a sign-in.</strong> The provider wants it." in shown
    assert "<script>alert" not in shown
