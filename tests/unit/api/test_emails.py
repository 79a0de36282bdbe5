"""The caller's mail as the REST contract shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, NOON, RICH, deliver, plain, reading

from mailkeep.model.flags import Flags, SystemFlag
from mailkeep.model.threads import thread_id


async def page(client: httpx2.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await client.get(f"/api/emails{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_a_list_has_the_contracts_shape(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, plain("one"))
        found = await page(client)
    size = len(plain("one"))
    assert found == {
        "items": [
            {
                "id": str(email_id),
                "messageId": "one@t",
                "fromAddress": "b@other.test",
                "fromDisplayName": "Bob",
                "subject": "one",
                "receivedAt": "2026-03-01T12:00:00Z",
                "sizeBytes": size,
                "isRead": False,
                "labelIds": [],
                "threadId": str(thread_id(email_id, "one@t")),
                "attachmentCount": 0,
                "preview": "Hello.",
            }
        ],
        "totalCount": 1,
        "unreadCount": 1,
        "page": 1,
        "pageSize": 20,
    }


async def test_another_order_if_it_is_asked_for(api: ApiHost) -> None:
    async with await reading(api) as client:
        for minute, subject in enumerate(("b", "c", "a")):
            await deliver(api, plain(subject), at=NOON + timedelta(minutes=minute))
        found = await page(client, "?sort=subject-asc&pageSize=2")
        oldest = await page(client, "?sort=receivedAt-asc")
        wrong = await client.get("/api/emails?sort=size")
    assert [item["subject"] for item in found["items"]] == ["a", "b"]
    assert (found["totalCount"], found["unreadCount"], found["pageSize"]) == (3, 3, 2)
    assert [item["subject"] for item in oldest["items"]] == ["b", "c", "a"]
    assert (wrong.status_code, list(wrong.json()["errors"])) == (400, ["query.sort"])


async def test_newest_first_in_pages(api: ApiHost) -> None:
    async with await reading(api) as client:
        for number in range(5):
            await deliver(api, plain(f"n{number}"), at=NOON + timedelta(minutes=number))
        first = await page(client, "?pageSize=2")
        third = await page(client, "?page=3&pageSize=2")
        beyond = await page(client, "?page=99999999999999999999&pageSize=2")
    assert [item["subject"] for item in first["items"]] == ["n4", "n3"]
    assert [item["subject"] for item in third["items"]] == ["n0"]
    assert (beyond["items"], beyond["totalCount"]) == ([], 5)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("?page=0", (1, 20)), ("?page=-3&pageSize=0", (1, 20)), ("?pageSize=101", (1, 20))],
)
async def test_numbers_out_of_range_become_the_defaults(
    api: ApiHost, query: str, expected: tuple[int, int]
) -> None:
    async with await reading(api) as client:
        found = await page(client, query)
    assert (found["page"], found["pageSize"]) == expected


async def test_a_query_that_is_no_number_is_400(api: ApiHost) -> None:
    async with await reading(api) as client:
        assert (await client.get("/api/emails?page=x")).status_code == 400


async def test_unread_counts_the_mailbox_and_not_the_page(api: ApiHost) -> None:
    async with await reading(api) as client:
        for number in range(3):
            await deliver(api, plain(f"n{number}"))
        await deliver(api, plain("read"), flags=Flags(SystemFlag.SEEN))
        found = await page(client, "?pageSize=1")
    assert (found["totalCount"], found["unreadCount"]) == (4, 3)


async def test_an_opened_message_shows_text_addressees_and_files(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, RICH)
        found = (await client.get(f"/api/emails/{email_id}")).json()
    assert (found["textBody"].strip(), found["htmlBody"].strip()) == ("Grüße", "<p>Hi</p>")
    assert (found["subject"], found["fromDisplayName"]) == ("Über files", "Jürgen")
    shown = [(to["type"], to["address"], to["displayName"]) for to in found["recipients"]]
    assert shown == [
        ("To", "ann@example.test", "Ann"),
        ("To", "bob@example.test", None),
        ("Cc", "c@other.test", "C, D"),
    ]
    (file,) = found["attachments"]
    assert (file["fileName"], file["contentType"], file["sizeBytes"]) == ("x.pdf", "application/pdf", 5)
    assert found["isRead"] is False


async def test_ids_within_a_message_are_the_same_at_each_opening(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, RICH)
        first = (await client.get(f"/api/emails/{email_id}")).json()
        assert (await client.get(f"/api/emails/{email_id}")).json() == first


async def test_a_large_message_opens(api: ApiHost) -> None:
    body = "A line of the long letter.\r\n" * 100_000
    async with await reading(api) as client:
        email_id = await deliver(api, plain("long", body))
        found = (await client.get(f"/api/emails/{email_id}")).json()
    assert found["textBody"].replace("\r\n", "\n").startswith("A line of the long letter.\n" * 1000)
    assert found["sizeBytes"] > 2_000_000


async def test_anothers_message_and_no_message_look_the_same(api: ApiHost) -> None:
    async with await reading(api) as ann, await reading(api, BOB) as bob:
        email_id = await deliver(api, plain("for Bob"), BOB)
        assert (await bob.get(f"/api/emails/{email_id}")).status_code == 200
        theirs = await ann.get(f"/api/emails/{email_id}")
        nobodys = await ann.get(f"/api/emails/{uuid4()}")
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json() == nobodys.json()


async def test_one_message_to_two_users_is_each_ones_own(api: ApiHost) -> None:
    async with await reading(api) as ann, await reading(api, BOB) as bob:
        await deliver(api, plain("both"), ANN, BOB)
        assert [(await page(client))["totalCount"] for client in (ann, bob)] == [1, 1]


async def test_mail_that_waited_for_its_owner_is_listed_after_the_claim(api: ApiHost) -> None:
    await deliver(api, plain("early"))
    async with await reading(api) as client:
        assert [item["subject"] for item in (await page(client))["items"]] == ["early"]
