"""The names that the API answers to, when a setting lists them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.api_host import running_api

from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api.hosts import is_named

BEYOND = (
    "example.net mail.example.net.evil.test example.org .example.org evilexample.org"
    " mail.example.net@evil.test 127.0.0.1.evil.test [::2] mail.example.net:80:80"
)
ALLOWED = ("mail.example.net", "*.example.org", "127.0.0.1", "[::1]")


@pytest.mark.parametrize(
    "host",
    [
        "mail.example.net",
        "MAIL.example.net:443",
        "a.example.org",
        "a.b.example.org:1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:80",
    ],
)
def test_a_name_of_ours_with_any_port(host: str) -> None:
    assert is_named(host, ALLOWED)


@pytest.mark.parametrize(
    "host",
    ["", *BEYOND.split()],
)
def test_a_name_that_is_not_ours(host: str) -> None:
    assert not is_named(host, ALLOWED)


async def test_other_names_are_refused_before_anything_is_looked_at(
    store: Store, store_settings: StoreSettings
) -> None:
    def only_ours(settings: Settings) -> Settings:
        return replace(settings, api=replace(settings.api, allowed_hosts=("mail.example.net",)))

    async with running_api(store, store_settings, changed=only_ours) as api, api.client() as client:
        answer = await client.get("/api/discovery", headers={"Host": "rebound.test"})
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"]
        ours = await client.get("/api/discovery", headers={"Host": "mail.example.net:8080"})
        assert ours.status_code == 200


async def test_without_the_setting_any_name_is_good(store: Store, store_settings: StoreSettings) -> None:
    async with running_api(store, store_settings) as api, api.client() as client:
        assert (await client.get("/api/discovery", headers={"Host": "anything.test"})).status_code == 200
