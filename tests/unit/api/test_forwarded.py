"""Who is behind a trusted proxy, by X-Forwarded-For and X-Forwarded-Proto."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.types import Receive, Scope, Send
from tests.support.api_host import running_api

from mailkeep.auth import KeyService
from mailkeep.model.scope import Scope as KeyScope
from mailkeep.net.networks import Networks
from mailkeep.settings import Settings, StoreSettings
from mailkeep.storage.interface import Store
from mailkeep_api.browsers import COOKIE, SECURE_COOKIE
from mailkeep_api.forwarded import Forwarded, behind

TRUSTED = ("203.0.113.0/28", "2001:db8:ffff::/64")
CLIENT = "192.0.2.1"
FORWARDED = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("forwarded", "host"),
    [
        (["192.0.2.1"], "192.0.2.1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["10.0.0.1, 192.0.2.1"], "192.0.2.1"),  # the first was written by the client itself
        (["192.0.2.1, 203.0.113.2"], "192.0.2.1"),
        (["198.51.100.9", "192.0.2.1,203.0.113.2, 2001:db8:ffff::2"], "192.0.2.1"),
        (["203.0.113.2"], ""),
        (["192.0.2.1, unknown"], ""),
        ([""], ""),
        ([], ""),
    ],
)
def test_the_last_that_is_no_proxy(forwarded: list[str], host: str) -> None:
    assert behind(forwarded, Networks(TRUSTED)) == host


async def seen(
    peer: str, *headers: tuple[bytes, bytes], kind: str = "http", scheme: str = "http"
) -> tuple[tuple[str, int], str]:
    """(client, scheme) as the application sees them."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    async def nothing(*_: object) -> None:
        raise AssertionError("nothing is read or sent")

    scope = {"type": kind, "scheme": scheme, "client": (peer, 40000), "headers": headers}
    await Forwarded(app, Networks(TRUSTED))(scope, nothing, nothing)  # type: ignore[arg-type]
    return found[0]["client"], found[0]["scheme"]


FOR, PROTO = (b"x-forwarded-for", CLIENT.encode()), (b"x-forwarded-proto", b"https")


async def test_a_trusted_proxy_is_believed() -> None:
    assert await seen("203.0.113.2", FOR, PROTO) == ((CLIENT, 0), "https")
    assert await seen("203.0.113.2", FOR, PROTO, kind="websocket", scheme="ws") == ((CLIENT, 0), "wss")


async def test_without_a_word_it_is_the_proxy_itself() -> None:
    assert await seen("203.0.113.2") == (("203.0.113.2", 40000), "http")


@pytest.mark.parametrize("told", [b"", b"gopher", b"https, http"])
async def test_an_unknown_scheme_changes_nothing(told: bytes) -> None:
    assert (await seen("203.0.113.2", (b"x-forwarded-proto", told)))[1] == "http"


@pytest.mark.parametrize("peer", ["198.51.100.1", "127.0.0.1", "::1"])
async def test_a_stranger_says_whatever_he_likes_and_so_does_loopback(peer: str) -> None:
    assert await seen(peer, FOR, PROTO) == ((peer, 40000), "http")


@pytest.mark.parametrize("trusted", [("127.0.0.1/32",), ()])
async def test_the_host_believes_those_whom_the_settings_trust(
    store: Store, store_settings: StoreSettings, trusted: tuple[str, ...]
) -> None:
    """What a key's networks admit is the client, and over TLS the browser's cookie is of that."""

    def changed(settings: Settings) -> Settings:
        return replace(settings, api=replace(settings.api, trusted_proxies=trusted))

    async with running_api(store, store_settings, changed=changed) as host:
        user_id = await host.user("ann@example.test")
        keys = KeyService(store, host.settings.auth)
        key = (await keys.create(user_id, "there", frozenset({KeyScope.API_READ}), (f"{CLIENT}/32",))).api_key
        async with host.client(key) as client:
            config = await client.get("/config/config.json", headers=FORWARDED)
            answer = await client.get("/api/profile", headers=FORWARDED)
    assert answer.status_code == (200 if trusted else 401)
    cookie = SECURE_COOKIE if trusted else COOKIE
    assert config.headers["set-cookie"].startswith(f"{cookie}=")
    assert ("; Secure" in config.headers["set-cookie"]) is bool(trusted)
