"""Labels over HTTP: names for keywords that every IMAP client sees."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import ANN, BOB, deliver, plain, reading, writing
from tests.support.event_stream import heard, listening

from mailkeep.model.flags import FlagAction, Flags
from mailkeep.model.uids import UidSet

PATH = "/api/labels"


@pytest.fixture(autouse=True)
def _no_count_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail of these tests is announced by nobody: its news would come at some moment."""
    monkeypatch.setattr("mailkeep_api.taking.PAGES", 0)


async def make(client: httpx2.AsyncClient, name: str, **more: object) -> dict[str, Any]:
    answer = await client.post(PATH, json={"name": name, "color": "#00f", **more})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    return made


async def flags_of(api: ApiHost, mailbox: str = "INBOX") -> list[tuple[str, ...]]:
    user = await api.store.directory.user_by_address(ANN)
    assert user is not None
    box = await api.store.mailboxes.get(user.account_id, mailbox)
    snapshot = await api.store.messages.snapshot(box.id)
    await api.store.messages.refresh(snapshot)
    return [snapshot.flags_at(place).names() for place in range(len(snapshot))]


async def test_a_label_is_made_changed_and_removed(api: ApiHost) -> None:
    async with await writing(api) as client:
        made = await make(client, "Receipts", sortOrder=2)
        await make(client, "First")
        assert (made["name"], made["color"], made["sortOrder"]) == ("Receipts", "#00f", 2)
        assert made["keyword"] == "receipts"
        assert [label["name"] for label in (await client.get(PATH)).json()] == ["First", "Receipts"]
        changed = await client.put(f"{PATH}/{made['id']}", json={"name": "Bills", "color": None})
        assert changed.json() == {**made, "name": "Bills"}
        assert (await client.delete(f"{PATH}/{made['id']}")).status_code == 204
        assert (await client.delete(f"{PATH}/{made['id']}")).status_code == 404
        assert len((await client.get(PATH)).json()) == 1


async def test_a_name_that_is_taken_is_a_conflict(api: ApiHost) -> None:
    async with await writing(api) as client:
        made = await make(client, "one")
        await make(client, "two")
        assert (await client.post(PATH, json={"name": "two", "color": ""})).status_code == 409
        assert (await client.put(f"{PATH}/{made['id']}", json={"name": "two"})).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": None, "color": ""},
        {"name": "x" * 101, "color": ""},
        {"name": "x", "color": "x" * 21},
        {"name": "x", "color": "", "sortOrder": 2**31},
    ],
)
async def test_what_a_label_cannot_be_is_400(api: ApiHost, body: dict[str, object]) -> None:
    async with await writing(api) as client:
        assert (await client.post(PATH, json=body)).status_code == 400


async def test_a_labelled_message_carries_the_keyword_and_is_listed(api: ApiHost) -> None:
    async with await writing(api) as client:
        label = await make(client, "Important")
        email_id = await deliver(api, plain("one"))
        await deliver(api, plain("two"))
        async with listening(client) as events:
            path = f"{PATH}/emails/{email_id}"
            for _ in range(2):
                answer = await client.post(path, json={"labelId": label["id"]})
                assert (answer.status_code, answer.content) == (204, b"")
            event = await heard(events)
            assert (event["event"], json.loads(event["data"])) == (
                "EmailUpdated",
                {"id": str(email_id), "isRead": False},
            )
            assert sorted(await flags_of(api)) == [(), ("$label1",)]
            listed = (await client.get(f"{PATH}/{label['id']}/emails")).json()
            assert (listed["totalCount"], listed["items"][0]["id"]) == (1, str(email_id))
            assert listed["items"][0]["labelIds"] == [label["id"]]
            assert (await client.get(f"/api/emails/{email_id}")).json()["labelIds"] == [label["id"]]
            for _ in range(2):
                assert (await client.delete(f"{path}/{label['id']}")).status_code == 204
            assert await flags_of(api) == [(), ()]


async def test_a_keyword_that_a_mail_client_set_is_the_label(api: ApiHost) -> None:
    async with await writing(api) as client:
        label = await make(client, "Work")
        email_id = await deliver(api, plain("one"))
        user = await api.store.directory.user_by_address(ANN)
        assert user is not None
        inbox = await api.store.mailboxes.get(user.account_id, "INBOX")
        tag = Flags.parse(["$Label2", "unknown"])
        await api.store.committer.store_flags(inbox.id, UidSet.of([1]), FlagAction.ADD, tag)
        assert (await client.get(f"/api/emails/{email_id}")).json()["labelIds"] == [label["id"]]


async def test_a_removed_label_is_taken_from_every_message(api: ApiHost) -> None:
    async with await writing(api) as client:
        label = await make(client, "gone")
        for number in range(2):
            email_id = await deliver(api, plain(f"n{number}"))
            await client.post(f"{PATH}/emails/{email_id}", json={"labelId": label["id"]})
        await client.delete(f"{PATH}/{label['id']}")
        assert await flags_of(api) == [(), ()]


async def test_what_is_not_ones_own_is_404(api: ApiHost) -> None:
    async with await writing(api) as ann, await writing(api, BOB) as bob:
        theirs, mine = await make(bob, "theirs"), await make(ann, "mine")
        to_bob, to_ann = await deliver(api, plain("b"), BOB), await deliver(api, plain("a"))
        refused = [
            await ann.put(f"{PATH}/{theirs['id']}", json={"name": "x"}),
            await ann.delete(f"{PATH}/{theirs['id']}"),
            await ann.get(f"{PATH}/{theirs['id']}/emails"),
            await ann.post(f"{PATH}/emails/{to_ann}", json={"labelId": theirs["id"]}),
            await ann.post(f"{PATH}/emails/{to_bob}", json={"labelId": mine["id"]}),
            await ann.post(f"{PATH}/emails/{uuid4()}", json={"labelId": mine["id"]}),
            await ann.delete(f"{PATH}/emails/{to_bob}/{mine['id']}"),
            await ann.delete(f"{PATH}/emails/{to_ann}/{theirs['id']}"),
        ]
        assert {answer.status_code for answer in refused} == {404}
        assert {answer.json()["detail"] for answer in refused} == {"Email not found", "Label not found"}


async def test_who_may_only_read_changes_nothing(api: ApiHost) -> None:
    async with await reading(api) as client:
        assert (await client.get(PATH)).json() == []
        answers = [
            await client.post(PATH, json={"name": "x", "color": ""}),
            await client.put(f"{PATH}/{uuid4()}", json={}),
            await client.delete(f"{PATH}/{uuid4()}"),
            await client.post(f"{PATH}/emails/{uuid4()}", json={"labelId": str(uuid4())}),
            await client.delete(f"{PATH}/emails/{uuid4()}/{uuid4()}"),
        ]
        assert {answer.status_code for answer in answers} == {403}
