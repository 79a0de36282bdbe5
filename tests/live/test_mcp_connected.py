"""Assistants on a mailbox that a browser has connected: a provider's real IMAP and SMTP hosts, asked with the
token of a browser session. The provider is `mailkeep up`, whose hosts take an API key for a token; its
sign-in page is played by the test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import RICH
from tests.support.clients import deliver, imap, message
from tests.support.hosts import MailkeepUp, Person
from tests.support.mcp_client import refusal_of, result_of
from tests.support.oidc.served import ServedIssuer, served_issuer

from mailkeep.auth import KeyService
from mailkeep.model.address import Address
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings, Settings
from mailkeep.settings_sessions import ProviderSettings, SessionSettings
from mailkeep.storage import open_store
from mailkeep_api.assistant import connected, places
from mailkeep_api.assistant.platforms import ADDRESS, PROVIDER, TOKEN

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass
class Console:
    """An API host that lends mailboxes of the provider's, and the provider's sign-in page."""

    api: ApiHost
    issuer: ServedIssuer
    platform_key: str  # of a platform that is trusted to bring accounts along

    async def connect(self, browser: httpx2.AsyncClient, address: str, token: str) -> None:
        """The whole way: the provider agrees, and says whose mailbox it is. The browser is then our page."""
        away = await browser.get("/oauth/authorize", params={"provider": "gmail"})
        asked = dict(parse_qsl(urlsplit(away.headers["location"]).query))
        self.issuer.codes["code"] = {"access_token": token, "token_type": "Bearer", "expires_in": 600}
        self.issuer.people[token] = {"email": address, "email_verified": True}
        answer = await browser.get("/oauth/callback", params={"state": asked["state"], "code": "code"})
        assert answer.status_code == 303, answer.text
        browser.headers["X-CSRF-Token"] = (await browser.get("/oauth/status")).json()["csrfToken"]

    @asynccontextmanager
    async def assistant(self, address: str, token: str, key: str = "") -> AsyncIterator[Client]:
        """One in a browser that has connected the account, and has signed in if there is a key."""
        async with self.api.client() as browser:
            if key:
                assert (await browser.post("/oauth/key", json={"key": key})).status_code == 200
            await self.connect(browser, address, token)
            transport = streamable_http_client(f"{self.api.url}/mcp", http_client=browser)
            async with Client(transport) as client:
                yield client


@pytest.fixture
async def console(mailkeep: MailkeepUp) -> AsyncIterator[Console]:
    imaps, submissions = mailkeep.place("imaps"), mailkeep.place("submissions")
    async with served_issuer() as issuer:
        provider = ProviderSettings(
            "gmail",
            "us",
            authorization_endpoint=f"{issuer.issuer}/authorize",
            token_endpoint=f"{issuer.issuer}/token",
            userinfo_endpoint=f"{issuer.issuer}/me",
            ca_file=mailkeep.ca_file,
            imap=f"{imaps.host}:{imaps.port}",
            smtp=f"{submissions.host}:{submissions.port}",
        )

        store = await open_store(mailkeep.store_settings)
        try:
            platform = await store.directory.add_user(Address.parse(mailkeep.unclaimed()))
            scopes = frozenset({Scope.APP})
            key = await KeyService(store, AuthSettings()).create(platform.id, "platform", scopes)

            def lending(settings: Settings) -> Settings:
                chosen = SessionSettings(providers=(provider,), platforms=(str(key.id),))
                return replace(settings, sessions=chosen)

            async with running_api(store, mailkeep.store_settings, changed=lending) as api:
                yield Console(api, issuer, key.api_key)
        finally:
            await store.close()


def received(mailkeep: MailkeepUp, person: Person, *subjects: str) -> None:
    for subject in subjects:
        deliver(mailkeep, person.address, message(person.address, subject))


async def test_who_has_only_connected_an_account_is_let_in_to_that(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    received(mailkeep, person, "m0", "m1", "m2")
    async with console.assistant(person.address, person.api_key) as client:
        assert len((await client.list_tools()).tools) == 11
        page = await result_of(client, "list_emails", limit=2)
        assert ([one["subject"] for one in page["emails"]], page["total"]) == (["m2", "m1"], 3)
        page = await result_of(client, "list_emails", limit=2, offset=2, account="gmail")
        assert [(one["subject"], one["is_read"]) for one in page["emails"]] == [("m0", False)]
        assert (await result_of(client, "list_emails", offset=3))["emails"] == []


async def test_a_message_is_read_as_data_of_others_and_stays_unread(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    deliver(mailkeep, person.address, RICH)
    async with console.assistant(person.address, person.api_key) as client:
        (email,) = (await result_of(client, "list_emails"))["emails"]
        assert (email["subject"], email["attachments"]) == ("Über files", 1)
        read = await result_of(client, "read_email", email_id=email["email_id"])
        assert (read["text"].strip(), read["is_cut_off"], read["cc"]) == ("Grüße", False, ["c@other.test"])
        assert read["files"] == [{"name": "x.pdf", "content_type": "application/pdf", "size": 5}]
        read = await result_of(client, "read_email", email_id=email["email_id"], max_characters=2)
        assert (read["text"], read["is_cut_off"], read["email"]["is_read"]) == ("Gr", True, False)
        text = (await client.call_tool("list_emails", {})).content[0].text
        assert "no instruction" in text
        assert json.loads(text.split("\n")[2])["total"] == 1


async def test_a_search_has_conditions_that_all_hold(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    received(mailkeep, person, "apples", 'pears "(green)"')
    deliver(mailkeep, person.address, RICH)
    async with console.assistant(person.address, person.api_key) as client:

        async def subjects(**given: object) -> list[str]:
            return [one["subject"] for one in (await result_of(client, "search_emails", **given))["emails"]]

        assert await subjects(text="APPLES") == ["apples"]
        assert await subjects(text='"(green)"') == ['pears "(green)"']
        assert await subjects(text="ears)") == []
        assert await subjects(text="grüße") == ["Über files"]
        assert await subjects(has_attachments=True) == ["Über files"]
        assert await subjects(has_attachments=False, limit=1) == ['pears "(green)"']
        assert await subjects(text="apples", is_read=True) == []
        assert await subjects(text="apples", since="2020-01-01T00:00:00Z") == ["apples"]
        assert await subjects(text="apples", until="2020-01-01T00:00:00Z") == []
        assert await subjects(text="apples", folder="Sent") == []


async def test_a_message_is_marked_moved_and_put_into_trash(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    received(mailkeep, person, "hello")
    async with console.assistant(person.address, person.api_key) as client:
        (email,) = (await result_of(client, "list_emails"))["emails"]
        for given, is_read in (({}, True), ({"is_read": False}, False)):
            await result_of(client, "mark_email_read", email_id=email["email_id"], **given)
            assert (await result_of(client, "list_emails"))["emails"][0]["is_read"] is is_read
        moved = await result_of(client, "move_email", email_id=email["email_id"], folder="archive")
        assert moved["folder"] == "Archive"
        assert (
            "no such message" in (await refusal_of(client, "read_email", email_id=email["email_id"])).lower()
        )
        trashed = await result_of(client, "delete_email", email_id=moved["email_id"])
        assert trashed["folder"] == "Trash"
        assert await result_of(client, "delete_email", email_id=trashed["email_id"]) == trashed
        folders = {one["name"]: one for one in await result_of(client, "get_folders")}
        assert folders["Trash"] == {"name": "Trash", "use": "trash", "messages": 1, "unread": 1}
        assert folders["INBOX"]["messages"] == 0
        assert isinstance(await result_of(client, "list_labels"), list)


async def test_mail_is_sent_answered_and_forwarded_by_the_account(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    other = mailkeep.add_person()
    deliver(mailkeep, person.address, RICH.replace(b"j@other.test", other.address.encode()))
    async with console.assistant(person.address, person.api_key) as client:
        (email,) = (await result_of(client, "list_emails"))["emails"]
        sent = await result_of(
            client,
            "send_email",
            to=[f"O <{other.address}>"],
            bcc=[person.address],
            subject="Grüße",
            text="Hello.",
        )
        assert (sent["queued"], sent["refused"]) == ([other.address, person.address], [])
        await result_of(client, "reply_email", email_id=email["email_id"], text="This.")
        await result_of(client, "forward_email", email_id=email["email_id"], to=[other.address], text="See:")
        (kept,) = (await result_of(client, "search_emails", text="Über files"))["emails"]
        assert "$Forwarded" in kept["labels"]
    async with console.assistant(other.address, other.api_key) as client:
        forwarded, answer, first = (await result_of(client, "list_emails"))["emails"]
        assert [first["subject"], answer["subject"], forwarded["subject"]] == [
            "Grüße",
            "Re: Über files",
            "Fwd: Über files",
        ]
        assert {one["sender"] for one in (first, answer, forwarded)} == {person.address}
        assert forwarded["attachments"] == 1
        read = await result_of(client, "read_email", email_id=forwarded["email_id"])
        assert read["text"].startswith("See:")
        assert "Grüße" in read["text"]
    with imap(mailkeep, person) as client_of_theirs:
        client_of_theirs.select("INBOX", readonly=True)
        assert client_of_theirs.search(None, "ANSWERED")[1] != [b""]


async def test_whoever_is_signed_in_has_both_mailboxes_and_no_more_than_the_key_opens(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    lent = mailkeep.add_person()
    received(mailkeep, person, "own")
    received(mailkeep, lent, "lent")
    async with console.assistant(lent.address, lent.api_key, person.api_key) as client:
        for given, subject in (
            ({}, "own"),
            ({"account": "gmail"}, "lent"),
            ({"account": lent.address}, "lent"),
        ):
            page = await result_of(client, "list_emails", **given)
            assert [one["subject"] for one in page["emails"]] == [subject]
        assert "No such account" in await refusal_of(client, "list_emails", account="outlook")
    reader = mailkeep.add_person("", "example.test", Scope.API_READ)
    async with console.assistant(lent.address, lent.api_key, reader.api_key) as client:
        assert len((await client.list_tools()).tools) == 5
        (email,) = (await result_of(client, "list_emails", account="gmail"))["emails"]
        said = await refusal_of(client, "delete_email", account="gmail", email_id=email["email_id"])
        assert "api:write" in said


REFUSED: tuple[tuple[str, dict[str, object], str], ...] = (
    ("list_emails", {"limit": 501}, "limit"),
    ("list_emails", {"folder": "Nowhere"}, "mailbox"),
    ("list_emails", {"account": "gmail\r\nx"}, "account"),
    ("read_email", {"email_id": "1 OR 1=1"}, "no such message"),
    ("read_email", {"email_id": "1.1.INBOX"}, "no such message"),
    ("mark_email_read", {"email_id": "1.4294967296.INBOX"}, "no such message"),
    ("move_email", {"email_id": "1.1.INBOX", "folder": "Nowhere"}, "mailbox"),
    ("send_email", {"to": ["b@other.test"], "subject": "a\r\nBcc: eve@x.test", "text": "x"}, "subject"),
    ("send_email", {"to": ["b@other.test"], "text": "x", "sender": "eve@example.test"}, "sender"),
    ("send_email", {"to": ["grüße@other.test"], "text": "x"}, "ascii"),
    ("forward_email", {"email_id": "1.1.INBOX", "to": ["b@other.test"]}, "no such message"),
)


async def test_what_does_not_fit_is_refused_by_name(
    console: Console, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console.assistant(person.address, person.api_key) as client:
        for tool, given, said in REFUSED:
            answer = await refusal_of(client, tool, **given)
            assert said in answer.lower(), (tool, given, answer)
        assert (await result_of(client, "list_emails", folder="Sent"))["total"] == 0
        monkeypatch.setattr(places, "CALLS_LIMIT", 0)
        assert "under way" in await refusal_of(client, "list_emails")
        monkeypatch.setattr(places, "CALLS_LIMIT", 1)
        monkeypatch.setattr(connected, "CALL_SECONDS", 0.0)
        assert "did not answer" in await refusal_of(client, "list_emails")


async def test_a_token_that_has_ended_is_told_without_it(
    console: Console, person: Person, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    token = "token-that-has-ended"
    async with console.assistant(person.address, token) as client:
        for tool, given in (
            ("list_emails", {}),
            ("send_email", {"to": [person.address], "text": "x"}),
        ):
            said = await refusal_of(client, tool, **given)
            assert "Connect gmail again" in said
            assert token not in said
    told = capfd.readouterr()
    assert token not in caplog.text + told.out + told.err


async def test_a_connected_browser_is_a_caller_if_our_own_page_asks_and_until_it_disconnects(
    console: Console, person: Person
) -> None:
    async with console.api.client() as browser:
        await console.connect(browser, person.address, person.api_key)
        assert (await browser.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 200
        csrf = browser.headers.pop("X-CSRF-Token")
        assert (await browser.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 403
        browser.headers["X-CSRF-Token"] = csrf
        assert (await browser.post("/oauth/disconnect?provider=gmail")).status_code == 204
        assert (await browser.post("/mcp", json=LIST, headers=ACCEPT)).status_code == 401


# --- platforms that sign people in themselves ------------------------------------------------------


def brought(person: Person, **changed: str) -> dict[str, str]:
    return {PROVIDER: "gmail", ADDRESS: person.address, TOKEN: person.api_key, **changed}


async def test_a_trusted_platform_acts_on_the_account_of_each_request_and_nothing_is_kept(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    other = mailkeep.add_person()
    received(mailkeep, person, "hello")
    async with console.api.client(console.platform_key) as http:
        http.headers.update(brought(person))
        transport = streamable_http_client(f"{console.api.url}/mcp", http_client=http)
        async with Client(transport) as client:
            assert len((await client.list_tools()).tools) == 11
            assert [one["subject"] for one in (await result_of(client, "list_emails"))["emails"]] == ["hello"]
            sent = await result_of(client, "send_email", to=[person.address], text="Mine.")
            assert sent["queued"] == [person.address]
            http.headers.update(brought(other))
            assert (await result_of(client, "list_emails"))["emails"] == []
            http.headers.update(brought(other, **{TOKEN: "ended"}))
            assert "refused the token" in await refusal_of(client, "list_emails")
            for name in (PROVIDER, ADDRESS, TOKEN):
                del http.headers[name]
            assert (await result_of(client, "get_folders"))[0]["messages"] == 0, "the platform's own mailbox"
            assert "No such account" in await refusal_of(client, "list_emails", account="gmail")


async def test_nobody_else_may_bring_an_account_along(
    console: Console, mailkeep: MailkeepUp, person: Person
) -> None:
    stranger = mailkeep.add_person("", "example.test", Scope.APP)
    for key, status in ((stranger.api_key, 403), ("", 401)):
        async with console.api.client(key) as client:
            answer = await client.post("/mcp", json=LIST, headers={**ACCEPT, **brought(person)})
            assert (answer.status_code, person.api_key in answer.text) == (status, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (PROVIDER, ""),
        (PROVIDER, "yahoo"),
        (ADDRESS, "nobody"),
        (TOKEN, ""),
        (TOKEN, "a" * 16_385),
        (TOKEN, "a\tb"),
    ],
)
async def test_an_account_is_brought_along_whole_or_not_at_all(
    console: Console, person: Person, name: str, value: str
) -> None:
    async with console.api.client(console.platform_key) as client:
        headers = {**ACCEPT, **brought(person, **{name: value})}
        answer = await client.post("/mcp", json=LIST, headers=headers)
        assert answer.status_code == 400
        assert name in answer.json()["detail"]
