"""The API host among the others: mail that SMTP took is listed, and heard of, once, late if need be."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable

import httpx2
from tests.support.clients import deliver, imap, message, pop3
from tests.support.event_stream import Events, heard, listening
from tests.support.hosts import MailkeepUp, Person

from mailkeep.model.scope import Scope

Make = Callable[..., MailkeepUp]


def client(up: MailkeepUp, key: str, scheme: str = "Bearer") -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=up.api_url, headers={"Authorization": f"{scheme} {key}"}, timeout=30, trust_env=False
    )


async def test_delivered_mail_is_listed_and_opened(mailkeep: MailkeepUp, person: Person) -> None:
    deliver(mailkeep, person.address, message(person.address, "to be listed"))
    async with client(mailkeep, person.api_key, "ApiKey") as api:
        listed = (await api.get("/api/emails")).json()
        (item,) = listed["items"]
        opened = (await api.get(f"/api/emails/{item['id']}")).json()
    assert (item["subject"], item["fromAddress"]) == ("to be listed", "bob@remote.example")
    assert opened["textBody"].strip() == "Hello."
    assert [to["address"] for to in opened["recipients"]] == [person.address]


async def test_a_listener_hears_of_mail_that_smtp_took(mailkeep: MailkeepUp, person: Person) -> None:
    async with client(mailkeep, person.api_key) as api, listening(api) as events:
        for subject in ("first", "second"):
            deliver(mailkeep, person.address, message(person.address, subject))
            event, count = await heard(events), await heard(events)
            assert (event["event"], count["event"]) == ("NewEmail", "UnreadCountChanged")
            assert f'"subject":"{subject}"' in event["data"]


async def test_mail_is_found_exported_marked_and_deleted(mailkeep: MailkeepUp, person: Person) -> None:
    octets = message(person.address, "to be exported", "A needle.\r\nFrom here on.\r\n")
    deliver(mailkeep, person.address, octets)
    async with client(mailkeep, person.api_key) as api:
        (item,) = (await api.get("/api/emails/search", params={"q": "NEEDLE"})).json()["items"]
        path = f"/api/emails/{item['id']}"
        assert (await api.get(f"{path}/export/eml")).content.endswith(octets)
        assert b"\n>From here on.\n" in (await api.get("/api/emails/export/mbox")).content
        assert (await api.patch(path, json={"isRead": True})).json()["isRead"] is True
        with imap(mailkeep, person) as session:
            session.select("INBOX")
            assert session.search(None, "UNSEEN")[1] == [b""]
            assert (await api.delete(path)).status_code == 204
            assert session.noop()[0] == "OK"
            assert session.search(None, "ALL")[1] == [b""]


async def test_what_imap_and_pop3_clients_do_is_heard(mailkeep: MailkeepUp, person: Person) -> None:
    async with client(mailkeep, person.api_key) as api, listening(api) as events:
        deliver(mailkeep, person.address, message(person.address, "to be tagged"))
        email_id = json.loads((await _news(events))["data"])["id"]
        label = (await api.post("/api/labels", json={"name": "Work", "color": "#f00"})).json()
        with imap(mailkeep, person) as session:
            session.select("INBOX")
            assert session.store("1", "+FLAGS", "($label2 \\Seen)")[0] == "OK"
        assert await _heard(events, "EmailUpdated") == {"id": email_id, "isRead": True}
        listed = (await api.get(f"/api/labels/{label['id']}/emails")).json()
        assert [item["id"] for item in listed["items"]] == [email_id]
        with pop3(mailkeep, person) as maildrop:
            maildrop.dele(1)
        assert await _heard(events, "EmailDeleted") == email_id


async def _heard(events: Events, name: str) -> object:
    """The data of the next event of that name; counts may come before it."""
    while (event := await heard(events))["event"] != name:
        assert event["event"] == "UnreadCountChanged"
    return json.loads(event["data"])


async def test_while_the_api_is_down_news_wait_and_none_is_lost_or_doubled(own_mailkeep: Make) -> None:
    up = own_mailkeep()
    up.start()
    person = up.add_person()
    (api_pid,) = up.pids("api")
    os.kill(api_pid, signal.SIGSTOP)  # down, as the other hosts see it: connections hang
    for number in range(5):
        deliver(up, person.address, message(person.address, f"late {number}"))
    os.kill(api_pid, signal.SIGKILL)
    up.wait_for_log("api")
    subjects = await _subjects_after_restart(up, person)
    assert sorted(subjects) == [f"late {number}" for number in range(5)] + ["the last"]
    up.stop()


async def _subjects_after_restart(up: MailkeepUp, person: Person) -> list[str]:
    """What a listener hears from the restarted host, until a last message that is sent then."""
    async with client(up, person.api_key) as api:
        await _until_up(api)
        async with listening(api) as events:
            deliver(up, person.address, message(person.address, "the last"))
            found = [await _news(events) for _ in range(6)]
    return [event["data"].split('"subject":"')[1].partition('"')[0] for event in found]


async def _news(events: Events) -> dict[str, str]:
    """The next event that is not a count."""
    while (event := await heard(events))["event"] != "NewEmail":
        assert event["event"] == "UnreadCountChanged"
    return event


async def _until_up(api: httpx2.AsyncClient) -> None:
    for _ in range(100):
        try:
            if (await api.get("/health")).status_code == 200:
                return
        except httpx2.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError("the API host did not come back")


async def test_protocol_keys_are_401_and_missing_scopes_403(mailkeep: MailkeepUp) -> None:
    mail_only = mailkeep.add_person("", "example.test", Scope.IMAP, Scope.SMTP)
    write_only = mailkeep.add_person("", "example.test", Scope.API_WRITE)
    async with client(mailkeep, mail_only.api_key) as api:
        assert (await api.get("/api/emails")).status_code == 401
    async with client(mailkeep, write_only.api_key) as api:
        assert (await api.get("/api/emails")).status_code == 403
        assert (await api.get("/api/events")).status_code == 403


async def test_the_hosts_own_key_opens_the_internal_channel_and_no_mailbox(mailkeep: MailkeepUp) -> None:
    body = {
        "userIds": [],
        "email": {
            "id": "9b1f1e0a-7a52-4c79-9a3f-0f3e0a1b2c3d",
            "from": "a@b",
            "receivedAt": "2026-01-01T00:00:00Z",
        },
    }
    async with client(mailkeep, mailkeep.internal_key) as api:
        assert (await api.post("/api/internal/notifications/new-email", json=body)).status_code == 200
        assert (await api.get("/api/emails")).status_code == 403


async def test_a_revoked_key_ends_its_stream(mailkeep: MailkeepUp, person: Person) -> None:
    created = mailkeep.cli("keys", "create", person.address, "--scope", "api:read")
    async with client(mailkeep, created["api_key"]) as api, listening(api) as events:
        mailkeep.cli("keys", "revoke", created["id"])
        assert [event async for event in events] == []
        assert (await api.get("/api/emails")).status_code == 401
