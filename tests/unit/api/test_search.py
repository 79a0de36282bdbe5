"""Search, sent mail and threads as the contract has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, NOON, RICH, deliver, keep, plain, reading

from mailkeep.model.flags import Flags, SystemFlag
from mailkeep_api import searching


async def found(client: httpx2.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/api/emails/{path}", params=query)
    assert answer.status_code == 200, answer.text
    listed: dict[str, Any] = answer.json()
    return listed


async def subjects(client: httpx2.AsyncClient, path: str, **query: Any) -> list[str]:
    return [item["subject"] for item in (await found(client, path, **query))["items"]]


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("grüsse", False),  # RFC 5051: simple mappings alone
        ("GRÜßE", True),  # the text part, decoded from quoted-printable and ISO 8859-1
        ("gru\u0308\u00dfe", True),  # however the diaeresis is written
        ("jÜrgen", True),  # the display name
        ("J@Other", True),
        ("über F", True),  # the subject
        ("<P>hi", True),  # HTML as sent
        ("ann@example.test", False),  # addressees are not searched
        ("aGVsbG8", False),  # nor are files
        ("   ", True),  # blank: no condition
        ("a%b_", False),
    ],
)
async def test_what_the_text_is_compared_with(api: ApiHost, text: str, matches: bool) -> None:
    async with await reading(api) as client:
        await deliver(api, RICH)
        listed = await found(client, "search", q=text)
    assert (len(listed["items"]), listed["totalCount"]) == ((1, 1) if matches else (0, 0))


async def test_conditions_are_joined(api: ApiHost) -> None:
    async with await reading(api) as client:
        for number in range(4):
            flags = Flags(SystemFlag.SEEN) if number % 2 else Flags()
            await deliver(api, plain(f"n{number}", "needle"), at=NOON + timedelta(hours=number), flags=flags)
        await deliver(api, RICH, at=NOON)
        await keep(api, ANN, "Sent", plain("sent", "needle"))
        await deliver(api, plain("theirs", "needle"), BOB)
        assert await subjects(client, "search", q="NEEDLE") == ["n3", "n2", "n1", "n0"]
        assert await subjects(client, "search", q="needle", isRead=True) == ["n3", "n1"]
        assert await subjects(client, "search", hasAttachments=True) == ["Über files"]
        assert await subjects(client, "search", q="n", fromDate="2026-03-01T13:00:00Z") == ["n3", "n2", "n1"]
        later = {"fromDate": "2026-03-01T15:00:00+02:00", "toDate": "2026-03-01T14:00:00"}
        assert await subjects(client, "search", **later) == ["n2", "n1"]
        assert await subjects(
            client, "search", q="needle", isRead="false", toDate="2026-03-01T13:00:00Z"
        ) == ["n0"]
        listed = await found(client, "search", q="needle", page=2, pageSize=3)
    assert [item["subject"] for item in listed["items"]] == ["n0"]
    assert (listed["totalCount"], listed["unreadCount"], listed["page"], listed["pageSize"]) == (4, 4, 2, 3)


async def test_more_than_one_batch_is_searched(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(searching, "THREAD_OCTETS", 200)
    async with await reading(api) as client:
        for number in range(5):
            await deliver(api, plain(f"n{number}", "needle" if number != 2 else "hay"))
        assert await subjects(client, "search", q="needle") == ["n4", "n3", "n1", "n0"]


@pytest.mark.parametrize(
    "query",
    [
        "fromDate=nan",
        "toDate=-inf",
        "fromDate=1e400",
        "isRead=perhaps",
        "fromDate=yesterday",
        "hasAttachments=2",
        "q=" + "x" * 501,
        "page=x",
    ],
)
async def test_what_cannot_be_read_is_400(api: ApiHost, query: str) -> None:
    async with await reading(api) as client:
        assert (await client.get(f"/api/emails/search?{query}")).status_code == 400


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("fromDate=0001-01-01T00:00:00%2B14:00", 1),
        ("toDate=9999-12-31T23:59:59-14:00", 1),
        ("toDate=0001-01-01", 0),
        ("fromDate=2026-03-01T12:00:00.000001Z", 0),
        ("q=%00&fromDate=0001-01-01", 0),
    ],
)
async def test_dates_at_the_edges(api: ApiHost, query: str, count: int) -> None:
    async with await reading(api) as client:
        await deliver(api, plain("one"))
        answer = await client.get(f"/api/emails/search?{query}")
    assert (answer.status_code, answer.json()["totalCount"]) == (200, count)


async def test_too_much_to_read_is_refused_in_words(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MESSAGES_LIMIT", 1)
    async with await reading(api) as client:
        await deliver(api, plain("one"))
        assert await subjects(client, "search", q="hello") == ["one"]
        await deliver(api, plain("two"))
        answer = await client.get("/api/emails/search?q=hello")
        assert (answer.status_code, "fromDate" in answer.json()["detail"]) == (400, True)
        assert len(await subjects(client, "search", isRead=False)) == 2


def sent(subject: str, sender: str) -> bytes:
    return f"From: <{sender}>\r\nSubject: {subject}\r\n\r\nHi.\r\n".encode()


async def test_sent_mail_by_sender(api: ApiHost) -> None:
    async with await reading(api) as client:
        await deliver(api, plain("received"))
        for number, sender in enumerate(("ann@example.test", "Ann@Example.test", "other@example.test")):
            await keep(api, ANN, "Sent", sent(f"s{number}", sender), NOON + timedelta(minutes=number))
        listed = await found(client, "sent")
        assert [item["subject"] for item in listed["items"]] == ["s2", "s1", "s0"]
        assert (listed["totalCount"], listed["unreadCount"]) == (3, 0)
        assert await subjects(client, "sent", fromAddress="ANN@example.TEST") == ["s1", "s0"]
        assert await subjects(client, "sent", fromAddress="ann") == []
        addresses = (await client.get("/api/emails/sent/addresses")).json()
        opened = await client.get(f"/api/emails/{listed['items'][0]['id']}")
    assert addresses == ["Ann@Example.test", "ann@example.test", "other@example.test"]
    assert (opened.status_code, opened.json()["subject"]) == (200, "s2")


def reply(name: str, *references: str) -> bytes:
    named = " ".join(f"<{id}@t>" for id in references)
    fields = f"From: b@other.test\r\nSubject: {name}\r\nMessage-ID: <{name}@t>\r\nReferences: {named}\r\n"
    return f"{fields}\r\nHi.\r\n".encode()


async def test_a_thread_by_references_with_what_was_sent(api: ApiHost) -> None:
    async with await reading(api) as client, await reading(api, BOB) as bob:
        root = await deliver(api, plain("root"))
        await keep(api, ANN, "Sent", reply("answer", "root"), NOON + timedelta(minutes=1))
        last = await deliver(api, reply("last", "root", "answer"), at=NOON + timedelta(minutes=2))
        await deliver(api, plain("unrelated"))
        await deliver(api, reply("for Bob", "root"), BOB)
        for start in (root, last):
            thread = (await client.get(f"/api/emails/threads/{start}")).json()
            assert [message["subject"] for message in thread] == ["root", "answer", "last"]
        assert thread[0]["textBody"].strip() == "Hello."
        assert (await bob.get(f"/api/emails/threads/{root}")).json() == []
        assert (await client.get(f"/api/emails/threads/{uuid4()}")).json() == []


@pytest.mark.parametrize("date", ["99999999999999", "-1", "0.5", "yesterday"])
async def test_what_is_no_date_is_400(api: ApiHost, date: str) -> None:
    async with await reading(api) as client:
        assert (await client.get(f"/api/emails/search?fromDate={date}")).status_code == 400
