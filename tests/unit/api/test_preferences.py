"""Preferences over HTTP: the contract's names and defaults, and only words that clients know."""

from __future__ import annotations

import pytest
from tests.support.api_host import ApiHost
from tests.support.api_mail import reading, writing

PATH = "/api/preferences"


async def test_the_defaults_have_the_zero_id(api: ApiHost) -> None:
    async with await reading(api) as client:
        found = (await client.get(PATH)).json()
        profile = (await client.get("/api/profile")).json()
    assert found.pop("updatedAt").endswith("Z")
    assert found == {
        "id": "00000000-0000-0000-0000-000000000000",
        "userId": profile["id"],
        "theme": "system",
        "displayDensity": "comfortable",
        "emailsPerPage": 20,
        "defaultSort": "receivedAt-desc",
        "showPreview": True,
        "groupByDate": False,
        "desktopNotifications": False,
        "emailDigest": False,
        "digestFrequency": "daily",
        "digestTime": "09:00:00",
    }


async def test_a_subset_is_changed(api: ApiHost) -> None:
    async with await writing(api) as client:
        first = await client.put(PATH, json={"theme": "dark", "digestTime": "07:30", "showPreview": None})
        assert first.status_code == 200
        again = (await client.put(PATH, json={"emailsPerPage": 50})).json()
        assert (again["theme"], again["digestTime"], again["showPreview"]) == ("dark", "07:30:00", True)
        assert again == (await client.get(PATH)).json()
        assert again["id"] == first.json()["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"theme": "pink"},
        {"displayDensity": ""},
        {"emailsPerPage": 9},
        {"emailsPerPage": 101},
        {"defaultSort": "size-asc"},
        {"digestFrequency": "hourly"},
        {"digestTime": "24:00"},
        {"digestTime": "9:00"},
        {"showPreview": "perhaps"},
    ],
)
async def test_what_no_client_knows_is_refused(api: ApiHost, body: dict[str, object]) -> None:
    async with await writing(api) as client:
        assert (await client.put(PATH, json=body)).status_code == 400
        assert (await client.get(PATH)).json()["id"].startswith("00000000")


async def test_who_may_only_read_changes_nothing(api: ApiHost) -> None:
    async with await reading(api) as client:
        assert (await client.put(PATH, json={"theme": "dark"})).status_code == 403
