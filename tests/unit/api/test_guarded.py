"""What a connection may cost before there is a request: time, memory, places."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.api_host import ApiHost, running_api

from mailkeep.model.scope import Scope
from mailkeep.settings import StoreSettings
from mailkeep.storage.interface import Store

SECONDS = 10.0
HALF = b"POST /api/internal/notifications/new-email HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"


@pytest.fixture
async def api(
    store: Store, store_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ApiHost]:
    monkeypatch.setattr("mailkeep_api.guarded.HEAD_SECONDS", 0.3)
    monkeypatch.setattr("mailkeep_api.guarded.BODY_SECONDS", 0.3)
    async with running_api(store, store_settings) as host:
        yield host


async def said(api: ApiHost, octets: bytes) -> bytes:
    """All that the host answers to these octets and silence, up to the end of the connection."""
    host, _, port = api.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(octets)
    try:
        return await asyncio.wait_for(reader.read(), SECONDS)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("octets", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_whoever_does_not_finish_the_head_hears_408(api: ApiHost, octets: bytes) -> None:
    answer = await said(api, octets)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


async def test_whoever_does_not_finish_the_body_is_cut_off(api: ApiHost) -> None:
    assert not (await said(api, HALF + b"\r\nhalf")).startswith(b"HTTP/1.1 2")


@pytest.mark.parametrize("endless", [b"GET /" + b"a" * 70_000, b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000])
async def test_a_head_has_a_limit(api: ApiHost, endless: bytes) -> None:
    assert (await said(api, endless)).startswith(b"HTTP/1.1 431 ")


async def test_an_answer_that_takes_long_is_not_cut_off(api: ApiHost) -> None:
    """The limits are the client's: an event stream stays open."""
    key = await api.key(await api.user("ann@example.test"), Scope.API_READ)
    async with api.client(key) as client, client.stream("GET", "/api/events") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        await asyncio.sleep(0.6)
        assert (await client.get("/health")).status_code == 200
        assert not stream.is_closed


async def test_a_second_request_has_its_own_time(api: ApiHost) -> None:
    async with api.client() as client:
        for _ in range(3):
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.sleep(0.2)


async def test_one_network_does_not_get_every_place(store: Store, store_settings: StoreSettings) -> None:
    async with running_api(store, store_settings, per_network=3) as api:
        host, _, port = api.url.removeprefix("http://").rpartition(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        assert (await said(api, b"")).startswith(b"HTTP/1.1 503 ")
        held[0][1].close()
        await held[0][1].wait_closed()
        async with api.client() as client:
            assert (await client.get("/health/live")).status_code == 200
        for _, writer in held[1:]:
            writer.close()


async def test_a_body_over_the_limit_is_413(api: ApiHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailkeep_api.guarded.BODY_SECONDS", 60.0)
    async with api.client(await api.key(None, Scope.INTERNAL)) as client:
        answer = await client.post(
            "/api/internal/notifications/new-email",
            content=b'"' + b"x" * 1_100_000,
            headers={"Content-Type": "application/json"},
        )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
