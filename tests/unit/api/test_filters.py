"""Filters over HTTP: made, changed as editors do, tried, and acting on mail."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import BOB, RICH, deliver, plain, reading, writing

PATH = "/api/filters"


async def make(client: httpx2.AsyncClient, **members: object) -> dict[str, Any]:
    answer = await client.post(PATH, json={"name": "one", **members})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    return made


async def test_what_is_not_set_is_left_out(api: ApiHost) -> None:
    async with await writing(api) as client:
        made = await make(client, subjectContains="", hasAttachments=None)
        assert made.pop("createdAt")
        assert made == {
            "id": made["id"],
            "name": "one",
            "isEnabled": True,
            "priority": 100,
            "markAsRead": False,
            "delete": False,
            "timesApplied": 0,
        }
        (listed,) = (await client.get(PATH)).json()
        assert "hasAttachments" not in listed


async def test_a_change_without_a_name_changes_what_it_says(api: ApiHost) -> None:
    async with await writing(api) as client:
        made = await make(client, subjectContains="x", markAsRead=True, priority=5)
        changed = (await client.put(f"{PATH}/{made['id']}", json={"isEnabled": False})).json()
        assert changed == {**made, "isEnabled": False}
        cleared = (await client.put(f"{PATH}/{made['id']}", json={"subjectContains": ""})).json()
        assert "subjectContains" not in cleared
        assert cleared["markAsRead"] is True


async def test_a_change_with_a_name_is_the_whole_filter(api: ApiHost) -> None:
    async with await writing(api) as client:
        label = (await client.post("/api/labels", json={"name": "L", "color": "#1"})).json()
        made = await make(
            client, subjectContains="x", hasAttachments=False, assignLabelId=label["id"], priority=5
        )
        assert (made["assignLabelName"], made["assignLabelColor"]) == ("L", "#1")
        put = {"name": "two", "fromAddressContains": "y"}
        changed = (await client.put(f"{PATH}/{made['id']}", json=put)).json()
        assert (changed["name"], changed["fromAddressContains"], changed["priority"]) == ("two", "y", 5)
        assert {"subjectContains", "hasAttachments", "assignLabelId"}.isdisjoint(changed)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": None},
        {"name": "x" * 201},
        {"name": "x", "subjectContains": "x" * 501},
        {"name": "x", "bodyContains": "x" * 1001},
        {"name": "x", "priority": 2**31},
        {"name": "x", "priority": True},
        {"name": "x", "delete": "yes"},
    ],
)
async def test_what_a_filter_cannot_be_is_400(api: ApiHost, body: dict[str, object]) -> None:
    async with await writing(api) as client:
        assert (await client.post(PATH, json=body)).status_code == 400


async def test_a_label_that_is_not_ones_own_is_404(api: ApiHost) -> None:
    async with await writing(api) as client:
        body = {"name": "x", "assignLabelId": str(uuid4())}
        assert (await client.post(PATH, json=body)).status_code == 404


async def test_a_trial_tells_and_changes_nothing(api: ApiHost) -> None:
    async with await writing(api) as client:
        rich = str(await deliver(api, RICH))
        other = str(await deliver(api, plain("one", "needle here")))
        for conditions, expected in (
            ({"hasAttachments": True}, [rich]),
            ({"bodyContains": "NEEDLE"}, [other]),
            ({"fromAddressContains": "j\u00fcrgen"}, [rich]),
            ({"subjectContains": "nothing"}, []),
        ):
            made = await make(client, markAsRead=True, **conditions)
            told = (await client.post(f"{PATH}/{made['id']}/test")).json()
            assert told == {"matchCount": len(expected), "matchedEmailIds": expected}
        everything = await make(client)
        told = (await client.post(f"{PATH}/{everything['id']}/test?limit=1")).json()
        assert told["matchCount"] == 1
        assert (await client.get("/api/emails")).json()["unreadCount"] == 2
        assert {one["timesApplied"] for one in (await client.get(PATH)).json()} == {0}
        for limit in ("0", "101", "x"):
            path = f"{PATH}/{everything['id']}/test?limit={limit}"
            assert (await client.post(path)).status_code == 400


async def test_it_acts_on_mail_that_comes(api: ApiHost) -> None:
    async with await writing(api) as client:
        label = (await client.post("/api/labels", json={"name": "Work", "color": ""})).json()
        made = await make(client, subjectContains="report", markAsRead=True, assignLabelId=label["id"])
        email_id = await deliver(api, plain("Weekly report"))
        found = (await client.get(f"/api/emails/{email_id}")).json()
        assert (found["isRead"], found["labelIds"]) == (True, [label["id"]])
        (one,) = (await client.get(PATH)).json()
        assert (one["id"], one["timesApplied"]) == (made["id"], 1)
        assert (await client.delete(f"{PATH}/{made['id']}")).status_code == 204
        assert (await client.get(PATH)).json() == []


async def test_what_is_not_ones_own_is_404_and_readers_change_nothing(api: ApiHost) -> None:
    async with await writing(api) as ann, await reading(api, BOB) as bob:
        made = await make(ann)
        path = f"{PATH}/{made['id']}"
        assert (await bob.post(f"{path}/test")).status_code == 404
        assert (await bob.put(path, json={})).status_code == 403
        assert (await bob.delete(path)).status_code == 403
        assert (await bob.post(PATH, json={"name": "x"})).status_code == 403
        assert (await ann.delete(f"{PATH}/{uuid4()}")).status_code == 404
        assert (await ann.put(f"{PATH}/{uuid4()}", json={})).status_code == 404
