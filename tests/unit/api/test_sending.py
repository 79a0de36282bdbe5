"""Sending over HTTP: as oneself, to whoever may be written to, by the way of every submitted message."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import dkim as dkimpy
import httpx2
import pytest
from tests.support.api_host import ApiHost, running_api
from tests.support.api_mail import ANN, BOB, RICH, deliver, plain, reading, writing

from mailkeep.auth import KeyService
from mailkeep.delivery.dkim_keys import DkimKeyFiles
from mailkeep.model.scope import Scope
from mailkeep.settings import AuthSettings, Settings, StoreSettings
from mailkeep.settings_relay import RelaySettings
from mailkeep.storage.interface import Store
from mailkeep.upstream.config import AccountConfig
from mailkeep_api import limits

PATH = "/api/emails"
FAR = "far@elsewhere.test"


def relaying(settings: Settings) -> Settings:
    return replace(settings, relay=RelaySettings(route="direct"))


@pytest.fixture
async def sender(store: Store, store_settings: StoreSettings) -> AsyncIterator[ApiHost]:
    async with running_api(store, store_settings, changed=relaying) as host:
        yield host


async def opened(client: httpx2.AsyncClient, subject: str) -> dict[str, Any]:
    """The newest message, which has this subject."""
    item = (await client.get(PATH)).json()["items"][0]
    assert item["subject"] == subject
    found: dict[str, Any] = (await client.get(f"{PATH}/{item['id']}")).json()
    return found


async def test_a_message_goes_here_there_and_into_sent(sender: ApiHost) -> None:
    async with await writing(sender) as ann, await reading(sender, BOB) as bob:
        new = {
            "to": [f"Bob B\u00e4r <{BOB}>"],
            "cc": [FAR],
            "bcc": ["hidden@elsewhere.test"],
            "subject": "Gr\u00fc\u00dfe",
            "textBody": "Hello.",
            "htmlBody": "<p>Hello.</p>",
            "attachments": [
                {
                    "fileName": "a.txt",
                    "contentType": "text/plain",
                    "content": base64.b64encode(b"abc").decode(),
                }
            ],
        }
        answer = await ann.post(PATH, json=new)
        assert answer.status_code == 202
        sent = answer.json()
        assert (sent["delivered"], sorted(sent["queued"])) == ([str(BOB)], [FAR, "hidden@elsewhere.test"])
        got = await opened(bob, "Gr\u00fc\u00dfe")
        assert (got["textBody"].strip(), got["htmlBody"].strip()) == ("Hello.", "<p>Hello.</p>")
        assert (got["fromAddress"], got["messageId"]) == (str(ANN), sent["messageId"])
        assert [(to["address"], to["type"]) for to in got["recipients"]] == [(str(BOB), "To"), (FAR, "Cc")]
        assert [file["fileName"] for file in got["attachments"]] == ["a.txt"]
        octets = (await bob.get(f"{PATH}/{got['id']}/export/eml")).content
        assert b"hidden" not in octets
        (copy,) = (await ann.get(f"{PATH}/sent")).json()["items"]
        assert (copy["id"], copy["isRead"]) == (sent["id"], True)
    queued = await sender.store.queue.entries()
    assert {(entry.sender, entry.recipient) for entry in queued} == {
        (str(ANN), FAR),
        (str(ANN), "hidden@elsewhere.test"),
    }


async def test_the_keys_of_the_authors_domain_sign_it(sender: ApiHost) -> None:
    files = DkimKeyFiles(sender.settings.dkim.keys_directory(sender.settings.store.data_dir))
    key = files.add("example.test", "one", "rsa")
    async with await writing(sender) as ann:
        new = {"to": [str(ANN)], "subject": "signed", "textBody": "Hello."}
        sent = (await ann.post(PATH, json=new)).json()
        octets = (await ann.get(f"{PATH}/{sent['id']}/export/eml")).content
    at = octets.index(b"DKIM-Signature:")  # what stands above it is the trace of the delivery
    verified = dkimpy.verify(octets[at:], dnsfunc=lambda *_, **__: key.value.encode())
    assert verified


async def test_an_answer_joins_the_thread_and_marks_what_it_answers(sender: ApiHost) -> None:
    async with await writing(sender) as ann:
        question = await deliver(sender, plain("question"))
        new = {"to": [str(BOB)], "subject": "Re: question", "replyToEmailId": str(question)}
        sent = (await ann.post(PATH, json=new)).json()
        thread = (await ann.get(f"{PATH}/threads/{question}")).json()
        assert [one["id"] for one in thread] == [str(question), sent["id"]]
        octets = (await ann.get(f"{PATH}/{sent['id']}/export/eml")).content
        assert b"\r\nIn-Reply-To: <question@t>\r\n" in octets
        (row,) = await sender.store.emails.entries(await account(sender), [question])
        assert "\\Answered" in row.flags.names()


async def test_what_is_forwarded_comes_along_with_its_files(sender: ApiHost) -> None:
    async with await writing(sender) as ann, await reading(sender, BOB) as bob:
        original = await deliver(sender, RICH)
        new = {"to": [str(BOB)], "subject": "Fwd", "textBody": "See.", "forwardEmailId": str(original)}
        assert (await ann.post(PATH, json=new)).status_code == 202
        got = await opened(bob, "Fwd")
        (file,) = got["attachments"]
        assert (file["fileName"], file["contentType"]) == ("x.pdf", "application/pdf")
        content = await bob.get(f"{PATH}/{got['id']}/attachments/{file['id']}")
        assert content.content == b"hello"
        (row,) = await sender.store.emails.entries(await account(sender), [original])
        assert "$Forwarded" in row.flags.names()


async def account(api: ApiHost) -> int:
    user = await api.store.directory.user_by_address(ANN)
    assert user is not None
    return user.account_id


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"to": []}, 400),
        ({"to": ["nobody"]}, 400),
        ({"to": ["a@b.test, c@d.test"]}, 400),
        ({"to": ["group: a@b.test;"]}, 400),
        ({"to": [FAR], "subject": "a\r\nBcc: eve@x.test"}, 400),
        ({"to": [f"a\r\nBcc: eve@x.test <{FAR}>"]}, 400),
        ({"to": [FAR], "from": "eve@example.test"}, 403),
        ({"to": [f"n{number}@x.test" for number in range(201)]}, 400),
        ({"to": [FAR], "attachments": [{"fileName": "x", "content": "not base64!"}]}, 400),
        ({"to": [FAR], "attachments": [{"fileName": "a\nb", "content": ""}]}, 400),
        ({"to": [FAR], "replyToEmailId": str(uuid4())}, 404),
        ({"to": [FAR], "forwardEmailId": "no id"}, 400),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_leaves_nothing(
    sender: ApiHost, body: dict[str, object], status: int
) -> None:
    async with await writing(sender) as client:
        answer = await client.post(PATH, json=body)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert (await client.get(f"{PATH}/sent")).json()["totalCount"] == 0
    assert list(await sender.store.queue.entries()) == []


async def test_where_nothing_is_relayed_only_those_here_are_written_to(
    store: Store, store_settings: StoreSettings
) -> None:
    def closed(settings: Settings) -> Settings:
        return replace(settings, relay=RelaySettings(route="off"))

    async with running_api(store, store_settings, changed=closed) as api, await writing(api) as client:
        assert (await client.post(PATH, json={"to": [FAR]})).status_code == 400
        assert (await client.post(PATH, json={"to": [str(ANN)]})).status_code == 202


async def test_another_of_ones_addresses_may_be_the_sender(sender: ApiHost) -> None:
    async with await writing(sender) as client:
        new = {"from": "Other <ann+tag@example.test>", "to": [str(ANN)], "subject": "me"}
        assert (await client.post(PATH, json=new)).status_code == 202
        assert (await opened(client, "me"))["fromAddress"] == "ann+tag@example.test"


async def test_a_key_that_the_settings_name_sends_as_its_domain(
    store: Store, store_settings: StoreSettings
) -> None:
    """And no other key of the same user."""
    await store.directory.add_domain("example.test")
    user = await store.directory.add_user(ANN)
    keys = KeyService(store, AuthSettings(bcrypt_cost=4))
    named, other = [await keys.create(user.id, "k", frozenset({Scope.API_WRITE})) for _ in range(2)]
    new = {"from": "Shop <orders@example.test>", "to": [str(ANN)], "subject": "order", "textBody": "Thanks."}

    def changed(settings: Settings) -> Settings:
        return replace(settings, smtp=replace(settings.smtp, send_as=(f"{named.id}=example.test",)))

    async with running_api(store, store_settings, changed=changed) as host:
        async with host.client(named.api_key) as client:
            assert (await client.post(PATH, json=new)).status_code == 202
            refused = await client.post(PATH, json={**new, "from": "orders@other.test"})
            assert refused.status_code == 403, refused.text
        async with host.client(other.api_key) as client:
            assert (await client.post(PATH, json=new)).status_code == 403


async def test_who_may_only_read_sends_nothing_and_nobody_is_heard_out(sender: ApiHost) -> None:
    large = b'{"to": ["' + b"x" * (2 * limits.BODY_LIMIT)
    async with await reading(sender) as reader, sender.client() as nobody:
        assert (await reader.post(PATH, json={"to": [FAR]})).status_code == 403
        assert (await nobody.post(PATH, content=large)).status_code == 401


async def test_a_message_has_more_room_than_other_requests_and_a_limit(
    sender: ApiHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await writing(sender) as client:
        file = {"fileName": "x", "content": base64.b64encode(bytes(2 * limits.BODY_LIMIT)).decode()}
        new = {"to": [str(ANN)], "subject": "large", "attachments": [file]}
        assert (await client.post(PATH, json=new)).status_code == 202
        monkeypatch.setitem(limits.LARGER, ("POST", PATH), limits.BODY_LIMIT)
        assert (await client.post(PATH, json=new)).status_code == 413


# --- from an account elsewhere ---------------------------------------------------------------------


async def test_an_account_elsewhere_sends_what_is_from_its_address(sender: ApiHost) -> None:
    """Through the queue, to those here as well; the copy lies here or there, as the account has it."""
    theirs = AccountConfig("ann@theirs.test", smtp="smtp.theirs.test:587")
    async with await writing(sender) as ann:
        user = await sender.store.directory.user_by_address(ANN)
        assert user is not None
        new = {"from": "Ann <ann@theirs.test>", "to": [FAR, str(BOB)], "subject": "hi", "textBody": "x"}
        assert (await ann.post(PATH, json=new)).status_code == 403
        record = await sender.store.upstreams.add(user.id, "work", theirs.to_json())
        sent = (await ann.post(PATH, json=new)).json()
        assert (sent["delivered"], sorted(sent["queued"])) == ([], sorted([FAR, str(BOB)]))
        assert (await ann.get(f"{PATH}/sent")).json()["items"][0]["id"] == sent["id"]
        entries = await sender.store.queue.entries()
        assert {(one.route, one.sender) for one in entries} == {(str(record.id), "ann@theirs.test")}
        assert sent["messageId"].strip("<>") == f"{entries[0].message_id}@theirs.test"
        await sender.store.upstreams.remove(record.id)
        there = replace(theirs, sent_copy="there")
        await sender.store.upstreams.add(user.id, "work", there.to_json())
        assert (await ann.post(PATH, json=new)).json()["id"] is None
    async with await writing(sender, BOB) as bob:  # somebody else's account is nobody's way out
        assert (await bob.post(PATH, json=new)).status_code == 403


async def test_a_message_is_forwarded_whole_if_asked(sender: ApiHost) -> None:
    async with await writing(sender) as ann:
        id = str(await deliver(sender, RICH))
        octets = (await ann.get(f"{PATH}/{id}/export/eml")).content
        new = {
            "to": [str(ANN)],
            "subject": "Fwd",
            "textBody": "x",
            "forwardEmailId": id,
            "forwardAs": "message",
        }
        assert (await ann.post(PATH, json=new)).status_code == 202
        found = await opened(ann, "Fwd")
        came = (await ann.get(f"{PATH}/{found['id']}/export/eml")).content
    assert octets.rstrip(b"\r\n") in came
    assert b"Content-Type: message/rfc822" in came
