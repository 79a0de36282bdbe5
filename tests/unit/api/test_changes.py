"""Marking and deleting: the caller's own copies, with a scope for it, and told to every listener."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, NOON, deliver, plain, reading, writing
from tests.support.event_stream import Events, heard, listening

from mailkeep.model.scope import Scope
from mailkeep.model.uids import UidSet
from mailkeep_api.schemas.emails import BULK_LIMIT


@pytest.fixture(autouse=True)
def _no_count_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail of these tests is announced by nobody: its news would come at some moment."""
    monkeypatch.setattr("mailkeep_api.taking.PAGES", 0)


async def told(events: Events, count: int) -> list[tuple[str, Any]]:
    found = [await heard(events) for _ in range(count)]
    return [(event["event"], json.loads(event["data"])) for event in found]


async def unread(client: httpx2.AsyncClient) -> int:
    count: int = (await client.get("/api/emails")).json()["unreadCount"]
    return count


async def test_a_message_is_marked_read_and_unread(api: ApiHost) -> None:
    async with await writing(api) as client:
        email_id = await deliver(api, plain("one"))
        async with listening(client) as events:
            read = await client.patch(f"/api/emails/{email_id}", json={"isRead": True})
            assert (read.status_code, read.json()["isRead"], await unread(client)) == (200, True, 0)
            assert read.json() == (await client.get(f"/api/emails/{email_id}")).json()
            again = await client.patch(f"/api/emails/{email_id}", json={"isRead": False})
            assert (again.json()["isRead"], await unread(client)) == (False, 1)
            assert await told(events, 4) == [
                ("EmailUpdated", {"id": str(email_id), "isRead": True}),
                ("UnreadCountChanged", 0),
                ("EmailUpdated", {"id": str(email_id), "isRead": False}),
                ("UnreadCountChanged", 1),
            ]


@pytest.mark.parametrize("body", [{}, {"isRead": None}, {"subject": "changed"}])
async def test_what_is_absent_stays(api: ApiHost, body: dict[str, object]) -> None:
    async with await writing(api) as client:
        email_id = await deliver(api, plain("one"))
        answer = await client.patch(f"/api/emails/{email_id}", json=body)
        assert (answer.status_code, answer.json()["isRead"]) == (200, False)


async def test_deleting_takes_the_own_copy_and_nobody_elses(api: ApiHost) -> None:
    async with await writing(api) as ann, await writing(api, BOB) as bob:
        email_id = await deliver(api, plain("both"), ANN, BOB)
        async with listening(ann) as events:
            answer = await ann.delete(f"/api/emails/{email_id}")
            assert (answer.status_code, answer.content) == (204, b"")
            assert (await ann.get(f"/api/emails/{email_id}")).status_code == 404
            assert (await ann.delete(f"/api/emails/{email_id}")).status_code == 404
            assert (await bob.get(f"/api/emails/{email_id}")).status_code == 200
            assert await told(events, 2) == [("EmailDeleted", str(email_id)), ("UnreadCountChanged", 0)]


async def test_copies_in_other_mailboxes_change_along(api: ApiHost) -> None:
    async with await writing(api) as client:
        email_id = await deliver(api, plain("one"))
        user = await api.store.directory.user_by_address(ANN)
        assert user is not None
        inbox, archive = [await api.store.mailboxes.get(user.account_id, n) for n in ("INBOX", "Archive")]
        await api.store.committer.copy(inbox.id, UidSet.of([1]), archive.id)
        await client.patch(f"/api/emails/{email_id}", json={"isRead": True})
        assert await unread(client) == 0
        await client.delete(f"/api/emails/{email_id}")
        assert (await client.get("/api/emails")).json()["totalCount"] == 0


@pytest.mark.parametrize(("body", "expected"), [({}, 1), ({"isRead": True}, 1), ({"isRead": False}, 3)])
async def test_many_are_marked_at_once(api: ApiHost, body: dict[str, object], expected: int) -> None:
    async with await writing(api) as ann, await reading(api, BOB) as bob:
        mine = [str(await deliver(api, plain(f"n{number}"))) for number in range(3)]
        other = str(await deliver(api, plain("for Bob"), BOB))
        wanted = {"emailIds": [*mine[:2], other, str(uuid4())], **body}
        answer = await ann.post("/api/emails/bulk/mark-read", json=wanted)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await unread(ann), await unread(bob)) == (expected, 1)


async def test_many_are_deleted_at_once_and_the_real_ones_are_told(api: ApiHost) -> None:
    async with await writing(api) as client:
        mine = [await deliver(api, plain(f"n{n}"), at=NOON + timedelta(minutes=n)) for n in range(3)]
        other = await deliver(api, plain("for Bob"), BOB)
        async with listening(client) as events:
            wanted = [str(id) for id in (other, mine[0], mine[2], mine[0])]
            answer = await client.post("/api/emails/bulk/delete", json={"emailIds": wanted})
            assert (answer.status_code, answer.json()) == (200, {"deletedCount": 2})
            events_heard = await told(events, 3)
            assert {data for name, data in events_heard if name == "EmailDeleted"} == {wanted[1], wanted[2]}
            assert events_heard[-1] == ("UnreadCountChanged", 1)
            nothing = await client.post("/api/emails/bulk/delete", json={"emailIds": wanted})
            assert nothing.json() == {"deletedCount": 0}


@pytest.mark.parametrize("path", ["/api/emails/bulk/mark-read", "/api/emails/bulk/delete"])
async def test_a_list_that_is_too_long_or_none_is_400(api: ApiHost, path: str) -> None:
    async with await writing(api) as client:
        for body in ({"emailIds": [str(uuid4())] * (BULK_LIMIT + 1)}, {"emailIds": ["x"]}, {}):
            assert (await client.post(path, json=body)).status_code == 400
        assert (await client.post(path, json={"emailIds": [str(uuid4())] * BULK_LIMIT})).is_success


def writes(email_id: UUID) -> list[tuple[str, str, dict[str, object]]]:
    ids: dict[str, object] = {"emailIds": [str(email_id)]}
    return [
        ("PATCH", f"/api/emails/{email_id}", {"isRead": True}),
        ("DELETE", f"/api/emails/{email_id}", {}),
        ("POST", "/api/emails/bulk/mark-read", ids),
        ("POST", "/api/emails/bulk/delete", ids),
    ]


async def test_who_may_only_read_changes_nothing(api: ApiHost) -> None:
    async with await reading(api) as client:
        email_id = await deliver(api, plain("one"))
        for method, path, body in writes(email_id):
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, answer.json()["status"]) == (403, 403)
        assert await unread(client) == 1


async def test_the_app_may_write(api: ApiHost) -> None:
    async with api.client(await api.key(await api.user(str(ANN)), Scope.APP)) as client:
        email_id = await deliver(api, plain("one"))
        answers = [await client.request(method, path, json=body) for method, path, body in writes(email_id)]
        assert [answer.status_code for answer in answers] == [200, 204, 204, 200]


async def test_anothers_message_cannot_be_changed(api: ApiHost) -> None:
    async with await writing(api) as ann, await reading(api, BOB) as bob:
        email_id = await deliver(api, plain("for Bob"), BOB)
        for method in ("PATCH", "DELETE"):
            theirs = await ann.request(method, f"/api/emails/{email_id}", json={"isRead": True})
            nobodys = await ann.request(method, f"/api/emails/{uuid4()}", json={"isRead": True})
            assert (theirs.status_code, theirs.json()) == (404, nobodys.json())
        assert await unread(bob) == 1
